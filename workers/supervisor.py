"""One Processo, from its message to its end: spawn, watch, sample, enforce, reap, record. Robots and scripts alike.

Runs in a django-q2 worker, which nobody ever signals (killing an idle one wedges the whole cluster). What is killed
is the child's session.
"""

import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.utils.translation import gettext as _

from executions.models import Controle, Processo
from workers import faults, processes
from workers.errors import DATABASE_AWAY

logger = logging.getLogger("robotcontrol.supervisor")

Motivo, Status = Processo.Motivo, Processo.Status
CHILD_POLL_SECONDS = 0.1
ROW_POLL_SECONDS = 1.0
RECORD_POLL_SECONDS = 0.2  # until a database that is away takes the end
SAMPLE_SECONDS = 5.0


@dataclass(frozen=True)
class Verdict:
    """Why a supervisor ends its child; how (`kill` at once, `pipe` closed first, `term` first), with how many seconds
    of grace; and what becomes of the item it holds (see Processo.terminar)."""

    motivo: str
    item: str = "expirar"
    how: str = "kill"
    grace: float = 0.0


@dataclass(frozen=True)
class End:
    """What is recorded of it."""

    status: str
    motivo: str = ""
    words: str = ""
    item: str = "expirar"


def mark(uuid: object) -> str:
    """The value of ROBOT_WORKER_ID that all processes of this Processo carry."""
    return f"{Controle.get().instalacao}:{uuid}"


def robot_folder(uuid: UUID) -> Path:
    """The process's private folder. Its parent is made readable by this user only; another's is refused (OSError)."""
    parent = settings.ROBOT_TMP_DIR
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if parent.stat().st_uid != os.geteuid():
        raise PermissionError(_("%(parent)s pertence a outro usuário.") % {"parent": parent})
    return parent / uuid.hex[:16]


class Supervisor:
    """The one way to start, watch, limit, kill, reap and record. What differs between kinds is in the hooks."""

    stdin = subprocess.DEVNULL

    def __init__(self, processo: Processo) -> None:
        self.processo = processo
        self.mark = mark(processo.uuid)
        self.folder = robot_folder(processo.uuid)
        self.log = self.folder.with_suffix(".log")
        self.verdict: Verdict | None = None
        self.who: processes.Identity | None = None
        self.began = time.monotonic()
        self._memory_kills = processes.memory_kills()
        self._cpu: tuple[float, float] | None = None

    # ---- hooks --------------------------------------------------------------------------------------------------
    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        raise NotImplementedError

    def streams(self) -> tuple[Path, Path]:
        """The files that stdout and stderr are appended to."""
        return self.log, self.log

    def judge(self, row: Processo) -> Verdict | None:
        """From its row, once a second: must it end?"""
        raise NotImplementedError

    def each_poll(self) -> Verdict | None:
        """A few times a second, whatever the database does."""
        return None

    def measured(self, used: processes.Usage, cpu: float | None) -> Verdict | None:
        """After each sample of the tree."""
        return None

    def ended(self, code: int | None) -> End:
        raise NotImplementedError

    def afterwards(self, end: End) -> None:
        """When the end is recorded."""

    # ---- the life -----------------------------------------------------------------------------------------------
    def run(self) -> None:
        faults.point("before_spawn")
        self.child = child = self._spawn()
        faults.point("after_spawn")
        self.who = processes.identity(child.pid)
        try:
            if self.who and self._running(self.who):
                self._watch(child)
        finally:
            reaped = processes.reap(self.mark, self.who)
            faults.point("before_record")
            self._record(_exit_code(child), reaped)
            shutil.rmtree(self.folder, ignore_errors=True)
            self.log.unlink(missing_ok=True)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        out, err = self.streams()
        with out.open("ab") as stdout, err.open("ab") as stderr:
            return subprocess.Popen(
                self.command(), stdin=self.stdin, stdout=stdout, stderr=stderr, cwd=self.working_folder(),
                env=self.environment() | {processes.MARK: self.mark}, start_new_session=True,
            )  # fmt: skip

    def working_folder(self) -> Path:
        return settings.BASE_DIR

    def _running(self, who: processes.Identity) -> bool:
        return self.processo.rodar(
            pid=who.pid, start_ticks=who.start_ticks, boot_id=who.boot_id, pasta=str(self.folder)
        )

    def _watch(self, child: "subprocess.Popen[bytes]") -> None:
        """Until the child has ended, by itself or by a verdict."""
        row_at = sample_at = 0.0
        while child.poll() is None:
            now = time.monotonic()
            self.verdict = self.each_poll()
            if not self.verdict and now - row_at >= ROW_POLL_SECONDS / min(settings.TIME_DIVISOR, 5):
                row_at = now
                self.verdict = self._asked(self._judged)
            if not self.verdict and now - sample_at >= self.sample_seconds:
                sample_at = now
                self.verdict = self._asked(self._sampled)
            if self.verdict:
                return self._end(child, self.verdict)
            try:
                child.wait(CHILD_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        return None

    sample_seconds = SAMPLE_SECONDS

    def _judged(self) -> Verdict | None:
        return self.judge(Processo.objects.select_related("host").get(pk=self.processo.pk))

    def _asked(self, ask: Callable[[], Verdict | None]) -> Verdict | None:
        """A database that is away ends no child: a robot ends itself when that lasts, and a script works on."""
        try:
            return ask()
        except Error as error:
            logger.warning("supervisor cannot ask the database: %s", error, extra={"event": "sem_banco"})
            connection.close()
            return None

    def _end(self, child: "subprocess.Popen[bytes]", verdict: Verdict) -> None:
        """The gentle part, if any. The rest is the reap that always follows."""
        if verdict.how == "pipe" and child.stdin:
            child.stdin.close()
        elif verdict.how == "term":
            processes.terminate(self.mark, self.who)
        deadline = time.monotonic() + verdict.grace
        while time.monotonic() < deadline and self._still_there(child, verdict):
            self.each_poll()
            time.sleep(CHILD_POLL_SECONDS)

    def _still_there(self, child: "subprocess.Popen[bytes]", verdict: Verdict) -> bool:
        """A robot's own end is enough; of a script, the whole tree was asked, and the whole tree is waited for."""
        return child.poll() is None or (verdict.how == "term" and bool(processes.find(self.mark, self.who)))

    def _sampled(self) -> Verdict | None:
        """CPU % since the last sample and memory of the whole tree, for the pages, for limits and for recycling."""
        if self.who is None:
            return None
        used, now = processes.usage(self.mark, self.who), time.monotonic()
        cpu = None
        if self._cpu:
            seconds, at = self._cpu
            cpu = max(0.0, 100 * (used.cpu_seconds - seconds) / max(0.1, now - at))
        self._cpu = (used.cpu_seconds, now)
        self.write(cpu=cpu, rss=used.memory, n_processos=used.processes)
        return self.measured(used, cpu)

    def write(self, **changes: Any) -> None:
        """Figures of its row; a database that is away costs only them."""
        try:
            Processo.objects.filter(pk=self.processo.pk).update(**changes)
        except Error:
            connection.close()

    def without_memory(self, code: int | None) -> End | None:
        """The end of one that died by a SIGKILL which nobody of ours sent, if the kernel has sent some since its start
        for want of memory (Linux does not say to whom)."""
        if code != -signal.SIGKILL or self.verdict or processes.memory_kills() <= self._memory_kills:
            return None
        text = _("O sistema operacional encerrou o processo. Use menos robôs nesta máquina, ou aumente a memória dela.")
        return End(Status.EXITED, Motivo.SEM_MEMORIA, text)

    def _record(self, code: int | None, reaped: processes.Reaped) -> None:
        """T16. A database that is away is waited for, however long: the host's watchdog, which would take the dead
        process for a crash, cannot act sooner. What the database refuses is left to it after a while."""
        logger.info("%s ended with %s: %s", self.mark, code, reaped, extra={"event": "processo_terminado"})
        end: End | None = None
        deadline = time.monotonic() + settings.SELF_ABORT_SECONDS
        while True:
            try:
                close_old_connections()
                end = end or self.ended(code)  # it may ask the database too, and is heard once
                words = (
                    _("Processos que não morreram: %(reaped)s. %(words)s") % {"reaped": reaped, "words": end.words}
                    if reaped.left
                    else end.words
                )
                self.processo.terminar(end.status, exit_code=code, motivo=end.motivo, erro=words, item=end.item)
                self.afterwards(end)
                return
            except Error as error:
                if not isinstance(error, DATABASE_AWAY) and time.monotonic() > deadline:
                    logger.exception(
                        "the end of %s could not be recorded", self.mark, extra={"event": "fim_nao_gravado"}
                    )
                    return
                connection.close()
                time.sleep(RECORD_POLL_SECONDS)


def _exit_code(child: "subprocess.Popen[bytes]") -> int | None:
    """None when even SIGKILL did not end it (a process stuck in the kernel): the reap's report names it."""
    try:
        return child.wait(ROW_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None
