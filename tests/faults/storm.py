"""The chaos run's engine: a schedule drawn by seed, batches fed in, faults injected and undone, and the judgement."""

import heapq
import itertools
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import Error, connection

from executions.models import Execucao, Host, JobItem, Processo, Tentativa
from executions.results import ErroClasse
from executions.robos import iniciar
from tests import factories
from tests.faults import judge
from tests.faults.damage import KINDS, Damage, kinds_for
from tests.faults.proxy import Proxy
from tests.faults.servers import Postgres
from tests.faults.world import Batch, World, world

OPEN_BATCHES = 3
END_SECONDS = 180.0  # of calm weather, in which everything must end
# What three faults in a row take from an item, or from a batch before its robots' logins, is a person's by design.
FOR_A_PERSON = (ErroClasse.VENENO, ErroClasse.NAVEGADOR)
TICK = 0.1


@dataclass(frozen=True)
class Fault:
    """One line of the schedule. `chance` picks the victim among those there are, `seconds` how long it lasts."""

    at: float
    kind: str
    chance: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:7.1f} s  {self.kind:22} {self.seconds:4.1f} s"


def schedule(seed: int, seconds: float, every: float, kinds: list[str]) -> list[Fault]:
    """The same arguments give the same schedule."""
    draw = random.Random(seed)
    faults, at = [], 5.0
    while at < seconds:
        kind = draw.choices(kinds, [KINDS[name].weight for name in kinds])[0]
        low, high = KINDS[kind].seconds
        faults.append(Fault(round(at, 1), kind, draw.random(), round(draw.uniform(low, high), 1)))
        at += draw.uniform(0.5, 1.5) * every
    return faults


@dataclass
class Wound:
    """A fault that was injected, and the items that were in the hands of those it hit."""

    fault: Fault
    struck: float
    items: dict[int, int]  # item id -> the robot that held it
    last_claim: int
    recovered: float | None = None


@dataclass
class Tally:
    injected: Counter[str] = field(default_factory=Counter)
    without_victim: Counter[str] = field(default_factory=Counter)
    recovery: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    unrecovered: Counter[str] = field(default_factory=Counter)


def reopened(execucao: Execucao) -> int:
    """What is a person's by design is given back, as an operator would. Any other failure stays, for the judge to find.
    Returns how many items."""
    n = sum(execucao.reabrir(classe=classe) for classe in FOR_A_PERSON)
    if n:
        iniciar(execucao)
    return n


def history(execucao: Execucao) -> list[str]:
    """What became of it and of its robots, for whoever looks for the cause of a finding."""
    execucao.refresh_from_db()
    fields = "id", "host__nome", "status", "motivo", "exit_code", "requested_at", "sent_at", "started_at", "login_em"
    robots = execucao.processos.order_by("id").values_list(*fields, "heartbeat_at", "kill_requested_at", "ended_at")
    told = execucao.registros.order_by("id").values_list("at", "evento", "mensagem")
    return [
        f"Execution {execucao.pk}, {execucao.max_robots} robots at most, last sign {execucao.heartbeat_at}:",
        *(f"- {' '.join(_short(value) for value in row)}" for row in robots),
        *(f"  {' '.join(_short(value) for value in row)}" for row in list(told)[-60:]),
    ]


def _short(value: object) -> str:
    return f"{value:%M:%S.%f}"[:8] if isinstance(value, datetime) else str(value)


def never_healed(wounds: list[Wound], calm: float) -> Iterator[judge.Finding]:
    """`calm`: when the last fault was undone (monotonic). Until then later faults may keep a wound open."""
    for wound in wounds:
        healed = None if wound.recovered is None else wound.struck + wound.recovered
        if healed is None or healed > calm + END_SECONDS:
            when = "ever" if healed is None else f"for {healed - calm:.0f} s of calm weather"
            yield judge.Finding("open", f"nothing recovered {when} from {wound.fault}")


class Storm:
    def __init__(self, seed: int, seconds: float, every: float, only: list[str]) -> None:
        self.seed, self.seconds = seed, seconds
        self.postgres = factories.em_postgres()
        self.faults = schedule(seed, seconds, every, kinds_for(self.postgres, only))
        self.feed = random.Random(seed + 1)
        self.batches: list[Batch] = []
        self.wounds: list[Wound] = []
        self.tally = Tally()
        self.findings: list[judge.Finding] = []
        self.history: list[str] = []  # of the batches in which something was found
        self.reopened = 0
        self.away = 0  # steps of this very run that met no database
        self.left: dict[int, str] = {}
        self._undo: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._began = time.monotonic()

    # ---- the run ------------------------------------------------------------------------------------------------
    def run(self) -> None:
        with ExitStack() as stack:
            self.world: World = stack.enter_context(world(latency=0.05))
            proxies = []
            if self.postgres:
                server = Postgres()
                proxies = [stack.enter_context(Proxy(server.socket)) for _ in range(2)]
            self.damage = Damage(self.world, proxies, self.later)
            stack.callback(self.damage.stop)
            self.damage.start()
            self._storm()
            self._calm()
            self._end()
            self.damage.stop()
            self.left = self.world.left_over()
            self._judge()

    @property
    def now(self) -> float:
        return time.monotonic() - self._began

    def later(self, seconds: float, undo: Callable[[], None]) -> None:
        heapq.heappush(self._undo, (time.monotonic() + seconds, next(self._order), undo))

    def _storm(self) -> None:
        self._began = time.monotonic()
        due = list(self.faults)
        while due or self.now < self.seconds:
            self._step(self._fed)
            while due and due[0].at <= self.now:
                self._undo_due()  # a step waits for the database, which what is frozen may hold
                self._step(lambda: self._inject(due[0]))
                due.pop(0)
            self._undo_due()
            self._step(self._watch)
            time.sleep(TICK)

    def _step(self, step: Callable[[], None]) -> None:
        """The database may be away: that is what this run is about."""
        try:
            step()
        except Error as error:
            self.away += 1
            print(f"{self.now:.1f} s: {error}".splitlines()[0], file=sys.stderr)
            connection.close()

    def _undo_due(self, *, all_of_them: bool = False) -> None:
        while self._undo and (all_of_them or self._undo[0][0] <= time.monotonic()):
            _, _, undo = heapq.heappop(self._undo)
            self._step(undo)

    def _fed(self) -> None:
        if self.now > self.seconds or Execucao.objects.abertas().count() >= OPEN_BATCHES:
            return
        size, robots = self.feed.randint(5, 25), self.feed.randint(1, 3)
        self.batches.append(self.world.lot(size, robots))

    def _inject(self, fault: Fault) -> None:
        pairs = list(JobItem.objects.em_andamento().values_list("pk", "processo"))
        last = Processo.objects.order_by("-id").values_list("pk", flat=True).first() or 0
        victims = self.damage.inject(fault.kind, fault.chance, fault.seconds)
        if victims is None:
            self.tally.without_victim[fault.kind] += 1
            return
        held = {pk: robot for pk, robot in pairs if robot in victims}
        self.tally.injected[fault.kind] += 1
        self.wounds.append(Wound(fault, time.monotonic(), held, last))

    def _watch(self) -> None:
        """Which wounds have healed: every item that was held is with another robot or has ended; when none was held,
        some robot that came later has claimed."""
        for wound in [w for w in self.wounds if w.recovered is None]:
            if self._healed(wound):
                wound.recovered = time.monotonic() - wound.struck

    def _healed(self, wound: Wound) -> bool:
        if wound.items:
            rows = JobItem.objects.filter(pk__in=wound.items).values_list("pk", "status", "processo")
            return all(
                status in ("done", "failed") or (robot is not None and robot != wound.items[pk])
                for pk, status, robot in rows
            )
        newer = Processo.objects.filter(pk__gt=wound.last_claim, login_em__isnull=False)
        return newer.exists() or not Execucao.objects.abertas().exists()

    # ---- the end ------------------------------------------------------------------------------------------------
    def _calm(self) -> None:
        """Everything that was taken away is given back."""
        self._undo_due(all_of_them=True)
        self.world.disarm()
        self._calm_since = time.monotonic()
        self._until(self._all_ended, END_SECONDS)

    def _all_ended(self) -> bool:
        self._watch()
        return not Execucao.objects.abertas().exists()

    def _until(self, happened: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if happened():
                    return True
            except Error:
                connection.close()
            time.sleep(0.2)
        return False

    def _end(self) -> None:
        """What is a person's by design is given back once, in calm weather."""
        self.reopened = sum(reopened(batch.execucao) for batch in self.batches)
        self._until(self._all_ended, END_SECONDS)
        self._until(lambda: not Processo.objects.vivos().exists(), 30)

    def _judge(self) -> None:
        log = self.world.portal.log
        for batch in self.batches:
            lot = replace(batch.lot, zombies=batch.lot.zombies + self.damage.zombies[batch.execucao.pk])
            if batch.execucao.pk in self.damage.ended_by_hand:
                lot = replace(lot, ended_by_hand=True)
            found = judge.judge(log, judge.tell(batch.execucao), lot)
            self.findings += found
            if found:
                self.history += history(batch.execucao)
        for pid, words in self.left.items():
            self.findings.append(judge.Finding("left", f"process {pid}: {words[:150]}"))
        self._watch()
        self.findings += never_healed(self.wounds, self._calm_since)
        for wound in self.wounds:
            if wound.recovered is None:
                self.tally.unrecovered[wound.fault.kind] += 1
            else:
                self.tally.recovery[wound.fault.kind].append(wound.recovered)

    # ---- the page -----------------------------------------------------------------------------------------------
    def page(self, seconds: float) -> str:
        items = JobItem.objects.values_list("status", flat=True)
        states = Counter(items)
        found = judge.figures(self.findings)
        database = "PostgreSQL" if self.postgres else "SQLite"
        lines = [
            f"# Chaos: seed {self.seed}, {self.seconds:.0f} s of faults, {database}, hosts: {Host.objects.count()}",
            "",
            f"- {len(self.batches)} batches, {sum(states.values())} items: {states['done']} answered, "
            f"{states['failed']} failed (ended by hand or found below), {self.reopened} reopened once after the storm",
            f"- {Tentativa.objects.count()} claims, {len(self.world.portal.log)} requests, {seconds:.0f} s in all",
            f"- findings: {sum(found.values())} {found or ''}",
            f"- processes left: {len(self.left)}",
            "",
            "| fault | injected | no victim | recovered p50 (s) | p95 (s) | max (s) | not recovered |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [self._line(kind) for kind in sorted({fault.kind for fault in self.faults})]
        lines += ["", *(f"- {finding}" for finding in self.findings[:60])]
        if self.findings:
            ends = Processo.objects.exclude(erro="").order_by("id").values_list("execucao", "motivo", "erro")
            lines += [
                "",
                *self.history,
                "",
                "Last words:",
                *(f"- execution {pk}: {why}: {words[:200]}" for pk, why, words in ends),
            ]
        return "\n".join(lines)

    def _line(self, kind: str) -> str:
        times = sorted(self.tally.recovery[kind])

        def at(share: float) -> str:
            return f"{times[min(len(times) - 1, int(share * len(times)))]:.1f}" if times else "-"

        tally = self.tally
        return (
            f"| {kind} | {tally.injected[kind]} | {tally.without_victim[kind]} | {at(0.5)} | {at(0.95)} | {at(1)} "
            f"| {tally.unrecovered[kind]} |"
        )
