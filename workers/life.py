"""A robot's signs of life: heartbeat, lease, fence, and the supervisor's pipe. Threads of the child process."""

import logging
import os
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from executions import clock, contexto
from executions.errors import StaleClaim
from executions.models import Execucao, JobItem, Processo, Registro
from executions.models.medida import medidor
from workers import faults, guard, processes
from workers.errors import DATABASE_AWAY, Parada

logger = logging.getLogger("robotcontrol.robot")

STDIN = 0  # the supervisor's pipe
# Exit statuses: of a robot that found its item or its row gone, and of one whose database went away.
FENCED, NO_DATABASE = 75, 74
LINES_KEPT = 200
LIMIT_POLL_SECONDS = 0.5


class Life:
    """What the threads of one robot share: the item in hand, the step it is at, and whether it must stop.

    `claim_lock` is held around every claim and every finish, so that under it "what I believe I hold" is exact.
    """

    def __init__(self, processo: Processo) -> None:
        self.processo = processo
        self.execucao_id = processo.execucao_id or 0
        self.claim_lock = threading.Lock()
        self.item = None
        self.stop = threading.Event()
        self.heavy = False
        self._step = _("iniciando")
        self._step_at = time.monotonic()
        self._last_beat = time.monotonic()
        self._unanswered = False  # a heartbeat was begun, and the database has not taken it
        self._lines: list[Registro] = []

    @property
    def item(self) -> JobItem | None:
        return self._item

    @item.setter
    def item(self, item: JobItem | None) -> None:
        self._item = item
        held = (item.pk, item.attempts, item.token) if item else (None, None, None)
        contexto.fixar(**dict(zip(("item_id", "tentativa", "token"), held, strict=True)))

    def start(self, watched: Callable[[], None]) -> None:
        """`watched` is called when the supervisor says that somebody watches; it must return at once."""
        self._watched = watched
        contexto.fixar(worker=str(self.processo.uuid), execucao_id=self.processo.execucao_id)
        self._guard = guard.start(os.environ.get(processes.MARK, ""), os.getpid())
        for target in (self._heart, self._limit, self._pipe):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()

    def advance(self, step: str) -> None:
        """T5: a step forward. Raises Parada when the robot is told to stop."""
        self._step, self._step_at = step, time.monotonic()
        if self.stop.is_set():
            raise Parada

    def note(self, evento: str, mensagem: str, level: str = "info", item: JobItem | None = None) -> None:
        """A line for the execution's log; written with the next heartbeat, many at a time."""
        line = Registro(
            at=timezone.now(), evento=evento, mensagem=mensagem[:2000], level=level,
            execucao_id=self.processo.execucao_id, item=item, processo=self.processo,
        )  # fmt: skip
        self._lines.append(line)
        line.ao_log()

    def flush(self) -> None:
        """Those that a database which is away could not take are kept for the next time, up to LINES_KEPT."""
        lines, self._lines = self._lines, []
        try:
            Registro.objects.bulk_create(lines)
        except DATABASE_AWAY:
            for line in lines:
                line.pk = None  # of an insert that was undone
            self._lines[:0] = lines
            del self._lines[:-LINES_KEPT]
            raise
        medidor.gravar()

    def finish(self, write: Callable[[], None]) -> None:
        """Records the item's end. A database that went away is waited for: the verb may be said twice, its token is
        the proof that it was this robot's."""
        until = time.monotonic() + settings.SELF_ABORT_SECONDS
        faults.point("before_finish")
        with self.claim_lock:
            while True:
                try:
                    write()
                    break
                except DATABASE_AWAY:
                    if time.monotonic() > until:
                        raise
                    connection.close()
                    time.sleep(0.5)
            self.item = None
        faults.point("after_finish")

    def _heart(self) -> None:
        while True:
            time.sleep(settings.HEARTBEAT_SECONDS)
            began = time.monotonic()  # before it asks for the database's time, from which the lease counts
            self._unanswered = True
            try:
                close_old_connections()
                self._beat()
                self._last_beat, self._unanswered = began, False
            except Error as error:
                # Whoever watches sees silence; `_limit` ends this process before the lease does.
                logger.warning("heartbeat failed: %s", error, extra={"event": "sem_banco"})
                connection.close()

    def _beat(self) -> None:
        agora = clock.db_now()
        if not self.processo.bater(self._step, time.monotonic() - self._step_at, agora=agora):
            self._fenced("the row of this robot is no longer running")
        Execucao.objects.filter(pk=self.execucao_id).update(heartbeat_at=agora)
        item = self.item
        if item is not None and not item.renovar(agora=agora):
            with self.claim_lock:
                if self.item is item:
                    self._fenced(f"item {item.pk} is no longer held with token {item.token}")
        rss = Processo.objects.values_list("rss", flat=True).get(pk=self.processo.pk)
        self.heavy = bool(rss and rss > settings.RECYCLE_MEMORY_MB * 1024 * 1024)
        self.flush()

    def _limit(self) -> None:
        """Ends this process before its lease does, whatever its other threads wait for."""
        while time.monotonic() - self._last_beat <= settings.SELF_ABORT_SECONDS:
            time.sleep(LIMIT_POLL_SECONDS)
        if not self._unanswered:
            self._fenced("no heartbeat was even begun for too long: this process was frozen")
        logger.error("the database took no heartbeat for too long", extra={"event": "banco_fora"})
        os._exit(NO_DATABASE)

    def _pipe(self) -> None:
        """Watches the supervisor's pipe. Raw reads: a buffered one breaks the exit."""
        while os.read(STDIN, 64):
            self._watched()
        self.stop.set()
        try:
            # The main thread leaves at its next step; should it hang in a browser command, the item goes back anyway.
            time.sleep(settings.STOP_GRACE_SECONDS * 0.7)
            with self.claim_lock:
                if self.item is not None:
                    self.item.devolver()
        except (StaleClaim, Error) as error:
            logger.warning("the item could not be given back: %s", error, extra={"event": "nao_devolvido"})
        finally:
            os._exit(0)

    def _fenced(self, why: str) -> None:
        """Ends at once, writing nothing: somebody else may own the item. The supervisor clears the browser away."""
        logger.error("fenced: %s", why, extra={"event": "robo_cercado"})
        os._exit(FENCED)
