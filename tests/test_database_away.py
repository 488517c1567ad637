"""A robot that meets a database which is away leaves without blame for its item, its browser or its batch."""

import pytest
from django.db import InterfaceError, OperationalError

from executions.models import Processo
from executions.robos import pedir_robos
from tests import factories
from workers import child
from workers.life import FENCED, Life
from workers.robot import Work
from workers.robot_supervisor import RobotSupervisor

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_robot_whose_database_went_away_ends_with_the_status_of_one_that_is_fenced(error, monkeypatch) -> None:
    def away(uuid: str) -> int:
        raise error("the connection is closed")

    monkeypatch.setattr(child, "_live", away)
    assert child.run("x") == FENCED


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
        end = RobotSupervisor(robot).ended(FENCED)
        assert robot.terminar(end.status, exit_code=FENCED, motivo=end.motivo, erro=end.words, item=end.item)
        item.refresh_from_db()
        assert (item.status, item.attempts, item.crashes) == ("pending", 0, 0)
    assert Processo.tres_quedas_antes_do_login(batch) == ""
    assert pedir_robos(batch.pk).robos > 0
    batch.refresh_from_db()
    assert batch.aberta
