"""A running installation that tests break: the demonstration portal, hosts of robots without a browser, lots of fresh
cases, and the judge at the end of each."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils import timezone

from executions import intake
from executions.models import Credencial, Execucao, JobItem, Processo
from executions.robos import iniciar
from tests import chain
from tests.faults import judge, servers
from workers import processes
from workers.portals.demo.generate import gerar_casos
from workers.portals.demo.sample import Esperado
from workers.portals.demo.server import PortalDemo

POOL = 5000
NO_BROWSER = "tests.faults.settings"
DIVISOR = 10.0
# What a busy machine needs to start a process does not shrink with the divisor: these stay longer than the others.
SLOW_STARTS = {
    "SENT_TIMEOUT_SECONDS": 150, "CANARY_LIMIT_SECONDS": 120, "STALE_HEARTBEAT_SECONDS": 120,
    "NO_PROGRESS_SECONDS": 150,
}  # fmt: skip


@dataclass
class Batch:
    """An execution of fresh cases, and what is right for it."""

    execucao: Execucao
    expected: list[Esperado]
    lot: judge.Lot
    begun: float = field(default_factory=time.monotonic)

    @property
    def item(self) -> JobItem:
        return self.execucao.itens.order_by("ordem").first()

    def held(self, seconds: float = 30) -> Processo:
        """A robot that holds an item."""
        item = chain.wait_for(lambda: self.execucao.itens.em_andamento().first(), seconds, "a claimed item")
        return Processo.objects.get(pk=item.processo_id)

    def done(self, n: int, seconds: float = 30) -> None:
        chain.wait_for(lambda: self.execucao.itens.filter(status="done").count() >= n, seconds, f"{n} answers")


def digits(text: str) -> str:
    """Those of a case number are its twenty; a file's name begins with them."""
    return "".join(filter(str.isdigit, text))


class World:
    """`faults`: the folder that arms the named stop points (workers/faults.py) of everything that runs here."""

    def __init__(self, divisor: float = DIVISOR, latency: float = 0.02, **host: Any) -> None:
        self.cases, self._expected = gerar_casos(POOL, seed=1, itens_por_caso=1.0)
        self._by_number = {caso.numero: caso for caso in self.cases}
        self._by_digits = {digits(caso.numero): caso.numero for caso in self.cases}
        self._next = 0
        self.faults = Path(tempfile.mkdtemp(prefix="falhas-"))
        self.portal = PortalDemo(cases=self.cases, latency=latency)
        self.environment: dict[str, Any] = {
            "TIME_DIVISOR": divisor, "FAULT_AT": self.faults, "DJANGO_SETTINGS_MODULE": NO_BROWSER,
            "EXECUCOES_SIMULTANEAS": 20, "HOST_MAX_ROBOTS": 3, "HOST_SCRIPT_PLACES": 0, "QUEUE_POLL_SECONDS": 0.1,
        } | SLOW_STARTS | host  # fmt: skip
        self._credencial: Credencial | None = None

    @property
    def credencial(self) -> Credencial:
        if self._credencial is None:
            self._credencial = chain.demo_portal(self.portal.url)
            self._credencial.aceitar()
        return self._credencial

    def use_portal_at(self, url: str) -> None:
        """Another address of the same portal, for hosts that do not reach this machine's own."""
        type(self.credencial.portal).objects.filter(pk=self.credencial.portal_id).update(base_url=url)

    def host(self, **extra: Any) -> Any:
        return chain.machine(**self.environment | extra)

    def lot(
        self, n: int, max_robots: int = 1, *, start: bool = True, names: Callable[[str], str] = str, **lot: Any
    ) -> Batch:
        """`n` cases that nobody asked for yet, enqueued and started; `names` may change the files' names."""
        lines = self._expected[self._next : self._next + n]
        assert len(lines) == n, "the pool of cases is used up"
        self._next += n
        given = {line.nome: names(line.nome) for line in lines}
        execucao = chain.enqueue(list(given.values()), self.credencial, max_robots=max_robots)
        read = intake.ler(given.values(), tribunais={"8.99": "x"}, hoje=timezone.localdate()).linhas
        stored = {line.nome: row.nome for line, row in zip(lines, read, strict=True)}
        cases = {stored[line.nome]: self._by_digits[digits(line.nome)[:20]] for line in lines}
        asked = judge.Lot(max_robots, judge.expected_by_name(lines, stored), cases, self._by_number, **lot)
        batch = Batch(execucao, lines, asked)
        if start:
            iniciar(execucao)
        return batch

    def arm(self, point: str, action: str) -> None:
        (self.faults / point).write_text(action)

    def hit(self, point: str, seconds: float = 120) -> int:
        """The pid of the process that came to the point."""
        marks = chain.wait_for(lambda: sorted(self.faults.glob(f"{point}.*")), seconds, f"somebody at {point}")
        pid = int(marks[0].suffix[1:])
        marks[0].unlink()
        return pid

    def disarm(self) -> None:
        for entry in self.faults.iterdir():
            entry.unlink()
        self.portal.set_fora_do_ar(False)
        self.portal.set_mudos()

    def finish(self, batch: Batch, seconds: float = 60) -> float:
        """Waits for the batch's end and its robots', and lets the judge see it. Returns the seconds since `begun`."""
        chain.wait_for(lambda: chain.ended(batch.execucao), seconds, "the end of the batch")
        took = time.monotonic() - batch.begun
        chain.wait_for(lambda: not batch.execucao.processos.vivos().exists(), 30, "the robots' end")
        findings = judge.judge(self.portal.log, judge.tell(batch.execucao), batch.lot)
        assert not findings, "\n".join(map(str, findings))
        return took

    def logins(self, batch: Batch) -> int:
        """From the portal's log: how many sessions that searched one of its cases have logged in."""
        mine = {item.numero_processo for item in batch.execucao.itens.all()}
        sessions = {entry.session for entry in self.portal.log if entry.kind == "search" and entry.numero in mine}
        return len({e.session for e in self.portal.log if e.kind == "login" and e.session in sessions})

    def left_over(self) -> dict[int, str]:
        """What still runs of this installation beside its hosts and their clusters."""
        return chain.left_over(clusters=False)


@contextmanager
def world(divisor: float = DIVISOR, latency: float = 0.02, **host: Any) -> Iterator[World]:
    """The portal and the folder of faults; hosts are started by `host()`."""
    made = World(divisor, latency, **host)
    try:
        with made.portal:
            yield made
    finally:
        shutil.rmtree(made.faults, ignore_errors=True)


# ---- signals by identity --------------------------------------------------------------------------------------
def strike(pid: int, sig: signal.Signals) -> bool:
    """Signals the process that has this pid now, and no later owner of it. False when there is none."""
    who = processes.identity(pid)
    if who is None:
        return False
    return processes.send(processes.Member(pid, 0, 0, who.start_ticks, False), sig)


def everything_of(host: chain.Machine) -> list[int]:
    """The pids of a whole host: its agent, its cluster, its robots and their browsers."""
    robots = Processo.objects.vivos().filter(host__nome=host.name, pid__isnull=False)
    members = [m.pid for robot in robots for m in chain.members(robot)]
    return [host.child.pid, *processes.marked(host.cluster_mark), *members]


def freeze(host: chain.Machine) -> list[int]:
    """As a machine that is paused: parents first, so that nobody acts on what the others stop doing.

    Again, until none of it stands still with SQLite's lock, with which no other host could go on.
    """
    while True:
        pids = everything_of(host)
        for pid in pids:
            strike(pid, signal.SIGSTOP)
        if servers.takes_writes():
            return pids
        thaw(pids)
        chain.wait_for(servers.takes_writes, 30, "the end of a write")


def thaw(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def cluster_roles(host: chain.Machine) -> dict[str, int]:
    """django-q2's processes by what they do, in the order in which its sentinel starts them; {} while it starts."""
    table = processes.table()
    mine = sorted(processes.marked(host.cluster_mark).keys() & table.keys())  # some began, or ended, between the looks
    roots = [pid for pid in mine if table[pid].ppid not in mine]
    children = sorted((pid for pid in mine if table[pid].ppid in mine), key=lambda pid: table[pid].start_ticks)
    sentinel = next((pid for pid in children if table[pid].ppid in roots[:1]), 0)
    rest = [pid for pid in children if table[pid].ppid == sentinel]
    if len(rest) < 3:
        return {}
    roles = {f"worker-{n}": pid for n, pid in enumerate(rest[:-2])}
    return roles | {"main": roots[0], "sentinel": sentinel, "monitor": rest[-2], "pusher": rest[-1]}
