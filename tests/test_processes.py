"""The reaper on real processes: it finds the whole family, kills it, and touches nobody else."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest

from workers import processes
from workers.processes import Identity, Member

pytestmark = pytest.mark.nodb

# A parent with a child and a grandchild, all deaf to SIGTERM.
FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);" \\
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)']); time.sleep(300)"
subprocess.Popen([sys.executable, "-c", child])
time.sleep(300)
"""
# One that leaves session and parent, as Chromium's crash handlers do; only the mark tells whose it is.
RUNAWAY = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(300)
    os._exit(0)
time.sleep(300)
"""
# One whose child leaves the session and has another environment: only descent tells.
STRANGER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], env={}, start_new_session=True)
time.sleep(300)
"""


@pytest.fixture
def mark() -> str:
    return f"teste:{uuid.uuid4()}"


@pytest.fixture
def start(mark: str) -> Iterator:
    started = []

    def run(code: str, marked: str = mark) -> subprocess.Popen:
        environment = os.environ | {processes.MARK: marked}
        child = subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True)
        started.append((child, marked))
        return child

    yield run
    for child, marked in started:
        processes.reap(marked, processes.identity(child.pid))
        child.kill()
        child.wait()


def family_of(child: subprocess.Popen, mark: str, n: int) -> list[Member]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = processes.find(mark, processes.identity(child.pid))
        if len(found) == n:
            return found
        time.sleep(0.02)
    raise AssertionError(f"expected {n} processes, found {found}")


@pytest.mark.parametrize(("code", "n"), [(FAMILY, 3), (RUNAWAY, 2), (STRANGER, 2)])
def test_a_whole_family_is_found_and_killed_however_it_hides(start, mark: str, code: str, n: int) -> None:
    child = start(code)
    family = family_of(child, mark, n)
    reaped = processes.reap(mark, processes.identity(child.pid))
    assert (reaped.found, reaped.killed, reaped.left) == (n, n, ())
    assert not any(map(processes.still, family))


def test_a_frozen_family_is_killed_too(start, mark: str) -> None:
    child = start(FAMILY)
    family = family_of(child, mark, 3)
    for member in family:
        os.kill(member.pid, signal.SIGSTOP)
    assert processes.reap(mark, processes.identity(child.pid)).left == ()
    assert not any(map(processes.still, family))


def test_after_its_root_died_the_rest_is_still_found_by_session_and_mark(start, mark: str) -> None:
    child = start(FAMILY)
    who = processes.identity(child.pid)
    family_of(child, mark, 3)
    child.kill()
    child.wait()
    assert processes.reap(mark, who).killed == 2


def test_another_installation_and_an_unmarked_process_are_not_touched(start, mark: str) -> None:
    mine, other = start(FAMILY), start(FAMILY, f"outra:{uuid.uuid4()}")
    family_of(mine, mark, 3)
    processes.reap(mark, processes.identity(mine.pid))
    assert other.poll() is None


def test_a_pid_that_passed_to_somebody_else_is_neither_alive_nor_signalled(start, mark: str) -> None:
    stranger = start("import time; time.sleep(300)", "")
    now = processes.identity(stranger.pid)
    assert now is not None and processes.alive(now)
    dead = Identity(now.pid, now.start_ticks - 500, now.boot_id)
    assert not processes.alive(dead)
    assert not processes.alive(Identity(now.pid, now.start_ticks, "outro-boot"))
    assert not processes.send(Member(now.pid, 1, now.pid, now.start_ticks - 500, False), signal.SIGKILL)
    assert processes.reap(f"teste:{uuid.uuid4()}", Identity(now.pid, now.start_ticks + 500, now.boot_id)).found == 0
    assert stranger.poll() is None


def test_the_session_of_a_stranger_that_leads_it_with_the_pid_of_a_dead_robot_is_not_the_robots(start) -> None:
    stranger = start("import time; time.sleep(300)", "")
    now = processes.identity(stranger.pid)
    assert now is not None and processes.table()[stranger.pid].sid == stranger.pid
    dead = Identity(now.pid, now.start_ticks - 500, now.boot_id)
    assert processes.find(f"teste:{uuid.uuid4()}", dead) == []


def test_a_zombie_counts_as_dead(start) -> None:
    child = start("pass")
    who = processes.identity(child.pid)
    deadline = time.monotonic() + 10
    while processes.alive(who) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes.alive(who) and processes.identity(child.pid) == who  # still in the table, and dead


def test_the_cluster_is_killed_without_the_robots_that_its_workers_started(start, mark: str) -> None:
    child = start(STRANGER)
    family = family_of(child, mark, 2)
    reaped = processes.reap(mark, processes.identity(child.pid), descendants=False)
    assert reaped.killed == 1
    survivor = [m for m in family if m.pid != child.pid]
    assert all(map(processes.still, survivor))
    for member in survivor:
        processes.send(member, signal.SIGKILL)


def test_usage_sums_the_tree(start, mark: str) -> None:
    child = start(FAMILY)
    family_of(child, mark, 3)
    used = processes.usage(mark, processes.identity(child.pid))
    assert used.processes == 3 and used.memory > 5_000_000
