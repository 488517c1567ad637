"""Rows 6, 26 and 27: a host that freezes, is cut off from the database, or is gone, while another goes on."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import connection

from executions.models import Host, JobItem, Processo, Registro
from executions.robos import iniciar
from tests import chain
from tests.chain import Machine
from tests.faults.network import Cable
from tests.faults.proxy import Proxy
from tests.faults.servers import Postgres
from tests.faults.world import Batch, World, everything_of, freeze, strike, thaw, world
from workers.processes import alive
from workers.watchdog import who

pytestmark = [pytest.mark.usefixtures("transactional_db"), pytest.mark.slow, pytest.mark.timeout(1800)]
Note = Callable[..., None]
LATENCY = 0.5  # so that a robot is caught with its item in hand
AT_ONCE = 5  # robots that freeze together


def held_by(made: World, host: Machine, others: list[Machine]) -> tuple[Batch, list[Processo], list[int]]:
    """A batch, its robots, all of this host, and their items: each holds one and stays with it for a while."""
    rows = [Host.objects.get(nome=other.name) for other in others]
    for row in rows:
        row.esvaziar()
    batch = made.lot(4 * AT_ONCE, max_robots=AT_ONCE, zombies=AT_ONCE, start=False)
    iniciar(batch.execucao)
    pids = []
    for _ in range(AT_ONCE):
        made.arm("after_claim", "sleep=20")
        pids.append(made.hit("after_claim"))
    for row in rows:
        row.liberar()
    robots = list(batch.execucao.processos.filter(pid__in=pids, host__nome=host.name))
    assert len(robots) == AT_ONCE
    return batch, robots, [robot.itens.get(status="running").pk for robot in robots]


def story(items: list[int]) -> list[tuple[Any, ...]]:
    """What a zombie might write of these items."""
    rows = JobItem.objects.filter(pk__in=items).order_by("pk")
    return list(rows.values_list("pk", "numero_processo", "token", "finished_at", "resultado", "crashes"))


def zombies_are_harmless(
    made: World, batch: Batch, robots: list[Processo], items: list[int], pids: list[int]
) -> list[float]:
    """The items are answered by others; then the frozen ones wake up. Returns how many seconds later each was gone."""
    chain.wait_for(lambda: chain.ended(batch.execucao), 90, "the answers by other robots")
    before, seen = story(items), len(made.portal.log)
    assert all(alive(who(robot)) for robot in robots)
    thaw(pids)
    awake, gone = time.monotonic(), []
    for robot in robots:
        chain.wait_for(lambda robot=robot: not alive(who(robot)), 10, "a zombie's end")
        gone.append(time.monotonic() - awake)
    made.finish(batch)
    assert story(items) == before
    late = Counter(entry.numero for entry in made.portal.log[seen:] if entry.kind == "search")
    assert all(late[numero] <= 1 for _pk, numero, *_rest in before)
    return gone


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rounds", [20])
def test_robots_of_a_frozen_host_that_wake_after_others_answered_their_items_write_nothing(
    counted: Note, rounds: int
) -> None:
    """As many as a host has at a time: the wait for its lease is the same for all."""
    gone: list[float] = []
    with world(latency=LATENCY) as made, ExitStack() as stack:
        hosts = [stack.enter_context(made.host(HOST_MAX_ROBOTS=AT_ONCE))]
        for n in range(rounds):
            frozen = hosts[n % len(hosts)]
            batch, robots, items = held_by(made, frozen, [host for host in hosts if host is not frozen])
            pids = freeze(frozen)
            if len(hosts) == 1:
                # SQLite serves one host: another may start once this one's heartbeat is stale.
                row = Host.objects.get(nome=frozen.name)
                chain.wait_for(lambda row=row: not row.viva, 90, "its heartbeat's end")
                hosts.append(stack.enter_context(made.host(HOST_MAX_ROBOTS=AT_ONCE)))
            gone += zombies_are_harmless(made, batch, robots, items, pids)
        counted(rounds * AT_ONCE, gone)
    assert Registro.objects.filter(evento="barrado").exists(), "nobody is told of zombies"
    assert not made.left_over()


def test_a_host_that_loses_its_power_is_replaced_by_the_other_whoever_watched_last(counted: Note) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite serves one host; this runs in the PostgreSQL half")
    recovery = []
    with world(latency=LATENCY) as made, made.host() as other, ExitStack() as stack:
        for _ in range(3):
            gone = stack.enter_context(made.host())
            batch = made.lot(8, max_robots=4)
            there = batch.execucao.processos.filter(host__nome=gone.name, itens__status="running")
            chain.wait_for(there.exists, 60, "a robot of that host at work")
            for pid in everything_of(gone):
                strike(pid, 9)  # type: ignore[arg-type]
            struck = time.monotonic()
            made.finish(batch, 120)
            recovery.append(time.monotonic() - struck)
            assert batch.execucao.processos.filter(host__nome=gone.name, status="lost").exists()
        assert other.child.poll() is None
    counted(3, recovery)


# ---- cut off ---------------------------------------------------------------------------------------------------
def ends_before_its_item_is_given_away(made: World, cut: Callable[[], None], heal: Callable[[], None]) -> float:
    """Returns the seconds between the end of the robot that was cut off and the next claim of its item."""
    batch = made.lot(1, zombies=1)
    robot = batch.held()
    family = chain.members(robot)
    assert len(family) >= 3
    cut()
    try:
        chain.wait_for(lambda: not alive(who(robot)), 60, "the robot's own end")
        ended = time.monotonic()
        item = batch.item
        assert item.processo_id == robot.pk, "given away before its robot had ended"
        chain.wait_for(lambda: batch.item.processo_id not in (None, robot.pk) or chain.ended(batch.execucao), 60,
                       "another robot's claim")  # fmt: skip
        margin = time.monotonic() - ended
        chain.wait_for(lambda: chain.ended(batch.execucao), 60, "the answer")
    finally:
        heal()
    made.finish(batch)
    outcomes = list(batch.item.tentativas.values_list("outcome", flat=True))
    assert len(outcomes) == 2 and outcomes[0] in ("posse_vencida", "robo_perdido")
    return margin


@pytest.mark.parametrize("how", ["a proxy that stops", "a network namespace whose link goes down"])
def test_a_host_cut_off_from_the_database_ends_its_browsers_before_the_other_takes_their_items(
    counted: Note, how: str
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is a file; this runs in the PostgreSQL half")
    setting = stopped_proxy if how.startswith("a proxy") else separate_network
    # Slower than the others: between a robot's own end and its item's lie 15 s of production's time.
    with world(4, latency=2.0) as made, setting(made) as (cut, heal):
        margin = ends_before_its_item_is_given_away(made, cut, heal)
        counted(1, [margin])
    assert not made.left_over()


def through(proxy: Proxy, host: str = "127.0.0.1") -> str:
    url, _, place = chain.database_url().rpartition("@")
    return f"{url}@{host}:{proxy.port}/{place.rpartition('/')[2]}"


@contextmanager
def stopped_proxy(made: World) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    with Proxy(Postgres().socket) as proxy, made.host(DATABASE_URL=through(proxy)):
        _wait_alive(1)
        with ExitStack() as stack:

            def cut() -> None:
                proxy.stall()
                stack.enter_context(made.host())

            yield cut, proxy.heal


@contextmanager
def separate_network(made: World) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    with Cable() as cable, host_at_the_end_of(cable, made), ExitStack() as stack:

        def cut() -> None:
            cable.pull()
            stack.enter_context(made.host())

        yield cut, cable.plug


@contextmanager
def host_at_the_end_of(cable: Cable, made: World, **extra: Any) -> Iterator[Machine]:
    with (
        Proxy(Postgres().socket, bind=cable.DATABASE) as database,
        Proxy(("127.0.0.1", made.portal.port), bind=cable.PORTAL) as portal,
    ):
        made.use_portal_at(f"http://{cable.PORTAL}:{portal.port}")
        with made.host(DATABASE_URL=through(database, cable.DATABASE), NETNS=cable.name, **extra) as host:
            _wait_alive(1)
            yield host


def _wait_alive(n: int) -> None:
    chain.wait_for(lambda: Host.objects.filter(heartbeat_at__isnull=False).count() >= n, 30, "the host")


# ---- cut off from the portal alone -------------------------------------------------------------------------------
def test_a_host_cut_off_from_the_portal_alone_leaves_the_work_to_the_one_that_reaches_it(counted: Note) -> None:
    """It is the emptier one, so every robot and every probe would be sent to it."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite serves one host; this runs in the PostgreSQL half")
    with (
        world(latency=LATENCY) as made,
        Cable() as cable,
        made.host(HOST_MAX_ROBOTS=2),
        host_at_the_end_of(cable, made, HOST_MAX_ROBOTS=6) as far,
    ):
        batch = made.lot(24, max_robots=3)
        there = batch.execucao.processos.filter(host__nome=far.name)
        chain.wait_for(there.filter(itens__status="running").exists, 60, "a robot of that host at work")
        cable.lose(cable.PORTAL)
        struck = time.monotonic()
        made.finish(batch, 240)
        took = time.monotonic() - struck
        items = batch.execucao.itens
        assert items.filter(status="done").count() == 24
        elsewhere = items.exclude(tentativas__processo__host__nome=far.name)
        assert elsewhere.count() >= 12
        # Asked again once a PROBE_SECONDS (6 s here), beside those that it had.
        assert there.count() <= 6 + took / 6
        assert not [item for item in items.all() if item.attempts > 1 + _not_given_back(item)]
        cable.find(cable.PORTAL)
        chain.wait_for(lambda: _works_at(made, far), 90, "a robot of that host at work again")
    counted(1, [took])
    assert not made.left_over()


def _not_given_back(item: JobItem) -> int:
    """Its unanswered attempts whose robot left without having found out, or after another robot had taken the item."""
    claims = list(item.tentativas.select_related("processo").order_by("n"))
    return sum(
        claim.outcome in ("portal_indisponivel", "tempo_esgotado")
        and (claim.processo.motivo != "portal" or following.began < claim.processo.ended_at)
        for claim, following in itertools.pairwise(claims)
    )


def _works_at(made: World, host: Machine) -> bool:
    batch = made.lot(3)
    made.finish(batch)
    return batch.execucao.processos.filter(host__nome=host.name, motivo="concluido").exists()
