"""A robot that was given up, killed or overtaken while it was away has nothing to say of its batch any more."""

from collections.abc import Callable
from typing import Any

import pytest

from executions import clock
from executions.models import Credencial, Execucao, Processo
from executions.models.job_item import MAX_SNOOZES
from tests.factories import contadores, nova_execucao, novo_host, novo_robo, tomado
from tests.works import a_robot
from workers import processes, watchdog
from workers.errors import Captcha, Codigo2fa, CredencialRecusada, Fim, LayoutMudou
from workers.life import FENCED
from workers.robot_supervisor import RobotSupervisor

pytestmark = pytest.mark.django_db


def given_up(robot: Processo, batch: Execucao) -> None:
    assert Processo.objects.get(pk=robot.pk).terminar("lost", motivo="perdido")


def killed_with_its_batch(robot: Processo, batch: Execucao) -> None:
    batch.encerrar()
    batch.reabrir()


def asked_to_die(robot: Processo, batch: Execucao) -> None:
    Processo.objects.filter(pk=robot.pk).pedir_morte(clock.db_now())


@pytest.mark.parametrize("away", [given_up, killed_with_its_batch, asked_to_die])
@pytest.mark.parametrize("falha", [LayoutMudou, Captcha, Codigo2fa])
def test_what_its_login_meets_does_not_end_the_batch_that_others_work_on(
    away: Callable[[Processo, Execucao], None], falha: type[Exception]
) -> None:
    batch = nova_execucao(3)
    work = a_robot(batch, login=falha)
    away(work.processo, batch)
    item = tomado(Execucao.objects.get(pk=batch.pk))
    with pytest.raises(Fim):
        work.login()
    assert contadores(batch) == (2, 1, 0, 0) and batch.aberta
    item.refresh_from_db()
    assert item.status == "running"


def test_the_same_from_a_robot_in_service_ends_it() -> None:
    batch = nova_execucao(3)
    with pytest.raises(Fim):
        a_robot(batch, login=LayoutMudou).login()
    assert contadores(batch) == (0, 0, 0, 3)


def test_a_password_changed_while_a_robot_works_is_the_one_of_its_next_login(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = nova_execucao(2)
    work = a_robot(batch)
    used: list[str] = []
    monkeypatch.setattr(work.robot, "login", lambda: used.append(work.execucao.credencial.senha))
    work.login()
    fresh = Credencial.objects.get(pk=batch.credencial_id)
    fresh.trocar_senha("outra")
    fresh.save()
    work.login()
    assert used == ["segredo", "outra"]


def test_a_refusal_of_a_password_that_was_changed_meanwhile_ends_the_robot_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = nova_execucao(2)
    work = a_robot(batch)

    def refused() -> None:
        fresh = Credencial.objects.get(pk=batch.credencial_id)
        fresh.trocar_senha("outra")
        fresh.save()
        raise CredencialRecusada

    monkeypatch.setattr(work.robot, "login", refused)
    with pytest.raises(Fim) as fim:
        work.login()
    assert fim.value.motivo == "credencial"
    assert contadores(batch) == (2, 0, 0, 0) and batch.aberta
    assert Credencial.objects.get(pk=batch.credencial_id).recusada_em is None


@pytest.mark.django_db(transaction=True)
def test_an_item_that_makes_each_robot_stand_still_ends_some_day() -> None:
    batch = nova_execucao(1)
    ends = 0
    while batch.itens.filter(status="pending").exists():
        robot = novo_robo(batch)
        batch.itens.update(available_at=clock.db_now())
        tomado(batch, robot)
        RobotSupervisor(robot)._record(FENCED, processes.NOTHING)
        ends += 1
        assert batch.itens.get().crashes == 0 and ends < 20
    item = batch.itens.get()
    assert (ends, item.status, item.erro_classe) == (MAX_SNOOZES + 3, "failed", "tempo_esgotado")


def test_a_robot_that_started_just_after_it_was_seen_to_be_late_is_not_lost(
    tempo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, host = nova_execucao(1), novo_host()
    late = Processo.objects.pedir(batch, host, clock.db_now())
    tempo.avancar(61)
    host.bater()
    seen = Processo.terminar

    def started_first(row: Processo, *args: Any, **kwargs: Any) -> bool:
        again = Processo.objects.get(pk=row.pk)
        assert again.iniciar() and again.rodar(pid=9, start_ticks=9, boot_id="b", pasta="")
        return seen(row, *args, **kwargs)

    monkeypatch.setattr(Processo, "terminar", started_first)
    assert watchdog.lost_anywhere(clock.db_now()) == 0
    late.refresh_from_db()
    assert late.status == "running"
