"""One Processo, from its message to its end: spawn, watch, sample, enforce, reap, record.

Runs in a django-q2 worker, which nobody ever signals (killing an idle one wedges the whole cluster). What is killed
is the child's session.
"""

import logging
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import Error, close_old_connections, connection

from executions import clock
from executions.models import Controle, Processo
from executions.robos import pedir_robos
from robotcontrol import env
from workers import processes
from workers.life import FENCED

logger = logging.getLogger("robotcontrol.supervisor")

Motivo, Status = Processo.Motivo, Processo.Status
CHILD_POLL_SECONDS = 0.1
ROW_POLL_SECONDS = 1.0
SAMPLE_SECONDS = 5.0
PROGRESS_SECONDS = 5.0
SYSTEM_VARIABLES = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "HOME",
    "DISPLAY",
    "XAUTHORITY",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "DJANGO_SETTINGS_MODULE",
)
WORDS_BYTES = 1500


@dataclass(frozen=True)
class Verdict:
    """Why the supervisor ends its child, and what becomes of the item it holds (see Processo.terminar)."""

    motivo: str
    item: str
    gentle: bool = False


def supervise(uuid: str) -> None:
    """Supervises this Processo to its end. Returns at once when it is not (or no longer) to be started here."""
    processo = Processo.objects.select_related("host").filter(uuid=uuid).first()
    if processo is None or processo.host is None or processo.host.nome != settings.ROBOT_HOST:
        return
    if processo.iniciar():
        Supervisor(processo).run()


def mark(uuid: object) -> str:
    """The value of ROBOT_WORKER_ID that all processes of this Processo carry."""
    return f"{Controle.get().instalacao}:{uuid}"


def robot_folder(uuid: UUID) -> Path:
    """The robot's private folder. Its parent is made readable by this user only; another's is refused (OSError)."""
    parent = settings.ROBOT_TMP_DIR
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if parent.stat().st_uid != os.geteuid():
        raise PermissionError(f"{parent} pertence a outro usuário.")
    return parent / uuid.hex[:16]


class Supervisor:
    def __init__(self, processo: Processo) -> None:
        self.processo = processo
        self.mark = mark(processo.uuid)
        self.folder = robot_folder(processo.uuid)
        self.log = self.folder.with_suffix(".log")
        self.verdict: Verdict | None = None
        self._cpu: tuple[float, float] | None = None
        self._progress_at = 0.0

    def run(self) -> None:
        child = self._spawn()
        who = processes.identity(child.pid)
        try:
            if who and self._running(who):
                self._watch(child)
        finally:
            reaped = processes.reap(self.mark, who)
            self._record(_exit_code(child), reaped)
            shutil.rmtree(self.folder, ignore_errors=True)
            self.log.unlink(missing_ok=True)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        keep = (*SYSTEM_VARIABLES, *sorted(env.NAMES))
        environment = {name: os.environ[name] for name in keep if name in os.environ}
        environment |= {processes.MARK: self.mark, "ROBOT_HOST": settings.ROBOT_HOST}
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "robot", str(self.processo.uuid)]
        with self.log.open("wb") as log:
            # The pipe on stdin is how the robot learns that its supervisor is gone; nothing is ever written to it.
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, env=environment,
                cwd=settings.BASE_DIR, start_new_session=True,
            )  # fmt: skip

    def _running(self, who: processes.Identity) -> bool:
        return self.processo.rodar(
            pid=who.pid, start_ticks=who.start_ticks, boot_id=who.boot_id, pasta=str(self.folder)
        )

    def _watch(self, child: "subprocess.Popen[bytes]") -> None:
        """Until the child has ended, by itself or by a verdict."""
        row_at = sample_at = 0.0
        while child.poll() is None:
            now = time.monotonic()
            if now - row_at >= ROW_POLL_SECONDS / min(settings.TIME_DIVISOR, 5):
                row_at = now
                self.verdict = self._judge()
                if self.verdict:
                    return self._end(child)
            if now - sample_at >= SAMPLE_SECONDS:
                sample_at = now
                self._sample(now)
            try:
                child.wait(CHILD_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        return None

    def _judge(self) -> Verdict | None:
        try:
            row = Processo.objects.select_related("host").get(pk=self.processo.pk)
            if row.kill_requested_at or not row.vivo:
                return Verdict(Motivo.ENCERRADO, "devolver")
            if row.host and row.host.draining_at:
                return Verdict(Motivo.PARADA, "devolver", gentle=True)
            now = time.monotonic()
            if now - self._progress_at < PROGRESS_SECONDS / settings.TIME_DIVISOR:
                return None
            self._progress_at = now
            if sem_progresso(row):
                return Verdict(Motivo.SEM_PROGRESSO, "tentar_de_novo")
        except Error as error:
            # The robot ends itself when the database stays away for long; until then it works on.
            logger.warning("supervisor cannot read its row: %s", error)
            connection.close()
        return None

    def _end(self, child: "subprocess.Popen[bytes]") -> None:
        """Gentle: close the pipe and let it leave in order. The rest is the reap that always follows."""
        assert self.verdict is not None
        if self.verdict.gentle and child.stdin:
            child.stdin.close()
            try:
                child.wait(settings.STOP_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                logger.warning("robot %s did not leave within its grace", self.processo.uuid)

    def _sample(self, now: float) -> None:
        """CPU % since the last sample and memory of the whole tree, for the pages and for recycling."""
        who = processes.Identity(self.processo.pid or 0, self.processo.start_ticks or 0, self.processo.boot_id)
        if not self.processo.pid:
            self.processo.refresh_from_db()
            return
        used = processes.usage(self.mark, who)
        cpu = None
        if self._cpu:
            seconds, at = self._cpu
            cpu = max(0.0, 100 * (used.cpu_seconds - seconds) / max(0.1, now - at))
        self._cpu = (used.cpu_seconds, now)
        try:
            Processo.objects.filter(pk=self.processo.pk).update(cpu=cpu, rss=used.memory, n_processos=used.processes)
        except Error:
            connection.close()

    def _record(self, code: int | None, reaped: processes.Reaped) -> None:
        """T16. When the database is away, the host's watchdog records it later from the dead process."""
        logger.info("robot %s ended with %s: %s", self.processo.uuid, code, reaped)
        status, motivo, item = Status.EXITED, "", "expirar"
        words = ""
        if self.verdict:
            status = Status.EXITED if self.verdict.gentle and code == 0 else Status.KILLED
            motivo, item = self.verdict.motivo, self.verdict.item
        elif code == FENCED:
            motivo = Motivo.CERCADO
        elif code != 0:
            motivo, words = Motivo.FALHA, f"Código de saída {code}. {_last_words(self.log)}"
        if reaped.left:
            words = f"Processos que não morreram: {reaped}. {words}"
        try:
            close_old_connections()
            self.processo.terminar(status, exit_code=code, motivo=motivo, erro=words, item=item)
            if self.processo.execucao_id:
                pedir_robos(self.processo.execucao_id)
        except Error:
            logger.exception("the end of robot %s could not be recorded", self.processo.uuid)


def sem_progresso(row: Processo, folga: float = 0.0) -> bool:
    """T10: no step forward for NO_PROGRESS_SECONDS, one item for ITEM_DEADLINE_SECONDS, or a heartbeat gone stale.

    `folga`: seconds of head start that a second watcher leaves to the supervisor.
    """
    agora = clock.db_now() - timedelta(seconds=folga)

    def older(moment: object, seconds: float) -> bool:
        return moment is not None and moment < agora - timedelta(seconds=seconds)  # type: ignore[operator]

    if older(row.progress_at, settings.NO_PROGRESS_SECONDS) or older(
        row.heartbeat_at, settings.STALE_HEARTBEAT_SECONDS
    ):
        return True
    limit = agora - timedelta(seconds=settings.ITEM_DEADLINE_SECONDS)
    return row.itens.em_andamento().filter(started_at__lt=limit).exists()


def _exit_code(child: "subprocess.Popen[bytes]") -> int | None:
    """None when even SIGKILL did not end it (a process stuck in the kernel): the reap's report names it."""
    try:
        return child.wait(ROW_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _last_words(log: Path) -> str:
    try:
        return log.read_bytes()[-WORDS_BYTES:].decode(errors="replace").strip()
    except OSError:
        return ""
