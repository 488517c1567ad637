"""Looking through a robot's eyes: only while watched, written once a change, and nobody waits for it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from executions import clock
from executions.models import Processo, Quadro
from tests import chain
from tests.factories import em_postgres, nova_execucao, novo_host, novo_robo, novo_script
from workers import eyes as eyes_module
from workers.devtools import DevToolsError
from workers.eyes import Eyes
from workers.life import Life
from workers.robot_supervisor import RobotSupervisor
from workers.watchdog import Watchdog


class Fake:
    """In DevTools' place: gives these pictures, one after another, the last one for ever."""

    def __init__(self, *pictures: bytes | Exception) -> None:
        self.pictures, self.opened, self.closed = list(pictures), 0, 0

    def __call__(self, address: str, page: str) -> "Fake":
        self.opened += 1
        return self

    def picture(self) -> bytes:
        found = self.pictures.pop(0) if len(self.pictures) > 1 else self.pictures[0]
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        self.closed += 1


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "eyes"]


@pytest.fixture
def robo(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processo]:
    settings.WATCH_SECONDS = 0.6
    monkeypatch.setattr(eyes_module, "FRAME_SECONDS", 0.02)
    yield novo_robo(nova_execucao())
    chain.wait_for(lambda: not threads(), 5, "the end of the thread")


def looking(robo: Processo, monkeypatch: pytest.MonkeyPatch, *pictures: Any, browser: bool = True) -> tuple[Eyes, Fake]:
    fake = Fake(*pictures)
    monkeypatch.setattr(eyes_module, "DevTools", fake)
    return Eyes(robo.pk, lambda: ("x:1", "page") if browser else None), fake


# ---- the thread -----------------------------------------------------------------------------------------------------
def test_nobody_watching_nothing_is_connected_and_nothing_written(
    robo: Processo, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, fake = looking(robo, monkeypatch, b"a")
    time.sleep(0.1)
    assert (fake.opened, threads(), Quadro.objects.count()) == (0, [], 0)


def test_watched_it_writes_frames_and_stops_when_nobody_asks_any_more(
    robo: Processo, monkeypatch: pytest.MonkeyPatch
) -> None:
    eyes, fake = looking(robo, monkeypatch, b"a", b"b", b"c")
    for _ in range(5):
        eyes.watched()
    assert len(threads()) == 1
    chain.wait_for(lambda: Quadro.objects.filter(n=3, jpeg=b"c").exists(), 2, "the third frame")
    chain.wait_for(lambda: not threads(), 3, "its end")
    assert (fake.opened, fake.closed) == (1, 1)
    eyes.watched()
    chain.wait_for(lambda: fake.opened == 2, 2, "a new look")


def test_a_screen_that_stands_still_is_not_written_again_but_its_time_is(
    robo: Processo, monkeypatch: pytest.MonkeyPatch
) -> None:
    eyes, _ = looking(robo, monkeypatch, b"a")
    eyes.watched()
    first = chain.wait_for(lambda: Quadro.objects.first(), 2, "a frame")
    chain.wait_for(lambda: Quadro.objects.get().at > first.at, 2, "a newer time")
    assert Quadro.objects.get().n == 1


def test_a_failing_connection_is_opened_anew_and_told_once(
    robo: Processo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    eyes, fake = looking(robo, monkeypatch, *[DevToolsError("no page")] * 12, b"a")
    eyes.watched()
    chain.wait_for(Quadro.objects.exists, 3, "a frame after all")
    assert (fake.opened, fake.closed) == (13, 12)
    assert [record.message for record in caplog.records if "no picture" in record.message] == [
        "no picture of the browser: no page"
    ]


def test_a_database_that_fails_costs_only_the_frame(robo: Processo, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OperationalError("away"), OperationalError("away")]
    keep = Eyes._keep

    def failing(self: Eyes, jpeg: bytes) -> None:
        if failures:
            raise failures.pop()
        keep(self, jpeg)

    monkeypatch.setattr(Eyes, "_keep", failing)
    eyes, _ = looking(robo, monkeypatch, b"a")
    eyes.watched()
    chain.wait_for(Quadro.objects.exists, 3, "a frame after all")


def test_a_robot_without_a_browser_connects_to_nothing(robo: Processo, monkeypatch: pytest.MonkeyPatch) -> None:
    eyes, fake = looking(robo, monkeypatch, b"a", browser=False)
    eyes.watched()
    time.sleep(0.1)
    assert (fake.opened, Quadro.objects.count()) == (0, 0)


def test_shut_it_ends_without_being_waited_for_and_never_looks_again(
    robo: Processo, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = threading.Event()
    eyes, fake = looking(robo, monkeypatch, b"a")
    monkeypatch.setattr(fake, "picture", lambda: stuck.wait(5) and b"late")
    eyes.watched()
    chain.wait_for(lambda: fake.opened, 2, "the connection")
    began = time.monotonic()
    eyes.shut()
    assert time.monotonic() - began < 0.1
    stuck.set()
    chain.wait_for(lambda: not threads(), 2, "its end")
    eyes.watched()
    assert threads() == []


def test_a_stuck_look_does_not_keep_the_process() -> None:
    code = """
import django, time; django.setup()
from workers import eyes
eyes.DevTools = lambda *where: time.sleep(600)
eyes.Eyes(1, lambda: ("x:1", "page")).watched()
time.sleep(0.2)
"""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "robotcontrol.settings"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, timeout=8).returncode == 0


# ---- the row --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_frame_takes_one_statement_and_the_picture_is_read_by_nobody_else() -> None:
    robo = novo_robo(nova_execucao())
    assert Quadro.objects.guardar(robo.pk, b"a", clock.db_now())
    agora = clock.db_now()
    with CaptureQueriesContext(connection) as captured:
        assert Quadro.objects.guardar(robo.pk, b"b", agora)
        assert Processo.objects.com_quadro().get(pk=robo.pk).quadro.n == 2
    assert len(captured) == 2
    assert "jpeg" not in captured[1]["sql"]
    assert Quadro.objects.imagem(robo.uuid) == b"b"


@pytest.mark.django_db
def test_the_screen_goes_with_its_robot_and_an_ended_one_gets_none() -> None:
    robo, outro = novo_robo(batch := nova_execucao()), novo_robo(batch)
    for each in (robo, outro):
        Quadro.objects.guardar(each.pk, b"a", clock.db_now())
    assert robo.terminar("exited", motivo="concluido")
    assert list(Quadro.objects.values_list("processo", flat=True)) == [outro.pk]
    assert not Quadro.objects.guardar(robo.pk, b"late", clock.db_now())
    assert Quadro.objects.imagem(robo.uuid) is None


@pytest.mark.django_db
def test_the_watchdog_removes_a_screen_that_outlived_its_robot() -> None:
    robo = novo_robo(nova_execucao())
    robo.terminar("exited", motivo="concluido")
    Quadro.objects.create(processo=robo, jpeg=b"late", at=clock.db_now())
    assert Watchdog().step()["telas"] == 1
    assert not Quadro.objects.exists()


@pytest.mark.django_db
def test_watching_is_written_at_most_each_half_of_its_time(tempo: Any, settings: Any) -> None:
    settings.WATCH_SECONDS = 10
    robo = novo_robo(nova_execucao())

    def poll() -> int:
        robo.refresh_from_db()
        return Processo.objects.assistir([robo], tempo.agora)

    assert poll() == 1
    assert Processo.objects.get(pk=robo.pk).watch_until == tempo.agora + timedelta(seconds=10)
    tempo.avancar(4)
    robo.refresh_from_db()
    with CaptureQueriesContext(connection) as captured:
        assert Processo.objects.assistir([robo], tempo.agora) == 0
    assert len(captured) == 0, "no statement while it is fresh"
    tempo.avancar(2)
    assert [poll(), poll()] == [1, 0]


@pytest.mark.django_db
def test_two_watchers_at_once_write_once(tempo: Any) -> None:
    robo = novo_robo(nova_execucao())
    twin = Processo.objects.get(pk=robo.pk)
    assert [Processo.objects.assistir([each], tempo.agora) for each in (robo, twin)] == [1, 0]


@pytest.mark.django_db
def test_neither_scripts_nor_the_dead_are_watched(tempo: Any) -> None:
    robo = novo_robo(nova_execucao())
    robo.terminar("exited", motivo="concluido")
    script = Processo.objects.create(
        tipo="script", script=novo_script(), host=novo_host(), status="running", requested_at=tempo.agora
    )
    assert Processo.objects.assistir([robo, script], tempo.agora) == 0


# ---- the supervisor tells the robot ---------------------------------------------------------------------------------
class Child:
    def __init__(self) -> None:
        read, write = os.pipe()
        self.read, self.stdin = read, os.fdopen(write, "wb", buffering=0)


@pytest.mark.django_db
def test_the_supervisor_tells_the_robot_once_a_renewal_and_never_waits(tempo: Any) -> None:
    robo = novo_robo(nova_execucao())
    supervisor, child = RobotSupervisor(robo), Child()
    supervisor.child = child  # type: ignore[assignment]
    os.set_blocking(child.read, False)

    def told() -> bytes:
        try:
            return os.read(child.read, 1 << 20)
        except BlockingIOError:
            return b""

    def judged() -> None:
        row = Processo.objects.select_related("host").get(pk=robo.pk)
        with CaptureQueriesContext(connection) as captured:
            assert supervisor.judge(row) is None
        assert len(captured) <= 2 + em_postgres(), "the rule of progress alone asks the database"

    judged()
    assert told() == b""
    Processo.objects.assistir([robo], tempo.agora)
    judged()
    judged()
    assert told() == b"."
    for n in range(70_000):  # more than a pipe holds
        supervisor._pass_on(tempo.agora + timedelta(seconds=n))
    assert len(told()) > 4096
    child.stdin.close()
    supervisor.child.stdin = None
    supervisor._pass_on(tempo.agora)


@pytest.mark.nodb
def test_a_byte_wakes_the_eyes_and_the_pipes_end_still_stops_the_robot(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.STOP_GRACE_SECONDS = 0
    read, write = os.pipe()
    calls: list[str] = []
    monkeypatch.setattr("workers.life.os._exit", lambda code: calls.append(f"exit {code}"))
    monkeypatch.setattr("workers.life.STDIN", read)
    life = Life(Processo(execucao_id=1))
    life._watched = lambda: calls.append("watched")
    pipe = threading.Thread(target=life._pipe, daemon=True)
    pipe.start()
    os.write(write, b".")
    chain.wait_for(lambda: calls == ["watched"], 2, "the byte")
    assert not life.stop.is_set()
    os.close(write)
    pipe.join(3)
    assert life.stop.is_set() and calls == ["watched", "exit 0"]
