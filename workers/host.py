"""This machine as a robot host: its row, its cluster, its loops, and their end in order."""

import fcntl
import logging
import math
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from executions import clock, disco, queue
from executions.models import Batida, Execucao, Host, Processo
from workers import janitor, processes, scheduler
from workers.cluster import Cluster, cluster_mark
from workers.loop import guarded, surviving
from workers.watchdog import Watchdog

logger = logging.getLogger("robotcontrol.host")

TICK_SECONDS = 0.25
SPARE_WORKERS = 4  # for canary, notices and readings of folders, beside one a robot or script place
BEAT_SECONDS = 5.0
CLUSTER_CHECK_SECONDS = 1.0
FORGET_SECONDS = 600.0


class HostRecusado(Exception):
    """Esta máquina não pode ser ligada agora."""


class HostOcupado(HostRecusado):
    """Another agent of this machine runs."""


@dataclass
class Chore:
    """A step that is due every so many seconds."""

    step: Callable[[], object]
    seconds: float
    due: float = field(default=0.0)

    def run_if_due(self) -> None:
        if time.monotonic() >= self.due:
            surviving(self.step)
            self.due = time.monotonic() + self.seconds


def take_lock() -> IO[str] | None:
    """The lock that makes this the only agent of its ROBOT_HOST; None when another holds it."""
    settings.ROBOT_RUN_DIR.mkdir(parents=True, exist_ok=True)
    handle = (settings.ROBOT_RUN_DIR / "host.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def lock_is_free() -> bool:
    """Is no agent of this machine running?"""
    lock = take_lock()
    if lock is not None:
        lock.close()
    return lock is not None


class HostAgent:
    """Runs in the foreground until `stop` is set (or `finished` says so), then stops everything in order."""

    def __init__(self, stop: threading.Event, *, exclusiva: Execucao | None = None) -> None:
        self.stop = stop
        self.exclusiva = exclusiva
        self.watchdog = Watchdog()
        self.host: Host
        self.cluster: Cluster
        self._refused_since: float | None = None  # since when the database has taken no canary

    def start(self) -> None:
        """Raises HostRecusado with the sentence that says why it may not."""
        lock = take_lock()
        if lock is None:
            raise HostOcupado(
                _("A máquina %(robot_host)s já tem um runrobots em andamento.") % {"robot_host": settings.ROBOT_HOST}
            )
        try:
            self._enter()
        except BaseException:
            lock.close()
            raise
        self._lock = lock

    def _enter(self) -> None:
        self._check_clock()
        self._check_alone()
        processes.reap(cluster_mark(settings.ROBOT_HOST), descendants=False)
        self.host = self._register()
        janitor.clear_host()
        for obra in (Batida.Obra.AGENDADOR, Batida.Obra.WATCHDOG):
            Batida.bater(obra)  # the watch begins: before, nobody was meant to be here
        queue.forget(self.host.nome)
        places = self.host.places + self.host.script_places
        self.cluster = Cluster(self.host, places + SPARE_WORKERS, settings.ROBOT_RUN_DIR / "cluster.log")
        self.cluster.start()
        self.chores = [
            Chore(self._beat, BEAT_SECONDS / settings.TIME_DIVISOR),
            Chore(self._check_cluster, CLUSTER_CHECK_SECONDS, time.monotonic() + CLUSTER_CHECK_SECONDS),
            Chore(scheduler.step, settings.SCHEDULER_TICK_SECONDS),
            Chore(self.watchdog.step, settings.WATCHDOG_TICK_SECONDS),
            Chore(janitor.clean, settings.JANITOR_SECONDS, time.monotonic() + settings.JANITOR_SECONDS),
            Chore(self.cluster.trim_log, settings.JANITOR_SECONDS),
            Chore(janitor.forget, FORGET_SECONDS, time.monotonic() + settings.JANITOR_SECONDS),
        ]

    def run(self, each_tick: Callable[[], bool] = lambda: False) -> None:
        """Until told to stop, or until `each_tick` returns True."""
        while not self.stop.is_set() and not guarded(each_tick):
            for chore in self.chores:
                chore.run_if_due()
            self.stop.wait(TICK_SECONDS)

    def finish(self) -> None:
        """T15: nothing new, robots give their items back and leave, then the cluster."""
        surviving(self.host.parar)
        deadline = time.monotonic() + settings.STOP_GRACE_SECONDS + 5
        while time.monotonic() < deadline and surviving(self._robots_left):
            surviving(self.host.parar)  # again: somebody may have freed it meanwhile
            surviving(self._beat)
            time.sleep(0.1)
        self.cluster.stop()
        surviving(janitor.clear_host)
        surviving(self._gone)
        self._lock.close()

    def _check_clock(self) -> None:
        skew = abs((timezone.now() - clock.db_now()).total_seconds())
        if skew > settings.CLOCK_SKEW_SECONDS:
            raise HostRecusado(
                _("O relógio desta máquina difere %(skew).0f s do relógio do banco de dados. Acerte-o (NTP).")
                % {"skew": skew}
            )

    def _check_alone(self) -> None:
        """SQLite serves one machine."""
        if connection.vendor != "sqlite":
            return
        other = Host.objects.vivos(clock.db_now()).exclude(nome=settings.ROBOT_HOST).first()
        if other:
            raise HostRecusado(
                _("O SQLite atende uma máquina só, e %(nome)s já está ligada. Use o PostgreSQL.") % {"nome": other.nome}
            )

    def _register(self) -> Host:
        me = processes.identity(os.getpid())
        assert me is not None
        cpu, memory = processes.machine_usage()
        return Host.objects.update_or_create(
            nome=settings.ROBOT_HOST,
            defaults={
                "epoch": str(uuid.uuid4()),
                "boot_id": me.boot_id,
                "pid": me.pid,
                "start_ticks": me.start_ticks,
                "places": settings.HOST_MAX_ROBOTS or processes.robot_places(),
                "script_places": settings.HOST_SCRIPT_PLACES,
                "exclusiva": self.exclusiva,
                "versao": settings.VERSAO,
                "cpu": cpu,
                "memory": memory,
                "canary_at": None,
                "heartbeat_at": clock.db_now(),
                "draining_at": None,
            },
        )[0]

    def _beat(self) -> None:
        cpu, memory = processes.machine_usage()
        if not self.host.bater(cpu=cpu, memory=memory, disco_livre=disco.livre()):
            logger.error(
                "another agent took the name %s: this one ends", self.host.nome, extra={"event": "host_trocado"}
            )
            self.stop.set()

    def _check_cluster(self) -> None:
        try:
            self.host.refresh_from_db(fields=["canary_at"])
            why = self.cluster.check(self.host.canary_at)
            self._refused_since = None
        except Error:
            self.cluster.excuse()
            why = self._held_by_ours()
            if not why:
                raise
        if why:
            reaped = self.cluster.kill()
            logger.error("cluster restarted: %s (%s)", why, reaped, extra={"event": "cluster_reiniciado"})
            self.cluster.start()

    def _held_by_ours(self) -> str:
        """SQLite alone: it has taken no write for so long that a frozen process of this cluster may hold its lock. Said
        once, and again only after a write: it may be somebody else."""
        if connection.vendor != "sqlite":
            return ""
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        refused = now - self._refused_since
        if refused <= settings.CANARY_LIMIT_SECONDS:
            return ""
        self._refused_since = math.inf
        return _("o banco de dados não aceita gravações há %(refused).0f s") % {"refused": refused}

    def _robots_left(self) -> bool:
        mine = Processo.objects.vivos().do_host(self.host)
        mine.voltar_a_espera()
        mine.filter(status=Processo.Status.REQUESTED).update(
            status=Processo.Status.LOST, motivo=Processo.Motivo.PARADA, ended_at=clock.db_now()
        )
        return mine.exists()

    def _gone(self) -> None:
        mine = Host.objects.filter(pk=self.host.pk, epoch=self.host.epoch)
        mine.update(heartbeat_at=None, exclusiva=None, draining_at=None)
