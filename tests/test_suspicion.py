"""A robot's part in the circuit breaker: no attempt is lost to an outage, its portal's or its own host's."""

from datetime import timedelta
from typing import Any

import pytest

from executions.models import Execucao, JobItem, Portal, Processo
from tests.conftest import Tempo
from tests.factories import contadores, nova_execucao, novo_robo, tomado
from tests.works import Falha, a_robot, on_its_last_attempt, raising, read
from workers.errors import (
    Fim,
    LayoutMudou,
    NavegadorQuebrado,
    PortalIndisponivel,
    SessaoExpirada,
    TempoEsgotado,
)

pytestmark = pytest.mark.django_db


# ---- login ----------------------------------------------------------------------------------------------------------
def test_a_robot_sent_before_the_breaker_opened_does_not_close_it_unless_the_search_form_answers() -> None:
    batch = nova_execucao(9)
    work = a_robot(batch)
    batch.portal.abrir_disjuntor()
    with pytest.raises(Fim) as fim:
        work.login()
    assert fim.value.motivo == "portal" and read(batch).fora_do_ar
    work.robot.sondar = raising(None)  # type: ignore[method-assign]
    work.login()
    assert not read(batch).fora_do_ar


def test_a_breaker_that_opens_after_a_robots_look_is_not_closed_by_its_login() -> None:
    batch = nova_execucao(9)
    work, asked = a_robot(batch, portal=None), []
    original = Portal.objects.get

    def look(*args: Any, **kwargs: Any) -> Portal:
        row = original(*args, **kwargs)
        asked.append(row.fora_do_ar)
        batch.portal.abrir_disjuntor()
        return row

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Portal.objects, "get", look)
        work.login()
    assert asked == [False] and read(batch).fora_do_ar


@pytest.mark.parametrize("falha", [PortalIndisponivel, TempoEsgotado, SessaoExpirada])
def test_logins_that_nobody_answers_open_the_breaker_though_the_forms_can_be_read(falha: Falha) -> None:
    batch = nova_execucao(9, max_robots=9)
    for _ in range(5):
        assert not read(batch).fora_do_ar
        work = a_robot(batch, login=falha, portal=None)
        with pytest.raises(Fim) as fim:
            work.login()
        assert fim.value.motivo == "portal"
        work.processo.terminar("exited", motivo="portal")
    assert read(batch).fora_do_ar


def test_a_login_that_is_let_in_ends_the_run_of_those_that_were_not() -> None:
    batch = nova_execucao(9, max_robots=9)
    for falha in (PortalIndisponivel,) * 4 + (None,) + (PortalIndisponivel,) * 4:
        work = a_robot(batch, login=falha, portal=None)
        if falha:
            with pytest.raises(Fim):
                work.login()
        else:
            work.login()
    assert not read(batch).fora_do_ar
    assert len(read(batch).falhas) == 4


def test_forms_that_can_be_read_end_the_run_of_cases_and_not_that_of_logins() -> None:
    batch = nova_execucao(2)
    batch.portal.contar_falha("login:x", None, 2)
    batch.portal.contar_falha("caso", 1, 2)
    work = a_robot(batch, portal=None)
    work.suspicion.unanswered("outro", None)
    assert read(batch).falhas == [["login:x", None]]


# ---- the last attempt -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("falha", [PortalIndisponivel, TempoEsgotado])
def test_the_last_attempt_is_not_lost_to_a_portal_that_does_not_answer(falha: Falha) -> None:
    batch = nova_execucao(9)
    on_its_last_attempt(batch)
    work = a_robot(batch, case=falha)
    item = tomado(batch, work.processo)
    assert item.attempts == 3
    with pytest.raises(Fim) as fim:
        work.process(item)
    item.refresh_from_db()
    assert (fim.value.motivo, item.status, item.attempts) == ("portal", "pending", 2)
    assert read(batch).falhas == [[item.numero_processo, None]], "counted, and nothing left to be given back"
    assert contadores(batch) == (9, 0, 0, 0) and not read(batch).fora_do_ar


def test_it_opens_the_breaker_when_the_run_is_long_enough() -> None:
    batch = nova_execucao(1)
    on_its_last_attempt(batch)
    work = a_robot(batch)
    item = tomado(batch, work.processo)
    with pytest.raises(Fim):
        work.process(item)
    item.refresh_from_db()
    assert read(batch).fora_do_ar and (item.status, item.attempts) == ("pending", 2)


@pytest.mark.parametrize("portal", [None, LayoutMudou])
def test_the_last_attempt_is_lost_when_the_portal_answers_and_this_case_alone_does_not(portal: Falha) -> None:
    batch = nova_execucao(9)
    on_its_last_attempt(batch)
    work = a_robot(batch, portal=portal)
    item = tomado(batch, work.processo)
    work.process(item)
    item.refresh_from_db()
    assert (item.status, item.erro_classe) == ("failed", "portal_indisponivel")


def test_a_browser_that_breaks_when_it_is_to_ask_costs_the_attempt_and_its_robot() -> None:
    """Given back, an item that breaks every browser would come back for ever."""
    batch = nova_execucao(9)
    on_its_last_attempt(batch)
    work = a_robot(batch, portal=NavegadorQuebrado)
    item = tomado(batch, work.processo)
    with pytest.raises(Fim) as fim:
        work.process(item)
    item.refresh_from_db()
    assert (fim.value.motivo, item.status, item.erro_classe) == ("reciclado", "failed", "portal_indisponivel")


def test_before_the_last_attempt_nobody_asks() -> None:
    batch, asked = nova_execucao(9), []
    work = a_robot(batch)
    work.robot.sondar = raising(None, asked)  # type: ignore[method-assign]
    work.process(tomado(batch, work.processo))
    assert asked == []


@pytest.mark.parametrize("size", [1, 9])
def test_a_case_that_makes_the_portal_look_down_whenever_it_is_asked_for_ends_all_the_same(
    size: int, tempo: Tempo
) -> None:
    """As one whose page locks the session in which the portal is asked: a fresh robot finds the portal up each time."""
    batch = nova_execucao(size)
    others = batch.itens.exclude(ordem=1)
    for _ in range(14):
        others.update(available_at=tempo.agora + timedelta(days=1))
        work = a_robot(batch, case=TempoEsgotado, portal=TempoEsgotado)
        with pytest.raises(Fim) as fim:
            work.process(tomado(batch, work.processo))
        work.processo.terminar("exited", motivo=fim.value.motivo)
        batch.portal.fechar_disjuntor()
        tempo.avancar(60)
        if not batch.itens.filter(ordem=1, status="pending").exists():
            break
    item = batch.itens.get(ordem=1)
    assert (item.status, item.erro_classe, item.snoozes) == ("failed", "tempo_esgotado", 5)
    assert others.filter(attempts=0).count() == size - 1


# ---- a host of its own that does not reach the portal ---------------------------------------------------------------
def others_answer(batch: Execucao) -> None:
    batch.portal.respondeu()


def test_a_robot_that_alone_reaches_nothing_asks_gives_its_attempts_back_and_leaves() -> None:
    batch = nova_execucao(12)
    work = a_robot(batch)
    for _ in range(4):
        work.process(tomado(batch, work.processo))
        others_answer(batch)
    assert batch.itens.filter(attempts=1).count() == 4
    with pytest.raises(Fim) as fim:
        work.process(tomado(batch, work.processo))
    assert fim.value.motivo == "portal"
    assert not batch.itens.exclude(attempts=0, status="pending").exists()
    assert not read(batch).fora_do_ar, "the others reach it"


def test_what_it_gave_back_is_not_given_back_again_when_the_breaker_opens() -> None:
    batch = nova_execucao(12)
    work = a_robot(batch)
    mine = []
    for _ in range(4):
        mine.append(tomado(batch, work.processo))
        work.process(mine[-1])
    others_answer(batch)
    mine.append(tomado(batch, work.processo))
    with pytest.raises(Fim):
        work.process(mine[-1])
    assert read(batch).falhas == [[mine[-1].numero_processo, None]]
    JobItem.objects.filter(pk__in=[item.pk for item in mine]).update(attempts=2)  # they failed elsewhere since
    batch.portal.abrir_disjuntor()
    assert batch.itens.filter(attempts=2).count() == 5


def test_all_open_cases_are_enough_when_they_are_fewer() -> None:
    batch = nova_execucao(2)
    work = a_robot(batch)
    work.process(tomado(batch, work.processo))
    others_answer(batch)
    with pytest.raises(Fim):
        work.process(tomado(batch, work.processo))
    assert not batch.itens.exclude(attempts=0).exists() and not read(batch).fora_do_ar


def test_an_answer_of_its_own_ends_its_run() -> None:
    batch, asked = nova_execucao(20), []
    work = a_robot(batch)
    work.robot.sondar = raising(None, asked)  # type: ignore[method-assign]
    for n in range(12):
        work.robot.processar = raising(None if n % 4 == 3 else PortalIndisponivel)  # type: ignore[method-assign]
        work.process(tomado(batch, work.processo))
    assert asked == [] and batch.itens.filter(attempts=1, status="pending").count() == 9


def test_when_the_portal_answers_it_after_all_its_run_begins_anew_and_its_attempts_stand() -> None:
    batch, asked = nova_execucao(20), []
    work = a_robot(batch)
    work.robot.sondar = raising(None, asked)  # type: ignore[method-assign]
    for _ in range(9):
        work.process(tomado(batch, work.processo))
        others_answer(batch)
    assert len(asked) == 1 and batch.itens.filter(attempts=1).count() == 9


def test_the_breakers_opening_also_gives_back_what_others_answers_had_taken_out_of_the_run() -> None:
    batch = nova_execucao(12)
    work = a_robot(batch)
    for _ in range(2):
        work.process(tomado(batch, work.processo))
    others_answer(batch)
    others = Processo.objects.get(pk=novo_robo(batch).pk)
    Execucao.objects.filter(pk=batch.pk).update(max_robots=4)
    for _ in range(4):
        item = tomado(batch, others)
        item.tentar_de_novo("portal_indisponivel", "503")
        batch.portal.contar_falha(item.numero_processo, item.pk, 12)
    with pytest.raises(Fim):
        work.process(tomado(batch, work.processo))
    assert read(batch).fora_do_ar and not batch.itens.exclude(attempts=0).exists()
