"""Rows 13 to 16 and 18: the database crashes, loses replies, is held or is full; the clock jumps."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from executions import clock
from executions.models import Execucao
from executions.panorama import Espera
from executions.robos import espera_de
from tests import chain
from tests.faults.damage import fill
from tests.faults.proxy import Proxy
from tests.faults.servers import Postgres, hold_sqlite
from tests.faults.world import NO_BROWSER, Batch, World, world
from workers import processes

pytestmark = pytest.mark.usefixtures("transactional_db")
Note = Callable[..., None]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts a small tmpfs")


def on(vendor: str) -> None:
    if connection.vendor != vendor:
        pytest.skip(f"only on {vendor}; this runs in the other half of `make test`")


def times(short: int, full: int) -> pytest.MarkDecorator:
    marks = [pytest.mark.slow, pytest.mark.timeout(1800)]
    return pytest.mark.parametrize("repetitions", [short, pytest.param(full, marks=marks)])


# ---- PostgreSQL ---------------------------------------------------------------------------------------------------
@contextmanager
def behind_a_proxy(**extra: Any) -> Iterator[tuple[World, Proxy]]:
    with world(**extra) as made, Proxy(Postgres().socket) as proxy:
        url, _, place = chain.database_url().rpartition("@")
        address = f"{url}@127.0.0.1:{proxy.port}/{place.rpartition('/')[2]}"
        with made.host(DATABASE_URL=address):
            yield made, proxy
        assert not made.left_over()


@times(1, 10)
def test_a_crash_of_postgresql_in_the_middle_of_a_batch_loses_and_doubles_nothing(
    counted: Note, repetitions: int
) -> None:
    on("postgresql")
    recovery = []
    with world() as made, made.host():
        for n in range(repetitions):
            batch = made.lot(14, max_robots=2)
            batch.done(2)
            server = Postgres()
            server.crash()
            time.sleep(n % 3)
            server.start()
            back = time.monotonic()
            before = batch.execucao.itens.filter(status="done").count()
            batch.done(before + 1)
            recovery.append(time.monotonic() - back)
            made.finish(batch)
            assert not blamed(batch)
        assert not made.left_over()
    counted(repetitions, recovery)


def blamed(batch: Batch) -> list[tuple[Any, ...]]:
    """The items that an outage cost an attempt or a crash, how each of their attempts ended, and its robot."""
    rows = batch.execucao.itens.exclude(attempts=1, crashes=0)
    robot = ("status", "motivo", "exit_code", "erro")
    ends = (f"tentativas__{field}" for field in ("n", "outcome", *(f"processo__{name}" for name in robot)))
    return list(rows.values_list("ordem", "attempts", "crashes", *ends))


@pytest.mark.slow
def test_an_outage_longer_than_every_limit_counts_no_crash_and_restarts_no_cluster(counted: Note) -> None:
    """Robots have ended themselves, leases are past, the canary is silent: nobody's fault."""
    on("postgresql")
    # A supervisor that a busy machine keeps waiting has its head start undivided.
    with world(latency=0.3, CANARY_LIMIT_SECONDS=60, DEAD_GRACE_SECONDS=120) as made, made.host() as host:
        batch = made.lot(14, max_robots=2)
        batch.done(2)
        cluster = set(processes.marked(host.cluster_mark))
        batch.held()
        server = Postgres()
        server.crash()
        time.sleep(14)  # limit of a robot's own silence 4.5 s, lease 6 s, canary 6 s
        server.start()
        back = time.monotonic()
        batch.done(batch.execucao.itens.filter(status="done").count() + 1)
        recovery = time.monotonic() - back
        made.finish(batch)
        assert not blamed(batch)
        assert set(batch.execucao.processos.values_list("motivo", flat=True)) == {"sem_banco", "concluido"}
        assert cluster & set(processes.marked(host.cluster_mark)), "the cluster was replaced"
        assert not made.left_over()
    counted(1, [recovery])


@pytest.mark.slow
def test_a_crash_of_postgresql_while_three_robots_start_does_not_end_their_batch(counted: Note) -> None:
    """Three falls before the login end a batch, when they are the robots' own."""
    on("postgresql")
    with world(FAULT_AT="browser_open:sleep=3") as made, made.host():
        batch = made.lot(6, max_robots=3)
        chain.wait_for(lambda: batch.execucao.processos.filter(status="running").count() == 3, 30, "three robots")
        time.sleep(2)
        Postgres().restart()
        back = time.monotonic()
        made.finish(batch, 90)
        assert not batch.execucao.processos.filter(motivo="falha").exists()
        counted(1, [time.monotonic() - back])


@pytest.mark.parametrize("when", ["before", "after"])
@times(2, 40)
def test_a_commit_that_is_lost_or_whose_reply_is_lost_answers_once(counted: Note, when: str, repetitions: int) -> None:
    on("postgresql")
    chance = random.Random(14)
    with behind_a_proxy() as (made, proxy):
        began = time.monotonic()
        batch = made.lot(5 * repetitions, max_robots=2)
        batch.done(1)
        for _ in range(repetitions):
            proxy.cut_commit(when)
            time.sleep(chance.uniform(0.1, 0.6))
        made.finish(batch, 120)
        assert proxy.cuts.count(when) == repetitions
        counted(repetitions, [time.monotonic() - began])


def test_a_host_whose_start_loses_its_database_tries_again(counted: Note) -> None:
    on("postgresql")
    with world() as made, Proxy(Postgres().socket) as proxy:
        url, _, place = chain.database_url().rpartition("@")
        proxy.cut_commit("before", 3)
        with made.host(DATABASE_URL=f"{url}@127.0.0.1:{proxy.port}/{place.rpartition('/')[2]}"):
            began = time.monotonic()
            batch = made.lot(3)
            made.finish(batch, 60)
            counted(3, [time.monotonic() - began])
        assert proxy.cuts == ["before"] * 3


# ---- SQLite -----------------------------------------------------------------------------------------------------
def writers(n: int, seconds: float) -> list["subprocess.Popen[bytes]"]:
    """Processes that write as fast as they can."""
    code = (
        "import sqlite3, sys, time\n"
        "c = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)\n"
        "end = time.monotonic() + float(sys.argv[2])\n"
        "while time.monotonic() < end:\n"
        "    c.execute('BEGIN IMMEDIATE'); c.execute('UPDATE hosts SET versao = versao'); c.execute('COMMIT')\n"
    )
    path = str(connection.settings_dict["NAME"])
    return [subprocess.Popen([sys.executable, "-c", code, path, str(seconds)]) for _ in range(n)]


@pytest.mark.parametrize(("crowd", "held"), [(3, 3.0), pytest.param(8, 20.0, marks=pytest.mark.slow)])
def test_a_crowd_of_writers_and_one_that_sits_on_sqlite_cost_time_and_nothing_else(
    counted: Note, crowd: int, held: float
) -> None:
    """The lease (12 s, or 60 s in full) is longer than the database is held: nobody may be taken for dead."""
    on("sqlite")
    with world(5 if held < 10 else 1, SCHEDULER_TICK_SECONDS=4) as made, made.host():
        batch = made.lot(10, max_robots=2)
        batch.done(1)
        crowding = writers(crowd, held + 2)
        hold_sqlite(held).join()
        back = time.monotonic()
        for writer in crowding:
            assert writer.wait(60) == 0
        made.finish(batch, 90)
        assert not blamed(batch)
        assert not batch.execucao.processos.exclude(motivo="concluido").exists()
        counted(1, [time.monotonic() - back])


# ---- disks --------------------------------------------------------------------------------------------------------
@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    folder = Path("/tmp") / f"disco-{os.getpid()}"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


@needs_root
@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_a_full_disk_for_logs_and_browsers_stops_work_and_space_starts_it_again(counted: Note, killed: bool) -> None:
    """`killed`: those at work are, so that fresh ones are asked for before their host has noticed."""
    with small_disk(24) as disk, world() as made:
        for name in ("vault_key", "secret_key"):
            if (settings.VAR_DIR / name).exists():
                shutil.copy(settings.VAR_DIR / name, disk / name)
        with made.host(VAR_DIR=disk, ROBOT_TMP_DIR=disk / "tmp"):
            batch = made.lot(40, max_robots=2)
            batch.done(2)
            stuff = fill(disk)
            robots = batch.execucao.processos
            for robot in robots.vivos().filter(pid__isnull=False) if killed else ():
                os.kill(robot.pid, signal.SIGKILL)
            chain.wait_for(lambda: not robots.vivos().exists(), 30, "the robots' end")
            done, asked = batch.execucao.itens.filter(status="done").count(), robots.count()
            assert robots.filter(motivo="sem_disco").exists() and asked <= 8, "robots start and fail again and again"
            time.sleep(6)
            stopped = Execucao.objects.get(pk=batch.execucao.pk)
            assert stopped.aberta and espera_de(stopped, clock.db_now()) == Espera.SEM_DISCO
            assert (batch.execucao.itens.filter(status="done").count(), robots.count()) == (done, asked) and done < 40
            assert not batch.execucao.itens.falhados().exists()
            assert not batch.execucao.itens.pendentes().exclude(attempts=0).exists()
            stuff.unlink()
            back = time.monotonic()
            made.finish(batch, 90)
            counted(1, [time.monotonic() - back])


@needs_root
@pytest.mark.once
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_full_disk_under_the_database_loses_nothing(counted: Note) -> None:
    """The chaos run with its home on a small disk that is filled again and again."""
    with small_disk(48) as disk:
        script = str(settings.BASE_DIR / "tests" / "faults" / "chaos.py")
        words = ["--seconds", "60", "--every", "15", "--seed", "16", "--only", "disk_full", "--home", str(disk)]
        environ = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
        ran = subprocess.run([sys.executable, script, *words], env=environ, capture_output=True, text=True, timeout=800)
        print(ran.stdout, ran.stderr)
        assert ran.returncode == 0
        counted(4, [])


# ---- the clock ----------------------------------------------------------------------------------------------------
@pytest.mark.once
@pytest.mark.slow  # tests/test_clock_jump.py asks the same without a host
@pytest.mark.parametrize("hours", [1, -1])
def test_a_jump_of_the_wall_clock_takes_nobody_for_dead(counted: Note, hours: int, tmp_path: Path) -> None:
    """On SQLite the machine's clock is the database's, so this is the worst case."""
    on("sqlite")
    stamp = tmp_path / "relogio"
    stamp.write_text("0")
    with world(latency=0.3) as made, made.host(CLOCK_FILE=stamp):
        batch = made.lot(16, max_robots=2, timing=False)
        batch.done(2)
        stamp.write_text(f"{hours * 3600}")
        jumped = time.monotonic()
        chain.wait_for(lambda: chain.ended(batch.execucao), 90, "the end of the batch")
        chain.wait_for(lambda: not batch.execucao.processos.vivos().exists(), 30, "the robots' end")
        made.finish(batch)
        assert not blamed(batch)
        assert set(batch.execucao.processos.values_list("motivo", flat=True)) == {"concluido"}
        counted(1, [time.monotonic() - jumped])


def test_a_host_whose_clock_is_wrong_refuses_to_start(counted: Note, tmp_path: Path) -> None:
    on("postgresql")
    (tmp_path / "relogio").write_text("300")
    refused = chain.manage("runrobots", CLOCK_FILE=tmp_path / "relogio", DJANGO_SETTINGS_MODULE=NO_BROWSER)
    assert refused.returncode == 1 and "Acerte-o (NTP)" in refused.stderr
    counted(1, [])
