"""The supervisor of a robot: a pipe on its stdin, the rule of progress, an item in its hand."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from executions import clock
from executions.models import Processo, Registro
from executions.robos import pedir_robos
from robotcontrol import env
from workers.clock_watch import ClockWatch
from workers.life import FENCED, NO_DATABASE
from workers.supervisor import End, Motivo, Status, Supervisor, Verdict

PROGRESS_SECONDS = 5.0
WORDS_BYTES = 1500
SYSTEM_VARIABLES = (
    "PATH", "LANG", "LC_ALL", "TZ", "HOME", "DISPLAY", "XAUTHORITY", "VIRTUAL_ENV", "PYTHONPATH",
    "DJANGO_SETTINGS_MODULE",
)  # fmt: skip


class RobotSupervisor(Supervisor):
    # How the robot learns that its supervisor is gone, and, by a byte, that somebody watches it.
    stdin = subprocess.PIPE
    _progress_at = 0.0
    _watch_until: datetime | None = None

    def __init__(self, processo: Processo) -> None:
        super().__init__(processo)
        self._clock = ClockWatch()

    def command(self) -> list[str]:
        return [sys.executable, str(settings.BASE_DIR / "manage.py"), "robot", str(self.processo.uuid)]

    def environment(self) -> dict[str, str]:
        keep = (*SYSTEM_VARIABLES, *sorted(env.NAMES))
        return {name: os.environ[name] for name in keep if name in os.environ} | {"ROBOT_HOST": settings.ROBOT_HOST}

    def judge(self, row: Processo) -> Verdict | None:
        if row.kill_requested_at:
            return Verdict(Motivo.ENCERRADO, "devolver")
        if not row.vivo:
            return Verdict(Motivo.CERCADO, "devolver")  # given up while this machine stood still
        if row.host and row.host.draining_at:
            return Verdict(Motivo.PARADA, "devolver", "pipe", settings.STOP_GRACE_SECONDS)
        self._pass_on(row.watch_until)
        now = time.monotonic()
        if now - self._progress_at < PROGRESS_SECONDS / settings.TIME_DIVISOR:
            return None
        self._progress_at = now
        _agora, trusted = self._clock.look()
        return Verdict(Motivo.SEM_PROGRESSO, "tentar_de_novo") if trusted and sem_progresso(row) else None

    def _pass_on(self, watch_until: datetime | None) -> None:
        """Each time that a page renews it, the robot is told. Never waits: a robot that does not read misses it."""
        if watch_until == self._watch_until or not self.child.stdin:
            return
        self._watch_until = watch_until
        with suppress(OSError):
            os.set_blocking(self.child.stdin.fileno(), False)
            os.write(self.child.stdin.fileno(), b".")

    def ended(self, code: int | None) -> End:
        if self.verdict:
            orderly = self.verdict.how == "pipe" and code == 0
            return End(Status.EXITED if orderly else Status.KILLED, self.verdict.motivo, item=self.verdict.item)
        if code == FENCED:
            # Its own heartbeat may meet the operator's kill before this supervisor does.
            asked = Processo.objects.filter(pk=self.processo.pk, kill_requested_at__isnull=False).exists()
            if asked:
                return End(Status.KILLED, Motivo.ENCERRADO)
            # No crash of its item's; but an item that makes every robot stand still must end some day.
            return End(Status.EXITED, Motivo.CERCADO, item="adiar")
        if code == NO_DATABASE:
            return End(Status.EXITED, Motivo.SEM_BANCO, item="devolver")
        if code != 0:
            return self.without_memory(code) or End(
                Status.EXITED,
                Motivo.FALHA,
                _("Código de saída %(code)s. %(last_words)s") % {"code": code, "last_words": _last_words(self.log)},
            )
        return End(Status.EXITED)

    def afterwards(self, end: End) -> None:
        pedir_robos(self.processo.execucao_id or 0)
        if end.motivo == Motivo.CERCADO and self._already_ended():
            text = _("Este robô já era dado por perdido quando acordou. Saiu sem gravar nada.")
            Registro.objects.anotar(
                "barrado", text, level="warning", execucao=self.processo.execucao_id, processo_id=self.processo.pk
            )

    def _already_ended(self) -> bool:
        """Its row tells of another end: somebody gave it up while it was frozen or cut off."""
        return Processo.objects.filter(pk=self.processo.pk).exclude(motivo=Motivo.CERCADO).exists()


def sem_progresso(row: Processo, folga: float = 0.0) -> bool:
    """T10: no step forward for NO_PROGRESS_SECONDS, one item for ITEM_DEADLINE_SECONDS, or a heartbeat gone stale.

    `folga`: seconds of head start that a second watcher leaves to the supervisor.
    """
    agora = clock.db_now() - timedelta(seconds=folga)

    def older(moment: object, seconds: float) -> bool:
        return moment is not None and moment < agora - timedelta(seconds=seconds)  # type: ignore[operator]

    if older(row.progress_at, settings.NO_PROGRESS_SECONDS):
        return True
    if older(row.heartbeat_at, settings.STALE_HEARTBEAT_SECONDS):
        return True
    held = row.itens.em_andamento().filter(started_at__lt=agora - timedelta(seconds=settings.ITEM_DEADLINE_SECONDS))
    return any(older(item.started_at, settings.ITEM_DEADLINE_SECONDS + _for_its_turn(row)) for item in held)


def _for_its_turn(row: Processo) -> float:
    """For how many seconds, at most, it may wait for its portal's interval: behind each robot there, for its item and
    for the known case that is asked for before a last attempt goes unanswered."""
    portal = row.execucao.portal  # type: ignore[union-attr]
    return 2 * portal.min_interval_s * Processo.objects.vivos().filter(execucao__portal=portal).count()


def _last_words(log: Path) -> str:
    """The last line that it wrote: of a traceback, the one that says what was wrong."""
    try:
        lines = log.read_bytes()[-WORDS_BYTES:].decode(errors="replace").split("\n")
    except OSError:
        return ""
    return _said(next((line.strip() for line in reversed(lines) if line.strip()), ""))


def _said(line: str) -> str:
    """What a JSON line of the log says; any other line is its own words."""
    try:
        return str(json.loads(line)["msg"])
    except (ValueError, TypeError, KeyError):
        return line
