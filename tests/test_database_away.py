"""A robot that meets a database which is away leaves without blame for its item, its browser or its batch."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection

from executions import alarmes, clock, scripts
from executions.errors import StaleClaim
from executions.models import Processo, Registro, Saida
from executions.robos import pedir_robos
from tests import factories, processos
from workers import child, life, processes
from workers.errors import NavegadorQuebrado
from workers.life import FENCED, NO_DATABASE, Life
from workers.output import Chunk
from workers.robot import Fim, Work
from workers.robot_supervisor import RobotSupervisor
from workers.script_supervisor import ScriptSupervisor
from workers.supervisor import End

pytestmark = pytest.mark.django_db
pasta = processos.pasta_de_scripts


@contextmanager
def queries_that_fail(times: int) -> Iterator[list[str]]:
    """The next so many queries find the database away. Yields those that did."""
    failed: list[str] = []

    def away(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if len(failed) < times:
            failed.append(sql)
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(away):
        yield failed


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_robot_whose_database_went_away_ends_with_a_status_that_says_so(error, monkeypatch) -> None:
    def away(uuid: str) -> int:
        raise error("the connection is closed")

    monkeypatch.setattr(child, "_live", away)
    assert child.run("x") == NO_DATABASE


def test_an_item_in_hand_is_not_failed_for_a_database_that_is_away(monkeypatch) -> None:
    batch = factories.nova_execucao(1)
    robot = factories.novo_robo(batch)
    work = Work(Life(robot))
    item = factories.tomado(batch, robot)

    def away(item: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(work.robot, "processar", away)
    monkeypatch.setattr(work.robot, "precisa_visitar", lambda item: False)
    with pytest.raises(OperationalError):
        work.process(item)
    item.refresh_from_db()
    assert (item.status, item.erro_classe) == ("running", "")


def test_its_supervisor_gives_the_item_back_and_three_of_them_do_not_end_the_batch() -> None:
    host = factories.novo_host(places=8)
    batch = factories.nova_execucao(4, max_robots=3)
    for _ in range(3):
        robot = factories.novo_robo(batch, host)
        item = factories.tomado(batch, robot)
        end = RobotSupervisor(robot).ended(NO_DATABASE)
        assert robot.terminar(end.status, exit_code=NO_DATABASE, motivo=end.motivo, erro=end.words, item=end.item)
        item.refresh_from_db()
        assert (item.status, item.attempts, item.crashes) == ("pending", 0, 0)
    assert Processo.objects.tres_quedas_antes_do_login(batch) == ""
    assert pedir_robos(batch.pk).robos > 0
    batch.refresh_from_db()
    assert batch.aberta


def test_it_is_no_robot_that_tried_to_write_what_it_no_longer_owned() -> None:
    robot = factories.novo_robo(factories.nova_execucao(1))
    end = RobotSupervisor(robot).ended(NO_DATABASE)
    assert robot.terminar(end.status, exit_code=NO_DATABASE, motivo=end.motivo)
    robot.refresh_from_db()
    assert robot.get_motivo_display() == "sem banco de dados"
    assert list(alarmes.registros(clock.db_now())) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", [FENCED, NO_DATABASE])
def test_its_end_is_recorded_by_its_supervisor_once_the_database_is_back(code, monkeypatch, settings) -> None:
    """Else the item is left to the watchdog, which counts a crash."""
    monkeypatch.setattr("workers.supervisor.time.sleep", lambda seconds: None)
    batch = factories.nova_execucao(1)
    robot = factories.novo_robo(batch)
    item = factories.tomado(batch, robot)
    supervisor = RobotSupervisor(robot)
    settings.SELF_ABORT_SECONDS = 0  # however long it takes
    with queries_that_fail(3) as failed:
        supervisor._record(code, processes.NOTHING)
    assert len(failed) == 3
    item.refresh_from_db()
    robot.refresh_from_db()
    assert (item.status, item.attempts, item.crashes) == ("pending", 0, 0)
    assert (robot.status, robot.exit_code) == ("exited", code)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("code", "asked", "fenced"), [(FENCED, False, 1), (FENCED, True, 0), (NO_DATABASE, False, 0), (0, False, 0)]
)
def test_a_zombie_that_was_given_up_for_lost_and_leaves_by_itself_is_told_of(code, asked, fenced) -> None:
    """Its row tells of another end, so the reason that it left cannot stand there."""
    robot = factories.novo_robo(factories.nova_execucao(1))
    if asked:
        Processo.objects.filter(pk=robot.pk).pedir_morte(clock.db_now())
    assert Processo.objects.get(pk=robot.pk).terminar("lost", motivo="perdido")
    RobotSupervisor(robot)._record(code, processes.NOTHING)
    robot.refresh_from_db()
    assert (robot.status, robot.motivo) == ("lost", "perdido")
    assert [caso[0] for caso in alarmes.registros(clock.db_now())] == ["escrita_barrada"] * fenced
    assert Registro.objects.filter(processo=robot, evento="barrado").count() == fenced


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("asked", "fenced"), [(False, 1), (True, 0)])
def test_so_is_one_whose_supervisor_wakes_up_with_it_and_ends_it(asked, fenced) -> None:
    robot = factories.novo_robo(factories.nova_execucao(1))
    supervisor = RobotSupervisor(robot)
    if asked:
        Processo.objects.filter(pk=robot.pk).pedir_morte(clock.db_now())
    assert Processo.objects.get(pk=robot.pk).terminar("lost", motivo="perdido")
    supervisor.verdict = supervisor.judge(Processo.objects.select_related("host").get(pk=robot.pk))
    assert supervisor.verdict is not None
    supervisor._record(-9, processes.NOTHING)
    assert Registro.objects.filter(processo=robot, evento="barrado").count() == fenced


@pytest.mark.django_db(transaction=True)
def test_a_scripts_last_output_is_asked_for_once_however_often_its_end_is_said(monkeypatch) -> None:
    monkeypatch.setattr("workers.supervisor.time.sleep", lambda seconds: None)
    robot = factories.novo_robo(factories.nova_execucao(1))
    supervisor = RobotSupervisor(robot)
    asked: list[int | None] = []
    monkeypatch.setattr(supervisor, "ended", lambda code: asked.append(code) or End("exited"))
    with queries_that_fail(3):
        supervisor._record(0, processes.NOTHING)
    assert asked == [0]


@pytest.mark.django_db(transaction=True)
def test_a_robot_whose_retry_was_committed_but_not_replied_to_leaves_as_if_it_had_been(monkeypatch) -> None:
    monkeypatch.setattr(life.time, "sleep", lambda seconds: None)
    batch = factories.nova_execucao(2)
    robot = factories.novo_robo(batch)
    work = Work(Life(robot))
    item = factories.tomado(batch, robot)
    work.life.item = item
    real, calls = item.tentar_de_novo, []

    def without_reply(classe: str, erro: str) -> None:
        real(classe, erro)
        calls.append(classe)
        if len(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(item, "tentar_de_novo", without_reply)
    with pytest.raises(Fim) as left:
        work.failed(item, NavegadorQuebrado("travou"))
    assert (left.value.motivo, len(calls)) == ("reciclado", 2)
    work.life.flush()
    assert not Registro.objects.filter(evento="barrado").exists()
    assert item.tentativas.count() == 1


# ---- heartbeat, limit and pipe ----------------------------------------------------------------------------------
class Left(BaseException):
    """In the place of the process's end."""


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []

    def leave(code: int) -> None:
        found.append(code)
        raise Left

    monkeypatch.setattr("workers.life.os._exit", leave)
    return found


def in_a_thread(target: Callable[[], None]) -> threading.Thread:
    def body() -> None:
        try:
            target()
        except Left:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    return thread


class Held:
    pk, attempts, token = 1, 1, 1

    def __init__(self, error: Exception) -> None:
        self.error = error

    def devolver(self) -> None:
        raise self.error


@pytest.mark.nodb
@pytest.mark.parametrize("error", [StaleClaim(), OperationalError(), ValueError()])
def test_a_robot_whose_supervisor_is_gone_leaves_although_its_item_cannot_be_given_back(
    error, exits, monkeypatch, settings
) -> None:
    settings.STOP_GRACE_SECONDS = 0
    read, write = os.pipe()
    monkeypatch.setattr("workers.life.STDIN", read)
    mine = Life(Processo(execucao_id=1))
    mine.item = Held(error)  # type: ignore[assignment]
    pipe = in_a_thread(mine._pipe)
    os.close(write)
    pipe.join(5)
    assert exits == [0]


@pytest.mark.nodb
@pytest.mark.parametrize(("unanswered", "status"), [(True, NO_DATABASE), (False, FENCED)])
def test_a_robot_ends_before_its_lease_and_says_whether_the_database_or_a_freeze_was_the_reason(
    unanswered, status, exits, settings
) -> None:
    settings.SELF_ABORT_SECONDS = 0.1
    mine = Life(Processo(execucao_id=1))
    mine._unanswered = unanswered
    began = time.monotonic()
    in_a_thread(mine._limit).join(5)
    assert exits == [status]
    assert time.monotonic() - began >= 0.1


@pytest.mark.nodb
def test_the_limit_counts_from_the_beginning_of_a_heartbeat_that_had_to_wait(monkeypatch, settings) -> None:
    """The lease counts from the database's time that the heartbeat asked for first."""
    settings.HEARTBEAT_SECONDS = 0.01
    mine = Life(Processo(execucao_id=1))
    created = mine._last_beat
    began: list[float] = []

    def slow() -> None:
        if began:
            raise Left
        began.append(time.monotonic())
        assert mine._unanswered
        time.sleep(0.5)

    monkeypatch.setattr(mine, "_beat", slow)
    in_a_thread(mine._heart).join(5)
    assert created < mine._last_beat <= began[0]


@pytest.mark.django_db(transaction=True)
def test_lines_that_the_database_could_not_take_are_written_with_the_next_heartbeat(monkeypatch) -> None:
    monkeypatch.setattr(life, "LINES_KEPT", 3)
    mine = Life(factories.novo_robo(factories.nova_execucao(1)))

    def flushed() -> list[str]:
        mine.flush()
        return list(Registro.objects.filter(evento="x").order_by("id").values_list("mensagem", flat=True))

    mine.note("x", "um")
    with queries_that_fail(1), pytest.raises(OperationalError):
        mine.flush()
    mine.note("x", "dois")
    assert flushed() == ["um", "dois"]
    assert flushed() == ["um", "dois"]
    for word in ("a", "b", "c", "d"):
        mine.note("x", word)
    with queries_that_fail(1), pytest.raises(OperationalError):
        mine.flush()
    assert flushed() == ["um", "dois", "b", "c", "d"]


# ---- scripts --------------------------------------------------------------------------------------------------------
def a_script(folder: Path, code: str, **fields: Any) -> ScriptSupervisor:
    row = scripts.pedir_script(processos.novo_script(folder, code, **fields), {})
    Processo.objects.filter(pk=row.pk).update(host=factories.novo_host())
    row.refresh_from_db()
    assert row.iniciar()
    return ScriptSupervisor(row)


@pytest.mark.django_db(transaction=True)
def test_a_script_works_on_while_the_database_is_away(pasta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = a_script(pasta, "import time; time.sleep(3); print('fim')")
    monkeypatch.setattr(supervisor, "sample_seconds", 0.2)
    real, asked = clock.db_now, []

    def away() -> Any:
        if 0.5 < time.monotonic() - supervisor.began < 2:
            asked.append(1)
            raise OperationalError("server closed the connection unexpectedly")
        return real()

    monkeypatch.setattr("workers.script_supervisor.clock.db_now", away)
    supervisor.run()
    supervisor.processo.refresh_from_db()
    assert asked and (supervisor.processo.motivo, supervisor.processo.exit_code) == ("concluido", 0)
    assert supervisor.processo.saidas.get().texto == "fim\n"


@pytest.mark.django_db(transaction=True)
def test_the_limits_of_a_script_hold_while_the_database_is_away(pasta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import time; kept = bytearray(80 * 2**20); time.sleep(30)"
    supervisor = a_script(pasta, code, max_memoria_mb=64)
    monkeypatch.setattr(supervisor, "sample_seconds", 0.2)
    real = clock.db_now

    def away() -> Any:
        if not supervisor.verdict:
            raise OperationalError("server closed the connection unexpectedly")
        return real()

    running = supervisor._running

    def from_now_on(who: processes.Identity) -> bool:
        went = running(who)
        monkeypatch.setattr("workers.script_supervisor.clock.db_now", away)
        return went

    monkeypatch.setattr(supervisor, "_running", from_now_on)
    supervisor.run()
    supervisor.processo.refresh_from_db()
    assert supervisor.processo.motivo == "memoria"


@pytest.mark.django_db(transaction=True)
def test_output_whose_commit_lost_its_reply_is_there_once_and_the_rest_follows(
    pasta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = a_script(pasta, "print('x')")
    real, lost = Saida.objects.bulk_create, []

    def lose_the_reply(rows: list[Saida], **kwargs: Any) -> list[Saida]:
        written = real(rows, **kwargs)
        if not lost:
            lost.append(1)
            raise OperationalError("server closed the connection unexpectedly")
        return written

    monkeypatch.setattr(Saida.objects, "bulk_create", lose_the_reply)
    for text in ("um\n", "dois\n", "três\n"):
        supervisor._save([Chunk("out", text)])
    assert list(supervisor.processo.saidas.order_by("n").values_list("n", "texto")) == [
        (1, "um\n"), (2, "dois\n"), (3, "três\n"),
    ]  # fmt: skip
