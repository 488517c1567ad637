"""What is progress and what is not: T10's limits, and the waits that they must leave alone."""

import fcntl
from datetime import timedelta

import pytest
from django.conf import settings

from executions.models import Execucao, JobItem, Portal, Processo
from tests.conftest import Tempo
from tests.factories import nova_execucao, novo_host, novo_robo, tomado
from workers import browser, janitor, processes
from workers.errors import Parada
from workers.robot_supervisor import sem_progresso


def held_for(batch: Execucao, seconds: float, tempo: Tempo) -> Processo:
    """A robot that has had its item for so long, and took a step forward just now."""
    robo = novo_robo(batch)
    item = tomado(batch, robo)
    JobItem.objects.filter(pk=item.pk).update(started_at=tempo.agora - timedelta(seconds=seconds))
    robo.refresh_from_db()
    return robo


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "late"), [(890, False), (910, True)])
def test_one_item_has_a_deadline_though_its_robot_takes_steps(seconds: float, late: bool, tempo: Tempo) -> None:
    assert sem_progresso(held_for(nova_execucao(3), seconds, tempo)) == late


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seconds", "late"), [(910, False), (900 + 2 * 3 * 60 - 5, False), (900 + 2 * 3 * 60 + 5, True)]
)
def test_the_wait_for_the_portals_interval_behind_all_its_robots_comes_on_top(
    seconds: float, late: bool, tempo: Tempo
) -> None:
    batch = nova_execucao(3, max_robots=3)
    Portal.objects.filter(pk=batch.portal_id).update(min_interval_s=60)
    robo = held_for(batch, seconds, tempo)
    for _ in range(2):
        novo_robo(batch)
    assert sem_progresso(robo) == late


@pytest.mark.nodb
def test_a_robot_that_waits_for_others_browsers_to_start_takes_steps_and_can_be_stopped() -> None:
    folder = settings.ROBOT_RUN_DIR
    folder.mkdir(parents=True, exist_ok=True)
    steps: list[int] = []

    def step() -> None:
        steps.append(1)
        if len(steps) == 3:
            raise Parada

    gates = [(folder / f"gate-{n}").open("w") for n in range(browser.START_GATES)]
    try:
        for gate in gates:
            fcntl.flock(gate, fcntl.LOCK_EX)
        with pytest.raises(Parada), browser._start_gate(step):
            raise AssertionError("both gates are taken")
    finally:
        for gate in gates:
            gate.close()
    with browser._start_gate(step):
        assert len(steps) == 3, "a free gate is passed without a wait"


@pytest.mark.django_db
def test_the_janitor_looks_at_all_processes_once_however_many_robots_have_ended(
    tempo: Tempo, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, host = nova_execucao(3), novo_host(nome=settings.ROBOT_HOST)
    for _ in range(20):
        assert novo_robo(batch, host).terminar("exited", motivo="concluido")
    looks: list[int] = []
    table = processes.table
    monkeypatch.setattr(processes, "table", lambda: looks.append(1) or table())
    janitor.clean()
    assert len(looks) <= 3
