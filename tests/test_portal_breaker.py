"""A portal's manners and its circuit breaker: suspicion, opening, one probe a minute, slots of the interval."""

from datetime import timedelta

import pytest

from executions import clock
from executions.models import JobItem, Portal, Registro
from tests.factories import contadores, in_threads, nova_execucao, novo_portal, novo_robo, tomado

pytestmark = pytest.mark.django_db


def lido(portal: Portal) -> Portal:
    return Portal.objects.get(pk=portal.pk)


def test_five_different_cases_in_a_row_are_suspect():
    portal = novo_portal()
    assert [portal.contar_falha(f"caso-{n}", n, 100) for n in range(5)] == [False] * 4 + [True]
    assert lido(portal).breaker == "closed", "suspicion alone opens nothing"


def test_the_same_case_counts_once():
    portal = novo_portal()
    assert [portal.contar_falha("caso-1", 1, 100) for _ in range(9)] == [False] * 9
    assert [portal.contar_falha(f"caso-{n}", n, 100) for n in (2, 3, 4, 5)] == [False, False, False, True]


@pytest.mark.parametrize(("abertos", "bastam"), [(0, 1), (1, 1), (2, 2), (4, 4), (5, 5), (6, 5)])
def test_when_fewer_cases_are_open_all_of_them_are_enough(abertos, bastam):
    portal = novo_portal()
    assert [portal.contar_falha(f"caso-{n}", n, abertos) for n in range(bastam)] == [False] * (bastam - 1) + [True]


def test_failed_logins_are_one_more_case_together():
    portal = novo_portal()
    assert [portal.contar_falha("", None, 3) for _ in range(4)] == [False] * 4
    assert [portal.contar_falha("caso-1", 1, 3), portal.contar_falha("caso-2", 2, 3)] == [False, True]


def test_an_answer_ends_the_run():
    portal = novo_portal()
    for n in range(4):
        portal.contar_falha(f"caso-{n}", n, 100)
    portal.respondeu()
    assert lido(portal).falhas == []
    assert portal.contar_falha("caso-9", 9, 100) is False


def test_an_answer_without_a_run_writes_nothing(django_assert_num_queries):
    portal = novo_portal()
    antes = Portal.objects.values().get()
    with django_assert_num_queries(1):
        portal.respondeu()
    assert Portal.objects.values().get() == antes


def test_a_failure_while_the_breaker_is_open_does_not_count():
    portal = novo_portal()
    portal.abrir_disjuntor()
    assert portal.contar_falha("caso", 1, 1) is False
    assert lido(portal).falhas == []


@pytest.mark.django_db(transaction=True)
def test_failures_that_come_together_are_all_counted_and_one_is_the_last():
    portal = novo_portal()
    assert sorted(in_threads(5, lambda i: portal.contar_falha(f"caso-{i}", i, 100))) == [False] * 4 + [True]
    assert sorted(lido(portal).falhas) == [[f"caso-{i}", i] for i in range(5)]


# ---- open and close ---------------------------------------------------------------------------------------------
def test_opening_gives_back_the_attempts_of_the_run_and_no_others(tempo):
    lote = nova_execucao(4, max_robots=4)
    portal = lote.portal
    antes_do_surto, atingido, respondido, em_maos = (tomado(lote) for _ in range(4))
    antes_do_surto.tentar_de_novo("tempo_esgotado", "")
    for item in (atingido, respondido, em_maos):
        portal.contar_falha(item.numero_processo, item.pk, 4)
    atingido.tentar_de_novo("portal_indisponivel", "503")
    respondido.falhar("layout_mudou", "")
    tempo.avancar(1)
    assert portal.abrir_disjuntor() is True
    tentativas = dict(lote.itens.values_list("pk", "attempts"))
    assert tentativas == {antes_do_surto.pk: 1, atingido.pk: 0, respondido.pk: 1, em_maos.pk: 1}
    assert JobItem.objects.get(pk=atingido.pk).available_at == tempo.agora
    assert contadores(lote) == (2, 1, 0, 1)
    aberto = lido(portal)
    assert (aberto.breaker, aberto.breaker_em, aberto.falhas) == ("open", tempo.agora, [])
    assert aberto.probe_at == tempo.agora + timedelta(seconds=60)
    assert Registro.objects.get(evento="portal_fora", execucao=None).level == "error"


def test_opening_gives_back_every_attempt_of_an_item_that_failed_twice_in_the_run(tempo):
    lote = nova_execucao(1)
    robo = novo_robo(lote)
    for _ in range(2):
        item = tomado(lote, robo)
        lote.portal.contar_falha(item.numero_processo, item.pk, 100)
        item.tentar_de_novo("tempo_esgotado", "")
        tempo.avancar(60)
    assert lote.itens.get().attempts == 2
    lote.portal.abrir_disjuntor()
    assert lote.itens.get().attempts == 0


def test_a_failure_that_is_counted_after_the_opening_gets_its_attempt_back_too(tempo):
    lote = nova_execucao(2, max_robots=2)
    em_maos = tomado(lote)
    lote.portal.abrir_disjuntor()
    em_maos.tentar_de_novo("portal_indisponivel", "503")
    assert lote.portal.contar_falha(em_maos.numero_processo, em_maos.pk, 2) is False
    atrasado = JobItem.objects.get(pk=em_maos.pk)
    assert (atrasado.status, atrasado.attempts, atrasado.available_at) == ("pending", 0, tempo.agora)
    assert contadores(lote) == (2, 0, 0, 0)


def test_an_item_that_runs_again_when_the_breaker_opens_loses_no_attempt_either(tempo):
    """It keeps the one that it is in, whose end is a snooze then."""
    lote = nova_execucao(2)
    item = tomado(lote)
    item.tentar_de_novo("portal_indisponivel", "x")
    lote.portal.contar_falha(item.numero_processo, item.pk, 2)
    tempo.avancar(61)
    lote.itens.exclude(pk=item.pk).update(available_at=tempo.agora + timedelta(hours=1))
    again = tomado(lote)
    assert (again.pk, again.attempts) == (item.pk, 2)
    lote.portal.abrir_disjuntor()
    again.refresh_from_db()
    assert (again.status, again.attempts, again.snoozes) == ("running", 1, 1)
    again.adiar("portal_indisponivel", "x", 0)
    item.refresh_from_db()
    assert (item.status, item.attempts) == ("pending", 0)


def test_opening_twice_changes_nothing(tempo):
    lote = nova_execucao(1)
    item = tomado(lote)
    lote.portal.contar_falha(item.numero_processo, item.pk, 1)
    item.tentar_de_novo("portal_indisponivel", "503")
    assert lote.portal.abrir_disjuntor() is True
    antes = list(JobItem.objects.values()), list(Portal.objects.values()), Registro.objects.count()
    tempo.avancar(5)
    assert lote.portal.abrir_disjuntor() is False
    assert (list(JobItem.objects.values()), list(Portal.objects.values()), Registro.objects.count()) == antes


def test_closing_clears_the_breaker_once(tempo):
    portal = novo_portal()
    portal.fechar_disjuntor()
    assert not Registro.objects.exists(), "it was not open"
    portal.abrir_disjuntor()
    tempo.avancar(100)
    portal.fechar_disjuntor()
    portal.fechar_disjuntor()
    fechado = lido(portal)
    assert (fechado.breaker, fechado.breaker_em, fechado.probe_at) == ("closed", tempo.agora, None)
    assert fechado.falhas == []
    assert list(Registro.objects.order_by("id").values_list("evento", flat=True)) == ["portal_fora", "portal_no_ar"]


def test_the_log_of_each_open_execution_tells_of_its_portal(tempo):
    lote, outro = nova_execucao(1), nova_execucao(1)
    encerrada = nova_execucao(1, credencial=lote.credencial)
    encerrada.encerrar()
    lote.portal.abrir_disjuntor()
    lote.portal.fechar_disjuntor()

    def log(execucao):
        return [row.evento for row in Registro.objects.do_log(execucao, "", None, 9)]

    assert log(lote) == ["enfileirada", "portal_fora", "portal_no_ar"]
    assert "portal_fora" not in log(outro) + log(encerrada)
    lote.portal.abrir_disjuntor()
    lote.credencial.portal.refresh_from_db()
    assert log(nova_execucao(1, credencial=lote.credencial)) == ["enfileirada", "portal_fora"], (
        "it waits from the start"
    )
    assert len(Registro.objects.de_portais(9)) == 3, "the portals' own history tells it once"


# ---- the probe --------------------------------------------------------------------------------------------------
def test_a_closed_portal_has_no_probe_and_an_open_one_has_its_first_after_a_minute(tempo):
    portal = novo_portal()
    assert portal.ganhar_sonda(tempo.agora) is False
    portal.abrir_disjuntor()
    assert portal.ganhar_sonda(tempo.avancar(59.9)) is False
    assert portal.ganhar_sonda(tempo.avancar(0.1)) is True
    assert portal.ganhar_sonda(tempo.agora) is False
    assert portal.ganhar_sonda(tempo.avancar(60)) is True


@pytest.mark.django_db(transaction=True)
def test_of_two_ticks_at_once_one_wins_the_probe():
    portal = novo_portal()
    portal.abrir_disjuntor()
    vez = clock.db_now() + timedelta(seconds=61)
    assert sorted(in_threads(2, lambda _: portal.ganhar_sonda(vez))) == [False, True]


# ---- slots of the minimum interval ------------------------------------------------------------------------------
def test_without_an_interval_nobody_waits_and_nothing_is_read(django_assert_num_queries):
    portal = novo_portal(min_interval_s=0)
    with django_assert_num_queries(0):
        assert portal.reservar_vez() == 0.0


def test_each_caller_waits_one_interval_longer_than_the_last(tempo):
    portal = novo_portal(min_interval_s=2)
    assert [portal.reservar_vez() for _ in range(4)] == [0.0, 2.0, 4.0, 6.0]
    tempo.avancar(3)
    assert portal.reservar_vez() == 5.0
    tempo.avancar(100)
    assert portal.reservar_vez() == 0.0, "time that nobody used is not saved up"
    assert portal.reservar_vez() == 2.0


@pytest.mark.django_db(transaction=True)
def test_a_slot_is_never_given_twice(tempo):
    portal = novo_portal(min_interval_s=0.5)

    def reservar(i: int) -> list[float]:
        return [lido(portal).reservar_vez() for _ in range(5)]

    esperas = sorted(espera for lista in in_threads(8, reservar) for espera in lista)
    assert esperas == [n * 0.5 for n in range(40)]
