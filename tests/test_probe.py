"""What a robot asks when nobody answers: the portal itself, and a case that it is known to answer."""

from unittest.mock import Mock

import pytest

from executions.models import Execucao, JobItem
from tests.conftest import Tempo
from tests.factories import feitos, nova_execucao, tomado
from tests.works import Falha, a_robot, on_its_last_attempt, raising, read
from workers.errors import (
    Bloqueado,
    Captcha,
    Fim,
    LayoutMudou,
    NavegadorQuebrado,
    PortalIndisponivel,
    SessaoExpirada,
    TempoEsgotado,
)
from workers.robot import Work
from workers.robots.peticoes import VerificadorPeticoes

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(tempo: Tempo) -> Execucao:
    """Five cases answered, nine open."""
    made = nova_execucao(14, max_robots=3)
    feitos(made, [1] * 5, tempo.agora)
    return made


def known(work: Work, times: int = 60) -> set[str]:
    """The cases that so many probes ask for."""
    cases: list[str] = []
    work.robot.sondar = cases.append  # type: ignore[method-assign]
    for _ in range(times):
        work.suspicion.probe()
    return set(cases)


def forms_only(work: Work) -> Work:
    """Its portal shows its forms, and no case."""

    def sondar(caso: str) -> None:
        if caso:
            raise PortalIndisponivel

    work.robot.sondar = sondar  # type: ignore[method-assign]
    return work


# ---- which case -----------------------------------------------------------------------------------------------------
def test_any_answered_case_of_the_portal_is_asked_for_and_no_other(batch: Execucao) -> None:
    assert known(a_robot(batch)) == {f"caso-{n}" for n in range(5)}
    assert known(a_robot(nova_execucao(2, credencial=batch.credencial))) == {f"caso-{n}" for n in range(5)}
    assert known(a_robot(nova_execucao(2))) == {""}, "of another portal"


def test_a_failed_item_is_no_answered_case(batch: Execucao) -> None:
    JobItem.objects.filter(execucao=batch, ordem=1).update(status="failed", resultado="", erro_classe="tempo_esgotado")
    assert known(a_robot(batch)) == {""}, "four are too few"


def test_one_case_with_many_items_does_not_decide_alone(batch: Execucao, tempo: Tempo) -> None:
    """It may have gone bad since: then the breaker would never close."""
    one = nova_execucao(60, casos=1, credencial=batch.credencial)
    JobItem.objects.filter(execucao=one).update(numero_processo="o-mesmo")
    feitos(one, [1] * 55, tempo.agora)
    assert known(a_robot(one)) == {"o-mesmo", *(f"caso-{n}" for n in range(5))}
    batch.delete()
    assert known(a_robot(one)) == {""}


def test_the_case_waits_for_its_turn_at_the_portal(batch: Execucao) -> None:
    work, order = a_robot(batch), []
    work.suspicion.turn = lambda: order.append("turn")
    work.robot.sondar = lambda caso: order.append("asked")  # type: ignore[method-assign]
    work.suspicion.probe()
    assert order == ["turn", "asked"]


# ---- what its answer means ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("falha", [PortalIndisponivel, TempoEsgotado, NavegadorQuebrado, Bloqueado])
def test_a_known_case_that_nobody_answers_is_no_answer(falha: type[Exception]) -> None:
    robot = VerificadorPeticoes.__new__(VerificadorPeticoes)
    robot.adapter = Mock(**{"visitar.side_effect": falha})
    robot.sondar("")
    with pytest.raises(falha):
        robot.sondar("caso")


@pytest.mark.parametrize("falha", [None, LayoutMudou, SessaoExpirada, Captcha])
def test_any_page_of_a_known_case_is_an_answer_and_the_forms_are_asked_as_well(falha: Falha) -> None:
    robot = VerificadorPeticoes.__new__(VerificadorPeticoes)
    robot.adapter = Mock(**{"visitar.side_effect": falha})
    robot.sondar("caso")
    assert [call[0] for call in robot.adapter.method_calls] == ["visitar", "sondar"]


def test_a_login_closes_no_breaker_while_a_known_case_goes_unanswered(batch: Execucao) -> None:
    batch.portal.abrir_disjuntor()
    with pytest.raises(Fim) as fim:
        forms_only(a_robot(batch)).login()
    assert fim.value.motivo == "portal" and read(batch).fora_do_ar
    a_robot(batch, portal=None).login()
    assert not read(batch).fora_do_ar


def test_five_cases_and_a_known_one_without_an_answer_open_it_though_the_forms_can_be_read(batch: Execucao) -> None:
    work = forms_only(a_robot(batch))
    for _ in range(4):
        work.process(tomado(batch, work.processo))
    with pytest.raises(Fim):
        work.process(tomado(batch, work.processo))
    assert read(batch).fora_do_ar and not batch.itens.pendentes().exclude(attempts=0).exists()


def test_whoever_is_not_let_in_asks_for_no_case(batch: Execucao) -> None:
    batch.portal.contar_falha("outro", None, 9)
    cases: list[str] = []
    work = a_robot(batch, login=PortalIndisponivel)
    work.robot.sondar = cases.append  # type: ignore[method-assign]
    batch.itens.filter(status="pending").exclude(ordem=14).delete()  # one open case: one failure is suspect
    with pytest.raises(Fim):
        work.login()
    assert cases == [""]


# ---- a portal that will not be asked --------------------------------------------------------------------------------
def test_a_block_met_by_the_probe_before_a_last_attempt_puts_the_item_off(batch: Execucao) -> None:
    on_its_last_attempt(batch)
    work = a_robot(batch, portal=Bloqueado)
    item = tomado(batch, work.processo)
    with pytest.raises(Fim) as fim:
        work.process(item)
    item.refresh_from_db()
    assert (fim.value.motivo, item.status, item.attempts, item.snoozes) == ("bloqueado", "pending", 2, 1)
    batch.credencial.refresh_from_db()
    assert batch.credencial.livre_em and not read(batch).fora_do_ar


def test_a_block_met_by_the_probe_after_the_item_went_back_ends_the_robot_in_order(batch: Execucao) -> None:
    work = a_robot(batch, portal=Bloqueado)
    work.robot.abrir = raising(None)  # type: ignore[method-assign]
    assert work.run().motivo == "bloqueado"
    batch.credencial.refresh_from_db()
    assert batch.credencial.livre_em and batch.itens.pendentes().count() == 9
