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

logger = logging.getLogger("robotcontrol.watchdog")

RECENT = timedelta(minutes=30)


def clean() -> processes.Reaped:
    """Kills the processes of this installation and host whose row has ended, and removes their folders.

    Found by mark, and by the sessions of those that ended lately: a renderer carries no mark.
    """
    total = processes.NOTHING
    for row in _ended_here():
        total += _reap(row)
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


def _ended_here() -> list[Processo]:
    """The rows of which something lives: one look at all processes, however many ended lately."""
    mine = Processo.objects.filter(host__nome=settings.ROBOT_HOST).exclude(status__in=Processo.LIVE)
    sessions = {member.sid for member in processes.table().values() if not member.zombie}
    recent = mine.filter(pid__isnull=False, ended_at__gte=clock.db_now() - RECENT)
    found = [row for row in recent if row.pid in sessions]
    marked = mine.filter(uuid__in=_uuids_alive()).exclude(pk__in=[row.pk for row in found])
    return [*found, *marked]


def _uuids_alive() -> list[UUID]:
    prefix = f"{Controle.get().instalacao}:"
    found = []
    for text in set(processes.marked(prefix).values()):
        try:
            found.append(UUID(text.removeprefix(prefix)))
        except ValueError:
            continue  # the cluster's own mark
    return found


def _reap(row: Processo) -> processes.Reaped:
    who = processes.Identity(row.pid or 0, row.start_ticks or 0, row.boot_id) if row.pid else None
    return processes.reap(mark(row.uuid), who)


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

    The items they held go back with their attempts: it was no fault of theirs.
    """
    total = processes.NOTHING
    for row in Processo.objects.vivos().filter(host__nome=settings.ROBOT_HOST):
        total += _reap(row)
        row.terminar(Processo.Status.LOST, motivo=Processo.Motivo.PERDIDO, item="devolver")
        shutil.rmtree(robot_folder(row.uuid), ignore_errors=True)
    return total + clean()
