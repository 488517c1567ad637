"""Rows 3 to 10: robots, supervisors and cluster processes are killed or frozen at every point of an item's life."""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest
from django.utils import timezone

from executions.models import Host, JobItem, Processo, Tentativa
from tests import chain
from tests.chain import Machine
from tests.faults.world import World, cluster_roles, strike
from workers.host import SPARE_WORKERS
from workers.processes import alive, marked, table
from workers.watchdog import who

pytestmark = pytest.mark.once
Note = Callable[..., None]


def slow(value: str) -> object:
    """A value that only `make test-all` tries."""
    return pytest.param(value, marks=pytest.mark.slow)


def times(short: int, full: int) -> pytest.MarkDecorator:
    """Repetitions: a few in `make test`, the table's in `make test-all`."""
    marks = [pytest.mark.slow, pytest.mark.timeout(7200)]
    return pytest.mark.parametrize("repetitions", [short, pytest.param(full, marks=marks)])


def killed_at(mundo: World, point: str, repetitions: int, size: int = 3) -> tuple[list[JobItem], list[float]]:
    """Kills one process at this point, again and again. Returns the items of all lots, and the seconds until each dead
    robot's end was recorded, or its item was given back; until the batch's end where it was no robot that died."""
    items: list[JobItem] = []
    recovery = []
    for _ in range(repetitions):
        mundo.arm(point, "kill")
        batch = mundo.lot(size, max_robots=2)
        pid = mundo.hit(point)
        struck, at = time.monotonic(), timezone.now()
        mundo.finish(batch)
        ended = time.monotonic() - struck
        robot = batch.execucao.processos.filter(pid=pid).first()
        if robot:
            held = Tentativa.objects.filter(processo=robot, outcome="robo_perdido").first()
            ended = ((held.ended if held else robot.ended_at) - at).total_seconds()
        recovery.append(ended)
        items += batch.execucao.itens.all()
    return items, recovery


@pytest.mark.parametrize("point", [slow("robot_started"), "browser_open", slow("before_claim")])
@times(1, 20)
def test_a_robot_killed_before_its_claim_costs_no_item_anything(
    mundo: World, counted: Note, point: str, repetitions: int
) -> None:
    items, recovery = killed_at(mundo, point, repetitions)
    assert {(item.attempts, item.crashes) for item in items} == {(1, 0)}
    counted(repetitions, recovery)


@pytest.mark.parametrize("point", ["after_claim", slow("before_finish")])
@times(1, 100)
def test_a_robot_killed_with_its_item_gives_that_item_back_once_and_touches_no_other(
    mundo: World, counted: Note, point: str, repetitions: int
) -> None:
    items, recovery = killed_at(mundo, point, repetitions)
    assert {item.attempts for item in items} == {1}
    assert [item.crashes for item in items].count(1) == repetitions
    assert {item.crashes for item in items} <= {0, 1}
    counted(repetitions, recovery)


@times(2, 300)
def test_robots_killed_at_random_times_lose_nothing(mundo: World, counted: Note, repetitions: int) -> None:
    chance, recovery = random.Random(4), []
    for _ in range(repetitions):
        batch = mundo.lot(6, max_robots=2)
        batch.held()
        time.sleep(chance.uniform(0, 0.4))
        robots = batch.execucao.processos.vivos().filter(pid__isnull=False)
        struck = time.monotonic()
        for robot in robots[: chance.randint(1, 2)]:
            strike(robot.pid, signal.SIGKILL)
        mundo.finish(batch)
        recovery.append(time.monotonic() - struck)
        assert not batch.execucao.itens.exclude(attempts=1).exists()
    counted(repetitions, recovery)


@times(1, 100)
def test_a_robot_killed_right_after_its_answer_was_committed_is_not_asked_again(
    mundo: World, counted: Note, repetitions: int
) -> None:
    items, recovery = killed_at(mundo, "after_finish", repetitions)
    assert {(item.attempts, item.crashes, item.token) for item in items} == {(1, 0, 1)}
    counted(repetitions, recovery)


@pytest.mark.parametrize(
    "point",
    [slow("message_received"), slow("before_spawn"), slow("after_spawn"), "before_record", slow("before_task_end")],
)
@times(1, 20)
def test_a_supervisor_killed_at_any_point_leaves_its_robot_to_the_watchdog(
    mundo: World, machine: Machine, counted: Note, point: str, repetitions: int
) -> None:
    items, recovery = killed_at(mundo, point, repetitions)
    assert len(items) == 3 * repetitions
    counted(repetitions, recovery)


@times(1, 20)
def test_a_frozen_supervisor_has_its_robot_replaced_by_nobody_while_that_works(
    mundo: World, machine: Machine, counted: Note, repetitions: int
) -> None:
    recovery = []
    for _ in range(repetitions):
        mundo.arm("after_spawn", "sleep=0")
        batch = mundo.lot(4)
        supervisor = mundo.hit("after_spawn")
        robot = batch.held()
        strike(supervisor, signal.SIGSTOP)
        struck = time.monotonic()
        try:
            mundo.finish(batch)
            recovery.append(time.monotonic() - struck)
            assert mundo.logins(batch) == 1, "a second robot came"
        finally:
            strike(supervisor, signal.SIGCONT)
        chain.wait_for(lambda robot=robot: not alive(who(robot)), 20, "the robot's end")
    counted(repetitions, recovery)


@times(1, 10)
def test_five_sigterms_to_the_cluster_let_it_work_on_and_the_batch_ends(
    mundo: World, machine: Machine, counted: Note, repetitions: int
) -> None:
    recovery = []
    for _ in range(repetitions):
        batch = mundo.lot(12, max_robots=2)
        batch.done(1)
        main = chain.wait_for(lambda: cluster_roles(machine).get("main"), 30, "a whole cluster")
        struck = time.monotonic()
        for _ in range(5):
            strike(main, signal.SIGTERM)
            time.sleep(0.1)
        mundo.finish(batch)
        recovery.append(time.monotonic() - struck)
        assert not batch.execucao.itens.exclude(attempts=1).exists()
    assert max(recovery) <= 35  # production's target, though times are divided: starting a cluster is not
    counted(5 * repetitions, recovery)


@times(1, 10)
def test_a_cluster_killed_whole_is_replaced_and_its_robots_leave_by_their_pipes_end(
    mundo: World, machine: Machine, counted: Note, repetitions: int
) -> None:
    recovery = []
    for _ in range(repetitions):
        batch = mundo.lot(10, max_robots=2)
        batch.done(1)
        struck = time.monotonic()
        machine.kill_cluster()
        mundo.finish(batch)
        recovery.append(time.monotonic() - struck)
        assert not batch.execucao.itens.exclude(attempts=1).exists()
    counted(repetitions, recovery)


def fresh_cluster(machine: Machine) -> dict[str, int]:
    """A cluster of which nobody was replaced yet: only there the order of their starts tells who does what."""
    before = set(cluster_roles(machine).values())
    machine.kill_cluster()
    host = Host.objects.get(nome=machine.name)
    whole = host.places + host.script_places + SPARE_WORKERS + 4  # main, sentinel, monitor, pusher

    def roles() -> dict[str, int] | None:
        found = cluster_roles(machine)
        return found if len(found) == whole and not before & set(found.values()) else None

    return chain.wait_for(roles, 30, "a whole cluster")


@pytest.mark.parametrize("role", [slow("worker-0"), "monitor", slow("pusher"), slow("sentinel"), slow("main")])
@times(1, 5)
def test_a_killed_process_of_the_cluster_is_noticed_and_the_next_batch_ends(
    mundo: World, machine: Machine, counted: Note, role: str, repetitions: int
) -> None:
    """Idle: that is when a killed worker or monitor wedges the whole cluster."""
    recovery = []
    for _ in range(repetitions):
        roles = fresh_cluster(machine)
        assert strike(roles[role], signal.SIGKILL)
        wedged = set(roles.values())
        struck = time.monotonic()
        mundo.finish(mundo.lot(2), 90)
        recovery.append(time.monotonic() - struck)
        if role == "monitor":  # its successor waits for ever for the lock that it held: only the canary tells
            chain.wait_for(lambda wedged=wedged: not wedged & set(marked(machine.cluster_mark)), 40, "a new cluster")
            recovery[-1] = time.monotonic() - struck
    counted(repetitions, recovery)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_each_idle_worker_killed_in_turn_is_replaced_or_the_whole_cluster_is(
    mundo: World, machine: Machine, counted: Note
) -> None:
    """Which of them holds the queue's lock, and takes it along, is not ours to choose: each one is tried."""
    recovery = []
    for n in range(len([role for role in fresh_cluster(machine) if role.startswith("worker")])):
        roles = fresh_cluster(machine)
        assert strike(roles[f"worker-{n}"], signal.SIGKILL)
        struck = time.monotonic()
        mundo.finish(mundo.lot(2), 120)  # production's target
        recovery.append(time.monotonic() - struck)
        now = set(marked(machine.cluster_mark))
        assert roles[f"worker-{n}"] not in now and len(now) >= len(roles) - 1
    counted(len(recovery), recovery)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["worker", "monitor", "pusher", "sentinel", "main"])
def test_a_process_of_the_cluster_killed_with_a_batch_at_work_costs_no_answer_and_no_attempt(
    mundo: World, machine: Machine, counted: Note, role: str
) -> None:
    recovery = []
    for _ in range(3):
        roles = fresh_cluster(machine)
        batch = mundo.lot(14, max_robots=2)
        robot = batch.held()
        # The worker that supervises the robot, or whoever has this role.
        victim = table()[robot.pid or 0].ppid if role == "worker" else roles[role]
        assert strike(victim, signal.SIGKILL)
        struck = time.monotonic()
        mundo.finish(batch, 120)  # production's target
        recovery.append(time.monotonic() - struck)
        assert not batch.execucao.itens.exclude(attempts=1).exists()
        mundo.finish(mundo.lot(2), 120)
    counted(3, recovery)


def test_nothing_is_left_of_all_this(mundo: World) -> None:
    chain.wait_for(lambda: not Processo.objects.vivos().exists(), 20, "the end of every robot")
    assert not mundo.left_over()
    assert os.listdir(mundo.faults) == []
