"""What a host clears when it starts and later: all that was its own, and nobody else."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from executions import clock
from executions.models import Processo
from tests import chain
from tests.factories import contadores, nova_execucao, novo_host, novo_robo, tomado
from workers import janitor, processes

pytestmark = pytest.mark.django_db

# A daemon: its parent led the session, and is gone.
DAEMON = """
import os, sys, time
if os.fork() == 0:
    time.sleep(300)
    os._exit(0)
"""


@pytest.fixture(autouse=True)
def alone(settings: Any, tmp_path: Path) -> None:
    settings.ROBOT_HOST = f"teste-{uuid.uuid4().hex[:8]}"
    settings.ROBOT_TMP_DIR = tmp_path / "robos"


@pytest.fixture
def daemon() -> Iterator[processes.Identity]:
    """The leader of the session of a living daemon; the leader itself is dead."""
    leader = subprocess.Popen([sys.executable, "-c", DAEMON], start_new_session=True)
    who = processes.identity(leader.pid)
    assert who is not None
    leader.wait()
    yield who
    for member in members(who):
        os.kill(member.pid, 9)
    chain.wait_for(lambda: not members(who), 10, "the daemon's end")


def members(who: processes.Identity) -> list[processes.Member]:
    return [one for one in processes.table().values() if one.sid == who.pid and not one.zombie]


def robot_of(who: processes.Identity, **row: Any) -> Processo:
    """A robot of this machine that had the same pid as the daemon's dead leader, and began before it."""
    known = {"pid": who.pid, "start_ticks": who.start_ticks - 1, "boot_id": who.boot_id}
    host = novo_host(nome=settings.ROBOT_HOST)
    return novo_robo(nova_execucao(1), host, **known | row)


@pytest.mark.parametrize(("minutes", "found"), [(10, 0), (0, 1)])
def test_the_janitor_kills_what_a_robot_left_and_no_daemon_that_got_its_pid_long_after(
    minutes: int, found: int, daemon: processes.Identity
) -> None:
    at = clock.db_now() - timedelta(minutes=minutes)
    robot_of(daemon, status="exited", heartbeat_at=at, ended_at=at)
    assert janitor.clean().found == found
    assert bool(members(daemon)) is not bool(found)


@pytest.mark.parametrize(("minutes", "found"), [(10, 0), (0, 1)])
def test_a_host_that_starts_clears_its_own_and_no_daemon_that_got_the_pid_while_it_was_off(
    minutes: int, found: int, daemon: processes.Identity
) -> None:
    robot = robot_of(daemon, heartbeat_at=clock.db_now() - timedelta(minutes=minutes))
    assert janitor.clear_host().found == found
    assert bool(members(daemon)) is not bool(found)
    robot.refresh_from_db()
    assert robot.status == "lost"


def test_a_host_that_starts_clears_one_that_lives_however_long_it_gave_no_sign() -> None:
    leader = subprocess.Popen([sys.executable, "-c", DAEMON + "time.sleep(300)"], start_new_session=True)
    who = processes.identity(leader.pid)
    assert who is not None
    chain.wait_for(lambda: len(members(who)) == 2, 10, "its child")
    robot_of(who, start_ticks=who.start_ticks, heartbeat_at=clock.db_now() - timedelta(hours=1))
    assert janitor.clear_host().found == 2
    leader.wait()
    assert not members(who)


def test_an_item_goes_back_with_its_attempt_when_anything_of_its_robot_is_alive(
    daemon: processes.Identity,
) -> None:
    alive = robot_of(daemon)
    batch = alive.execucao
    item = tomado(batch, alive)
    janitor.clear_host()
    item.refresh_from_db()
    assert (item.status, item.attempts, item.crashes) == ("pending", 0, 0)


def test_an_item_that_takes_its_host_down_three_times_is_poison() -> None:
    batch, host = nova_execucao(1), novo_host(nome=settings.ROBOT_HOST)
    for crashes in (1, 2, 3):
        item = tomado(batch, novo_robo(batch, host))
        janitor.clear_host()
        item.refresh_from_db()
        assert item.crashes == crashes
    assert (item.status, item.erro_classe) == ("failed", "veneno")
    assert contadores(batch) == (0, 0, 0, 1)
