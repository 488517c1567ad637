"""A clock that jumps takes nobody for dead: neither the watchdog, nor a supervisor, nor the canary's judge."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from executions.models import Credencial, Portal, Processo
from tests import factories
from tests.conftest import Tempo
from workers import processes
from workers.clock_watch import ClockWatch
from workers.cluster import Cluster
from workers.host import HostAgent
from workers.robot_supervisor import RobotSupervisor
from workers.watchdog import Watchdog

pytestmark = pytest.mark.django_db


@pytest.fixture
def robo(tempo: Tempo) -> Iterator[Processo]:
    """A robot of this machine that lives, with an item in hand."""
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    who = processes.identity(child.pid)
    assert who is not None
    batch = factories.nova_execucao(2)
    host = factories.novo_host(nome=settings.ROBOT_HOST)
    robot = factories.novo_robo(batch, host, pid=who.pid, start_ticks=who.start_ticks, boot_id=who.boot_id)
    factories.tomado(batch, robot)
    yield robot
    child.kill()
    child.wait()


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_jump_is_mistrusted_for_a_minute_and_a_clock_that_walks_is_trusted(tempo: Tempo, jump: int) -> None:
    watch = ClockWatch()
    looks = []
    for step in (0, 1, jump, 1):
        tempo.avancar(step)
        looks.append((watch.look()[1], watch.jumped))
    assert looks == [(True, False), (True, False), (False, True), (False, False)]


def test_an_answer_that_was_long_on_its_way_is_not_taken_for_a_jump(tempo: Tempo, monkeypatch) -> None:
    """As when a partition heals. It says nothing, so nobody is judged by it, and no wait ends."""
    watch, passed = ClockWatch(), [0.0]
    monkeypatch.setattr("workers.clock_watch.time.monotonic", lambda: passed[0])

    def answer(seconds: float, on_its_way: float) -> tuple[bool, bool]:
        tempo.avancar(seconds)
        passed[0] += seconds

        def late() -> datetime:
            said = tempo.agora
            tempo.avancar(on_its_way)
            passed[0] += on_its_way
            return said

        with monkeypatch.context() as patch:
            patch.setattr("executions.clock.db_now", late)
            return watch.look()[1], watch.jumped

    assert answer(100, 0) == (True, False)
    assert answer(10, 30) == (False, False)
    assert answer(10, 1.9) == (True, False)
    assert answer(3600, 0) == (True, False)
    tempo.avancar(3600)
    assert answer(0, 30) == (False, False), "not seen, and not trusted either"
    assert answer(0, 0) == (False, True), "seen by the next"


def test_the_watchdog_kills_and_expires_nothing_right_after_a_jump(tempo: Tempo, robo: Processo) -> None:
    watchdog = Watchdog()
    watchdog.step()
    tempo.avancar(3600)
    done = watchdog.step()
    assert {name: n for name, n in done.items() if n} == {}
    robo.refresh_from_db()
    assert robo.status == "running" and robo.itens.em_andamento().exists()


def test_what_was_set_by_the_clock_before_it_jumped_back_is_not_waited_for(tempo: Tempo, robo: Processo) -> None:
    """On SQLite all this stood still for the hour."""
    batch = factories.nova_execucao(3)
    Portal.objects.update(next_at=tempo.agora, breaker="open", breaker_em=tempo.agora, probe_at=em(tempo, 60))
    Credencial.objects.update(livre_em=em(tempo, 200))
    watchdog = Watchdog()
    watchdog.step()
    now = tempo.avancar(-3600)
    assert not batch.itens.disponiveis(now).exists()
    assert watchdog.step()["esperas"] > 0
    assert batch.itens.disponiveis(now).count() == 3
    assert not Portal.objects.exclude(next_at__lte=now, probe_at__lte=now).exists()
    assert set(Credencial.objects.values_list("livre_em", flat=True)) == {em(tempo, 300)}, "accounts lock: it rests"
    tempo.avancar(1)
    Credencial.objects.update(livre_em=em(tempo, 300))
    assert watchdog.step()["esperas"] == 0  # a clock that walks ends no wait


def test_a_robot_and_its_supervisor_that_die_after_a_jump_back_are_found_by_how_long_they_are_dead(
    tempo: Tempo, robo: Processo, monkeypatch
) -> None:
    """By the heartbeat its item waited for the hour."""
    watchdog = Watchdog()
    tempo.avancar(-3600)
    processes.reap("", processes.identity(robo.pid))
    assert watchdog.step()["mortos"] == 0, "its supervisor may still say so"
    later = time.monotonic() + settings.DEAD_GRACE_SECONDS
    monkeypatch.setattr("workers.watchdog.time.monotonic", lambda: later)
    assert watchdog.step()["mortos"] == 1
    robo.refresh_from_db()
    assert robo.status == "lost" and not robo.itens.em_andamento().exists()


def test_an_outage_that_made_heartbeats_old_leaves_the_supervisors_their_time(
    tempo: Tempo, robo: Processo, monkeypatch
) -> None:
    """Its robot left because the database was away, and its supervisor will say so: no crash of the item's."""
    watchdog = Watchdog()
    assert watchdog.step()["mortos"] == 0
    processes.reap("", processes.identity(robo.pid))
    tempo.avancar(settings.DEAD_GRACE_SECONDS + 1)
    assert watchdog.step()["mortos"] == 0
    later = time.monotonic() + settings.WATCHDOG_TICK_SECONDS
    monkeypatch.setattr("workers.watchdog.time.monotonic", lambda: later)
    tempo.avancar(settings.WATCHDOG_TICK_SECONDS)
    assert watchdog.step()["mortos"] == 1, "and if it does not, the watchdog does"


def em(tempo: Tempo, seconds: float) -> datetime:
    return tempo.agora + timedelta(seconds=seconds)


def test_a_watchdog_that_has_seen_no_jump_does_kill_what_made_no_progress(tempo: Tempo, robo: Processo) -> None:
    """The other test could not fail if this one did."""
    tempo.avancar(3600)
    assert Watchdog().step()["sem_progresso"] == 1


def test_a_supervisor_does_not_take_its_robot_for_stuck_after_a_jump(tempo: Tempo, robo: Processo) -> None:
    supervisor = RobotSupervisor(robo)
    assert supervisor.judge(robo) is None
    tempo.avancar(3600)
    supervisor._progress_at = 0.0
    assert supervisor.judge(robo) is None
    fresh = RobotSupervisor(robo)
    verdict = fresh.judge(robo)
    assert verdict is not None and verdict.motivo == "sem_progresso"


def test_a_watchdog_that_could_not_look_lets_the_supervisors_speak_first_but_only_once(
    tempo: Tempo, robo: Processo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage every lease is past, though the supervisors wait to tell of their robots' ends."""
    watchdog = Watchdog()
    watchdog.step()
    now = time.monotonic()
    for outage in (100, 200):
        tempo.avancar(100)
        monkeypatch.setattr(time, "monotonic", lambda outage=outage: now + outage)
        done = watchdog.step()
        assert bool(done["expirados"] or done["sem_progresso"]) == (outage == 200)


def test_the_canary_is_not_missed_while_the_database_is_away(tempo: Tempo, tmp_path, monkeypatch) -> None:
    agent = HostAgent(threading.Event())
    agent.host = factories.novo_host()
    agent.cluster = Cluster(agent.host, 1, tmp_path / "log")
    agent.cluster.child = subprocess.Popen(["sleep", "60"])
    agent.cluster.started = now = time.monotonic()
    killed: list[object] = []
    monkeypatch.setattr(agent.cluster, "kill", lambda: killed.append(1))
    monkeypatch.setattr(agent.cluster, "start", lambda: None)

    def away(host: str) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    try:
        monkeypatch.setattr("executions.queue.send_canary", away)
        monkeypatch.setattr(time, "monotonic", lambda: now + settings.CANARY_LIMIT_SECONDS + 1)
        with pytest.raises(OperationalError):
            agent._check_cluster()
        monkeypatch.setattr("executions.queue.send_canary", lambda host: None)
        agent._check_cluster()
        assert not killed
        monkeypatch.setattr(time, "monotonic", lambda: now + 2 * settings.CANARY_LIMIT_SECONDS + 2)
        agent._check_cluster()
        assert killed
    finally:
        agent.cluster.child.kill()
        agent.cluster.child.wait()


def test_a_frozen_process_of_the_cluster_that_holds_sqlites_lock_is_killed_once(tmp_path, monkeypatch) -> None:
    """A lock that nobody of ours holds does not end the new cluster again and again."""
    if connection.vendor != "sqlite":
        pytest.skip("a row's lock is taken from it by the server (settings.SERVER_LIMITS)")
    agent = HostAgent(threading.Event())
    agent.host = factories.novo_host()
    agent.cluster = Cluster(agent.host, 1, tmp_path / "log")
    done: list[str] = []
    monkeypatch.setattr(agent.cluster, "kill", lambda: done.append("kill"))
    monkeypatch.setattr(agent.cluster, "start", lambda: done.append("start"))
    now, limit = time.monotonic(), settings.CANARY_LIMIT_SECONDS

    def locked(*args: object) -> str:
        raise OperationalError("database is locked")

    def check(after: float, error: bool) -> list[str]:
        monkeypatch.setattr(time, "monotonic", lambda: now + after)
        with pytest.raises(OperationalError) if error else nullcontext():
            agent._check_cluster()
        return done

    monkeypatch.setattr(agent.cluster, "check", locked)
    assert check(0, error=True) == check(limit, error=True) == []
    assert check(limit + 1, error=False) == ["kill", "start"]
    assert check(5 * limit, error=True) == ["kill", "start"]
    monkeypatch.setattr(agent.cluster, "check", lambda at: "")
    check(5 * limit + 1, error=False)
    monkeypatch.setattr(agent.cluster, "check", locked)
    check(5 * limit + 2, error=True)
    assert check(7 * limit, error=False) == ["kill", "start"] * 2


@pytest.fixture
def cluster(db: None, tmp_path: Path) -> Iterator[Cluster]:
    """One whose main process lives."""
    made = Cluster(factories.novo_host(), 1, tmp_path / "log")
    made.child = subprocess.Popen(["sleep", "60"])
    made.started = time.monotonic()
    yield made
    made.child.kill()
    made.child.wait()


def test_the_canary_is_waited_for_by_the_monotonic_clock(cluster: Cluster, tempo: Tempo, monkeypatch) -> None:
    monkeypatch.setattr("executions.queue.send_canary", lambda host: None)
    assert cluster.check(tempo.agora - timedelta(hours=1)) == ""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + settings.CANARY_LIMIT_SECONDS + 1)
    assert "canário" in cluster.check(tempo.agora - timedelta(hours=1))
    assert cluster.check(tempo.agora) == ""


def test_a_host_that_was_held_up_itself_does_not_blame_its_cluster(cluster: Cluster, tempo: Tempo, monkeypatch) -> None:
    """A canary that nobody sent is none that does not come back."""
    now, sent = cluster.started, []
    monkeypatch.setattr("executions.queue.send_canary", sent.append)
    assert cluster.check(None) == ""
    monkeypatch.setattr(time, "monotonic", lambda: now + 1)
    assert cluster.check(tempo.agora) == "" and len(sent) == 1  # it is back
    monkeypatch.setattr(time, "monotonic", lambda: now + 2 * settings.CANARY_LIMIT_SECONDS)
    assert cluster.check(tempo.agora) == "" and len(sent) == 2
    monkeypatch.setattr(time, "monotonic", lambda: now + 3 * settings.CANARY_LIMIT_SECONDS)
    assert "canário" in cluster.check(tempo.agora)
