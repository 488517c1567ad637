"""The janitor of one host: no process of ours is alive whose row is not, and no folder is left behind."""

import logging
import shutil
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from executions import clock, limpeza
from executions.models import Controle, Host, Processo
from workers import processes
from workers.supervisor import mark, robot_folder
from workers.watchdog import who

logger = logging.getLogger("robotcontrol.watchdog")

RECENT = timedelta(minutes=30)
LATE_CHILDREN = timedelta(minutes=1)  # what a dying browser may still begin after its robot's last sign


def clean() -> processes.Reaped:
    """Kills the processes of this installation and host whose row has ended, and removes their folders.

    Found by mark, and by the sessions of those that ended lately: a renderer carries no mark.
    """
    total, sessions = processes.NOTHING, _sessions()
    for row in _ended_here(sessions):
        total += _reap(row, sessions)
    _remove_folders()
    Host.objects.filter(nome=settings.ROBOT_HOST).exclude(orfaos=len(total.left)).update(orfaos=len(total.left))
    if total.found:
        logger.warning("janitor: %s", total, extra={"event": "zelador_encerrou"})
    return total


def forget() -> int:
    """Old notices and firings go; two hosts at once do no harm."""
    n = limpeza.apagar_antigos(clock.db_now())
    if n:
        logger.info("janitor: %s old notices and firings deleted", n, extra={"event": "historico_apagado"})
    return n


def _ended_here(sessions: dict[int, int]) -> list[Processo]:
    """The rows of which something lives: one look at all processes, however many ended lately."""
    mine = Processo.objects.filter(host__nome=settings.ROBOT_HOST).exclude(status__in=Processo.LIVE)
    recent = mine.filter(pid__isnull=False, ended_at__gte=clock.db_now() - RECENT)
    found = [row for row in recent if _still_its_own(row, sessions)]
    marked = mine.filter(uuid__in=_uuids_alive()).exclude(pk__in=[row.pk for row in found])
    return [*found, *marked]


def _sessions() -> dict[int, int]:
    """Each session with a living member, and when the oldest of them began, in ticks since the machine's start."""
    oldest: dict[int, int] = {}
    for member in processes.table().values():
        if not member.zombie:
            oldest[member.sid] = min(member.start_ticks, oldest.get(member.sid, member.start_ticks))
    return oldest


def _still_its_own(row: Processo, sessions: dict[int, int]) -> bool:
    """Does the session under its pid still hold itself, or what it began? A pid is given again when no process has it
    as its session any more: whoever came long after its last sign is a stranger."""
    oldest = sessions.get(row.pid or 0)
    if oldest is None or row.heartbeat_at is None:
        return False
    return oldest == row.start_ticks or oldest <= processes.ticks_ago(
        (clock.db_now() - row.heartbeat_at - LATE_CHILDREN).total_seconds()
    )


def _uuids_alive() -> list[UUID]:
    prefix = f"{Controle.get().instalacao}:"
    found = []
    for text in set(processes.marked(prefix).values()):
        try:
            found.append(UUID(text.removeprefix(prefix)))
        except ValueError:
            continue  # the cluster's own mark
    return found


def _reap(row: Processo, sessions: dict[int, int]) -> processes.Reaped:
    return processes.reap(mark(row.uuid), who(row) if _still_its_own(row, sessions) else None)


def _remove_folders() -> None:
    folder = settings.ROBOT_TMP_DIR
    if not folder.is_dir():
        return
    living = {robot_folder(uuid).name for uuid in Processo.objects.vivos().values_list("uuid", flat=True)}
    for entry in folder.iterdir():
        if entry.name.removesuffix(".log") not in living:
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


def clear_host() -> processes.Reaped:
    """At a host's start, and for a kill where no host runs: ends every robot row of this host, and its processes.

    The item of one of which anything is alive goes back with its attempt: it was no fault of its item's. One that is
    gone already died with its host, perhaps of its item: that is a crash (T9).
    """
    total = processes.NOTHING
    mine = Processo.objects.filter(host__nome=settings.ROBOT_HOST)
    mine.voltar_a_espera()
    sessions = _sessions()
    for row in mine.vivos():
        reaped = _reap(row, sessions)
        total += reaped
        row.terminar(
            Processo.Status.LOST, motivo=Processo.Motivo.PERDIDO, item="devolver" if reaped.found else "expirar"
        )
        shutil.rmtree(robot_folder(row.uuid), ignore_errors=True)
    return total + clean()
