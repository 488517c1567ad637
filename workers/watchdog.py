"""The watchdog: one janitor step. It finds what died, hangs or was asked to die, and puts its rows right.

Every change is guarded by the verbs, so two watchdogs, or one beside the supervisors, do no harm.
"""

import logging
import shutil
import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from executions import alarmes, esperas
from executions.errors import StaleClaim
from executions.models import Batida, Execucao, Host, JobItem, Processo, Quadro, Registro
from executions.models.processo_queryset import NOT_STARTED, ProcessoQuerySet
from executions.panorama import LEGITIMATE
from executions.results import ErroClasse
from executions.robos import espera_de, pedir_robos
from workers import processes
from workers.clock_watch import ClockWatch
from workers.robot_supervisor import sem_progresso
from workers.supervisor import mark, robot_folder

logger = logging.getLogger("robotcontrol.watchdog")

Motivo, Status = Processo.Motivo, Processo.Status
KILL_GRACE_SECONDS = 5.0
PROGRESS_GRACE_SECONDS = 15.0
LATE_STEPS = 3


class Watchdog:
    """Keeps between its steps only what must not come from the database: since when it has watched, the two clocks, and
    since when it has known a process dead and a silent execution waiting for nothing."""

    def __init__(self) -> None:
        self._clock = ClockWatch()
        self._since: datetime | None = None
        self._stepped_at = time.monotonic()
        self._dead_since: dict[int, float] | None = None  # before its first step
        self._late = False
        self._waited: dict[int, datetime] = {}  # silent executions, and when they last had a reason to wait

    def step(self) -> dict[str, int]:
        """Returns what was put right, by kind."""
        agora, trusted = self._look()
        done = {
            "contadores": recount(),  # the others count on them
            "mortos": 0 if self._late else self.dead_here(agora),
            "encerrados": kill_asked_here(agora, KILL_GRACE_SECONDS / settings.TIME_DIVISOR),
            "sem_progresso": stuck_here(agora) if trusted else 0,
            "sem_supervisor": unwatched_here(agora) if trusted else 0,
            "perdidos": lost_anywhere(agora) if trusted else 0,
            "expirados": expired(agora) if trusted else 0,
            "calados": self.silent(agora) if trusted else 0,
            "esperas": esperas.soltar(agora) if self._clock.jumped else 0,
            "telas": Quadro.objects.orfaos().delete()[0],
        }
        Host.objects.filter(nome=settings.ROBOT_HOST).update(watchdog_since=self._since)
        Batida.bater(Batida.Obra.WATCHDOG)
        if alarmes.agendador_parado(agora):
            alarmes.passo()
        return done

    def _look(self) -> tuple[datetime, bool]:
        """The clock's; also keeps since when this watchdog has watched without a break, and the clock did not jump."""
        agora, trusted = self._clock.look()
        now = time.monotonic()
        broken = now - self._stepped_at > 6 * settings.WATCHDOG_TICK_SECONDS + 5
        if self._since is None or self._clock.jumped or broken:
            self._since = agora
        # It could not look for a while: nor could the supervisors record an end, who know more than it does. Once only:
        # a machine that is always late still has a watchdog.
        self._late = not self._late and now - self._stepped_at > LATE_STEPS * settings.WATCHDOG_TICK_SECONDS
        self._stepped_at = now
        return agora, trusted and not self._late

    def dead_here(self, agora: datetime) -> int:
        """T16, T9: processes of this host that are gone although no supervisor said so; what they left is killed.

        Supervisors have a head start by the last heartbeat and, since an outage of the database makes that old, by half
        as long from this watchdog's knowing; or by this alone, since a clock that jumped back makes that look new.
        """
        now, grace, known = time.monotonic(), settings.DEAD_GRACE_SECONDS, self._dead_since
        dead = [row for row in _here().filter(pid__isnull=False) if not processes.alive(who(row))]
        self._dead_since = {row.pk: (known or {}).get(row.pk, now) for row in dead}
        silent, head_start = agora - timedelta(seconds=grace), 0 if known is None else grace / 2
        due = []
        for row in dead:
            since = now - self._dead_since[row.pk]
            if since >= grace or (since >= head_start and row.heartbeat_at and row.heartbeat_at < silent):
                due.append(row)
        return sum(_clear(row, Status.LOST, Motivo.PERDIDO, "expirar") for row in due)

    def silent(self, agora: datetime) -> int:
        """T12: started, and for SILENCE_SECONDS of this unbroken watch without a sign and without a reason to wait.

        Waits are noted from half that time on: one that ends now leaves its robots the time to start.
        """
        silence, waited, n = timedelta(seconds=settings.SILENCE_SECONDS), self._waited, 0
        self._waited = {}
        for batch in Execucao.objects.caladas(agora - silence / 2).select_related("portal", "credencial"):
            if espera_de(batch, agora) in LEGITIMATE:
                self._waited[batch.pk] = agora
                continue
            since = max(filter(None, (batch.heartbeat_at, self._since, waited.get(batch.pk))))
            if agora - since >= silence:
                text = _("Nenhum sinal dos robôs por tempo demais. Reabra as falhas para tentar de novo.")
                n += batch.interromper(ErroClasse.SEM_HEARTBEAT, text)
            elif batch.pk in waited:
                self._waited[batch.pk] = waited[batch.pk]
        return n


def _here() -> ProcessoQuerySet:
    return Processo.objects.vivos().filter(host__nome=settings.ROBOT_HOST)


def who(row: Processo) -> processes.Identity:
    return processes.Identity(row.pid or 0, row.start_ticks or 0, row.boot_id)


def _clear(row: Processo, status: str, motivo: str, item: str) -> bool:
    """Kills whatever is left of it, then records its end and asks for fresh robots."""
    reaped = processes.reap(mark(row.uuid), who(row) if row.pid else None)
    shutil.rmtree(robot_folder(row.uuid), ignore_errors=True)
    robot_folder(row.uuid).with_suffix(".log").unlink(missing_ok=True)
    words = _("Processos que não morreram: %(reaped)s.") % {"reaped": reaped} if reaped.left else ""
    logger.warning("watchdog cleared %s (%s): %s", row.uuid, motivo, reaped, extra={"event": "watchdog_encerrou"})
    if not row.terminar(status, motivo=motivo, erro=words, item=item):
        return False
    if row.kill_requested_at and row.pid and not reaped.found:
        # Nobody was there, or a stranger under its pid.
        text = _("O processo já tinha terminado quando foi encerrado.")
        Registro.objects.anotar("processo_ja_terminado", text, execucao=row.execucao_id, processo_id=row.pk)
    if row.execucao_id:
        pedir_robos(row.execucao_id)
    return True


def kill_asked_here(agora: datetime, folga: float) -> int:
    """T11: this host's processes that were asked to die `folga` seconds ago and still live."""
    asked = _here().a_matar(agora, folga)
    return sum(_clear(row, Status.KILLED, Motivo.ENCERRADO, "devolver") for row in asked)


def stuck_here(agora: datetime) -> int:
    """T10 for a supervisor that does not act: its robot makes no progress."""
    folga = PROGRESS_GRACE_SECONDS / settings.TIME_DIVISOR
    running = _here().robos().filter(pid__isnull=False)
    stuck = [row for row in running if sem_progresso(row, folga)]
    return sum(_clear(row, Status.KILLED, Motivo.SEM_PROGRESSO, "tentar_de_novo") for row in stuck)


def unwatched_here(agora: datetime) -> int:
    """A script that outlived its supervisor has nobody to keep its limits and its output: it ends."""
    rows = _here().sem_supervisor(agora)
    return sum(_clear(row, Status.LOST, Motivo.PERDIDO, "devolver") for row in rows)


def lost_anywhere(agora: datetime) -> int:
    """T14, T16: sent but never started, or of a host that is gone. Their items expire; nobody can kill from here."""
    rows = [
        *Processo.objects.robos().nao_iniciados(agora),
        *Processo.objects.scripts().nao_iniciados(agora).exclude(status=Status.REQUESTED),
        *Processo.objects.exclude(host=None).abandonados(agora),
    ]
    n = 0
    for row in {row.pk: row for row in rows}.values():
        if row.host and row.host.nome == settings.ROBOT_HOST:
            n += _clear(row, Status.LOST, Motivo.PERDIDO, "expirar")
        elif row.terminar(Status.LOST, motivo=Motivo.PERDIDO, de=_as_seen(row)):
            n += 1
            if row.execucao_id:
                pedir_robos(row.execucao_id)
    return n


def _as_seen(row: Processo) -> tuple[str, ...]:
    """One that was late to start may have started since: then it is not lost."""
    return NOT_STARTED if row.status in NOT_STARTED else Processo.LIVE


def expired(agora: datetime) -> int:
    """T9: leases past by the database's clock, whosever they are."""
    n = 0
    for item in JobItem.objects.vencidos(agora):
        with suppress(StaleClaim):
            item.expirar(dono_morto=False)
            n += 1
    return n


def recount() -> int:
    """T14: counters of open executions against their items; a batch left open without open items is closed."""
    n = 0
    for batch in Execucao.objects.abertas():
        n += bool(batch.recontar())
        batch.voltar_a_fila()
    return n
