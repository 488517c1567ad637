"""The forecast: from the last items, never from an average since the start, and silent when nobody can say."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions import previsao
from executions.futuro import olhar, previsoes
from executions.models import Credencial, Execucao, Host, JobItem, Portal
from executions.panorama import Espera
from executions.previsao import Amostra, efetivos, simular
from executions.results import ErroClasse
from executions.templatetags.previsao import MOTIVOS
from executions.templatetags.previsao import previsao as em_palavras
from tests.factories import feitos, nova_credencial, nova_execucao, novo_host, novo_portal, novo_robo

pytestmark = pytest.mark.django_db


def prevista(batch: Execucao, agora: Any) -> previsao.Previsao:
    return previsoes(olhar(agora))[batch.pk]


def test_nothing_is_ready_before_its_last_item_was_tried_again(tempo: Any) -> None:
    novo_host()
    batch = nova_execucao(12, max_robots=2)
    feitos(batch, [10] * 10, tempo.agora)
    again = tempo.agora + timedelta(seconds=300)
    batch.itens.filter(ordem=12).update(available_at=again)
    for _robots in range(2):
        found = prevista(batch, tempo.agora)
        assert (found.de, found.fim, found.ate) == (again, again + timedelta(seconds=10), again + timedelta(seconds=10))
        novo_robo(batch)
    batch.itens.filter(ordem=12).update(available_at=tempo.agora + timedelta(seconds=1))
    assert prevista(batch, tempo.agora).fim == tempo.agora + timedelta(seconds=11)


def test_where_a_few_items_take_most_of_the_time_the_forecast_is_of_their_sum(tempo: Any) -> None:
    novo_host()
    batch = nova_execucao(30, max_robots=2)
    feitos(batch, [1, 1, 1, 1, 1, 1, 1, 1, 1, 91], tempo.agora)
    found = prevista(batch, tempo.agora)
    assert (found.amostra.mediana, found.amostra.media) == (1, 10)
    assert found.fim == found.ate == tempo.agora + timedelta(seconds=20 * 10 / 2)
    assert found.de == tempo.agora + timedelta(seconds=20 * 1 / 2)


def test_it_is_the_remaining_items_times_the_mean_by_the_robots_with_the_quartiles_as_range(tempo: Any) -> None:
    novo_host()
    batch = nova_execucao(25, max_robots=2)
    feitos(batch, [10, 20, 40, 60, 70], tempo.agora)
    found = prevista(batch, tempo.agora)
    assert (found.amostra.mediana, found.amostra.q1, found.amostra.q3) == (40, 20, 60)
    assert (found.faltam, found.robos) == (20, 2)
    assert found.fim == tempo.agora + timedelta(seconds=20 * 40 / 2)
    assert found.de == tempo.agora + timedelta(seconds=200) and found.ate == tempo.agora + timedelta(seconds=600)


def test_only_the_last_fifty_count_and_those_of_an_expired_session_do_not(tempo: Any) -> None:
    novo_host()
    batch = nova_execucao(80)
    feitos(batch, [900] * 10 + [30] * 50, tempo.agora)
    assert prevista(batch, tempo.agora).amostra.mediana == 30
    last = batch.itens.filter(finished_at__isnull=False).order_by("-finished_at")[:49]
    JobItem.objects.filter(pk__in=[item.pk for item in last]).update(
        status="failed", resultado="", erro_classe=ErroClasse.SESSAO_EXPIRADA
    )
    found = prevista(batch, tempo.agora).amostra
    assert (found.n, found.mediana) == (11, 900)


def test_one_visit_that_answers_many_items_is_shared_by_them(tempo: Any) -> None:
    novo_host()
    batch = nova_execucao(60, casos=20)  # three items a case, answered by one visit: the two others cost nothing
    feitos(batch, [0.0] * 30, tempo.agora)
    for item in batch.itens.filter(ordem__lte=10):
        JobItem.objects.filter(pk=item.pk).update(started_at=item.finished_at - timedelta(seconds=30))
    found = prevista(batch, tempo.agora).amostra
    assert found.por_visita == pytest.approx(1.5)
    assert found.mediana == pytest.approx(15.0)  # a visit of 30 s, two items each in the sample


@pytest.mark.parametrize("limite", ["max_robots", "portal", "credencial", "lugares", "exclusiva"])
def test_the_least_of_the_limits_says_how_many_robots_work(limite: str, tempo: Any) -> None:
    host = novo_host(places=8)
    batch = nova_execucao(100, max_robots=2 if limite == "max_robots" else 6)
    feitos(batch, [10] * 10, tempo.agora)
    if limite == "portal":
        Portal.objects.update(max_sessions=2)
    if limite == "credencial":
        Credencial.objects.update(max_sessions=2)
    if limite == "lugares":
        Host.objects.update(places=2)
    if limite == "exclusiva":
        other = nova_execucao(1)
        Host.objects.update(exclusiva=other)
        novo_host(places=2)
    assert prevista(batch, tempo.agora).robos == 2, host


def test_robots_of_others_take_their_places_and_sessions(tempo: Any, settings: Any) -> None:
    settings.EXECUCOES_SIMULTANEAS = 3
    novo_host(places=5)
    login = nova_credencial(novo_portal(max_sessions=3))
    batch, same_portal = nova_execucao(90, max_robots=9, credencial=login), nova_execucao(9, credencial=login)
    feitos(batch, [10] * 10, tempo.agora)
    novo_robo(same_portal)
    assert prevista(batch, tempo.agora).robos == 2
    Portal.objects.update(max_sessions=None)
    novo_robo(batch)
    assert prevista(batch, tempo.agora).robos == 4


def test_the_interval_of_the_portal_feeds_only_so_many_robots() -> None:
    visit = Amostra(50, media=6, mediana=6, q1=6, q3=6)
    assert efetivos(8, visit, intervalo_s=0) == 8
    assert efetivos(8, visit, intervalo_s=2) == 3  # a visit each two seconds, of six seconds
    assert efetivos(2, visit, intervalo_s=2) == 2
    assert efetivos(8, visit, intervalo_s=60) == 1
    assert efetivos(8, Amostra(50, media=3, mediana=3, q1=3, q3=3, por_visita=2), intervalo_s=2) == 3


IMPEDIR: dict[Espera, Callable[[Execucao, Any], object]] = {
    Espera.NADA: lambda batch, agora: feitos(batch, [10] * 4, agora),
    Espera.PAUSADA: lambda batch, agora: batch.pausar(),
    Espera.VEZ: lambda batch, agora: novo_robo(nova_execucao(1)),
    Espera.PORTAL: lambda batch, agora: batch.portal.abrir_disjuntor(),
    Espera.SESSOES: lambda batch, agora: Credencial.objects.update(max_sessions=0),
    Espera.SEM_MAQUINA: lambda batch, agora: Host.objects.all().delete(),
    Espera.SEM_DISCO: lambda batch, agora: Host.objects.update(disco_livre=1),
    Espera.SEM_LUGAR: lambda batch, agora: Host.objects.update(places=0),
}  # fmt: skip


@pytest.mark.parametrize("espera", list(IMPEDIR))
def test_nobody_promises_what_nobody_knows(espera: Espera, tempo: Any) -> None:
    novo_host()
    batch = nova_execucao(9)
    if espera:
        feitos(batch, [10] * 5, tempo.agora)
    IMPEDIR[espera](batch, tempo.agora)
    found = prevista(batch, tempo.agora)
    assert (found.espera, found.fim, found.inicio) == (espera, None, None)
    assert em_palavras(found, tempo.agora) == f'<span class="quiet">Sem previsão: {MOTIVOS[espera]}</span>'


def test_the_rate_is_of_the_last_five_minutes(tempo: Any) -> None:
    novo_host()
    batch = nova_execucao(40)
    feitos(batch, [10] * 20, tempo.agora)
    assert prevista(batch, tempo.agora).amostra.por_minuto == 4.0
    batch.itens.filter(ordem__lte=10).update(finished_at=tempo.agora - timedelta(minutes=6))
    assert prevista(batch, tempo.agora).amostra.por_minuto == 2.0
    Execucao.objects.update(started_at=tempo.agora - timedelta(minutes=2))
    assert prevista(batch, tempo.agora).amostra.por_minuto == 5.0  # so far there were only two minutes


def test_the_forecast_stands_still_between_two_items_and_slips_when_they_stall(tempo: Any) -> None:
    novo_host(heartbeat_at=tempo.agora + timedelta(hours=1))
    batch = nova_execucao(25)
    feitos(batch, [10] * 5, tempo.agora)
    first = prevista(batch, tempo.agora).fim
    assert prevista(batch, tempo.avancar(9)).fim == first
    assert prevista(batch, tempo.avancar(300)).fim == first + timedelta(seconds=299)


def test_what_if_there_were_more_robots() -> None:
    known, agora = Amostra(50, media=60, mediana=60, q1=30, q3=90), previsao.datetime(2026, 1, 1)
    assert simular(120, known, 4, agora).fim == agora + timedelta(minutes=30)
    assert simular(120, known, 8, agora).fim == agora + timedelta(minutes=15)
    assert simular(1, known, 8, agora).fim == agora + timedelta(minutes=1)  # one item is one robot's
    assert simular(120, Amostra(4, media=60, mediana=60), 4, agora).fim is None


def test_a_portal_s_latest_measured_execution_speaks_for_one_that_does_not_exist_yet(tempo: Any) -> None:
    login = nova_credencial()
    old, new, empty = (nova_execucao(20, credencial=login) for _ in range(3))
    feitos(old, [99] * 10, tempo.agora)
    feitos(new, [7] * 10, tempo.agora)
    feitos(empty, [500] * 2, tempo.agora)
    assert previsao.amostra_do_portal(login.portal, tempo.agora).mediana == 7
    assert not previsao.amostra_do_portal(novo_portal(), tempo.agora).basta


@pytest.mark.parametrize("lotes", [1, 30])
def test_many_forecasts_cost_three_queries(lotes: int, tempo: Any) -> None:
    novo_host()
    login = nova_credencial()
    for _ in range(lotes):
        feitos(nova_execucao(8, credencial=login), [10] * 6, tempo.agora)
    with CaptureQueriesContext(connection) as queries:
        found = previsoes(olhar(tempo.agora))
    assert len(found) == lotes and len(queries) == 3  # the batches with their samples, the robots, the machines


def test_the_words_give_the_range_and_another_day_its_date(tempo: Any) -> None:
    known = Amostra(50, media=60, mediana=60, q1=30, q3=90)
    agora = previsao.datetime.fromisoformat("2026-11-25T14:00:10-03:00")
    text = str(em_palavras(simular(60, known, 2, agora), agora))
    assert "Pronta por volta de <strong>" in text and ">14:30</time>" in text
    assert ">14:15</time> a <time" in text and ">14:45</time>)" in text
    assert ">26/11 às 02:00</time>" in str(em_palavras(simular(1440, known, 2, agora), agora))
    same = Amostra(50, media=60, mediana=60, q1=60, q3=60)
    assert "(" not in str(em_palavras(simular(60, same, 2, agora), agora))
