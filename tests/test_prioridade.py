"""The priority of a batch orders the queue: who is first when a turn or a place is free. Nothing is preempted."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from executions.models import Execucao, Prioridade, Processo, Registro
from executions.panorama import Espera, Panorama
from executions.robos import Pedido, pedir_em_ordem, pedir_robos
from tests.api import FILED, TODAS, Api, certo, problema
from tests.factories import nova_credencial, nova_execucao, novo_host, novo_portal, novo_robo, retrato
from tests.pages import (
    HTMX,
    como,
    pagina_leve,  # noqa: F401 (a fixture)
    pessoa,
    textos,
)
from workers import scheduler

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
ALTA, NORMAL, BAIXA = Prioridade.ALTA, Prioridade.NORMAL, Prioridade.BAIXA


def _servidas() -> list[int]:
    return list(Processo.objects.order_by("pk").values_list("execucao_id", flat=True))


def _termina(robo: Processo) -> None:
    assert robo.terminar("exited", motivo="concluido", item="devolver")


def test_the_queue_goes_by_priority_and_then_by_arrival() -> None:
    batches = [nova_execucao(1, prioridade=p) for p in (NORMAL, BAIXA, ALTA, NORMAL, ALTA)]
    order = list(Execucao.objects.abertas().em_ordem())
    assert order == [batches[n] for n in (2, 4, 0, 3, 1)]


def test_the_tick_gives_a_free_turn_to_the_most_urgent() -> None:
    novo_host()
    nova_execucao(1)
    urgent = nova_execucao(1, prioridade=ALTA)
    assert scheduler.step() == 1
    assert _servidas() == [urgent.pk]


def test_the_tick_gives_the_last_place_to_the_most_urgent(settings: Any) -> None:
    settings.EXECUCOES_SIMULTANEAS = 5
    novo_host(places=2)
    low, urgent = nova_execucao(2, max_robots=2, prioridade=BAIXA), nova_execucao(2, max_robots=2, prioridade=ALTA)
    assert pedir_em_ordem() == 2
    assert _servidas() == [urgent.pk, urgent.pk]
    assert pedir_robos(low.pk) == Pedido(0, Espera.SEM_LUGAR)


def test_who_is_at_work_is_not_sent_away_for_a_more_urgent_one() -> None:
    low = nova_execucao(4, prioridade=BAIXA)
    robo = novo_robo(low)
    urgent = nova_execucao(1, prioridade=ALTA)
    before = retrato(low)
    assert pedir_em_ordem() == 0
    assert retrato(low) == before
    assert pedir_robos(urgent.pk) == Pedido(0, Espera.VEZ)
    _termina(robo)
    assert pedir_em_ordem() == 1
    assert _servidas() == [low.pk, urgent.pk]


def test_an_urgent_one_that_cannot_start_holds_nobody_up() -> None:
    novo_host()
    urgent = nova_execucao(1, credencial=nova_credencial(novo_portal()), prioridade=ALTA)
    urgent.credencial.bloquear()
    low = nova_execucao(1, prioridade=BAIXA)
    assert pedir_em_ordem() == 1
    assert _servidas() == [low.pk]


def test_the_tick_ends_a_batch_whose_credential_was_refused_even_while_it_waits_for_its_turn() -> None:
    novo_robo(nova_execucao(1))
    refused = nova_execucao(2)
    refused.credencial.recusar()
    assert pedir_em_ordem() == 0
    refused.refresh_from_db()
    assert (refused.status, refused.motivo_classe) == ("error", "credencial_recusada")


def test_a_tick_over_a_long_queue_costs_as_many_questions_as_over_a_short_one(
    django_assert_max_num_queries: Any,
) -> None:
    novo_robo(nova_execucao(1))
    for _ in range(60):
        nova_execucao(1)
    with django_assert_max_num_queries(5):
        assert pedir_em_ordem() == 0


def test_a_robot_asked_for_is_counted_in_the_same_look(tempo: Any) -> None:
    host = novo_host(places=1)
    batch = nova_execucao(2, max_robots=2)
    look = Panorama.ler(tempo.agora)
    assert look.lugar_para(batch) == host
    look.contar(Processo.objects.pedir(batch, host, tempo.agora))
    assert look.lugar_para(batch) is None
    assert look.falta_lugar(batch) == Espera.SEM_LUGAR


def test_only_the_three_priorities_are_stored() -> None:
    batch = nova_execucao(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Execucao.objects.filter(pk=batch.pk).update(prioridade=7)
    with pytest.raises(ValueError, match="7"):
        batch.definir_prioridade(7)


# ---- where it is set ------------------------------------------------------------------------------------------------
def _url(batch: Execucao) -> str:
    return reverse("executions:priorizar", args=[batch.pk])


def test_the_page_changes_it_says_so_and_twice_changes_nothing() -> None:
    batch, user, client = nova_execucao(1), pessoa("Operadores"), Client()
    client.force_login(user)
    first = client.post(_url(batch), {"prioridade": "alta"})
    assert (first.status_code, first["Location"]) == (302, f"/execucoes/{batch.pk}/")
    assert "começa antes" in textos(first)[-1]
    batch.refresh_from_db()
    assert batch.prioridade == ALTA
    line = Registro.objects.latest("pk")
    assert (line.evento, line.mensagem, line.usuario) == ("prioridade", "Prioridade: alta.", user)
    second = client.post(_url(batch), {"prioridade": "alta"})
    assert "Nada mudou" in textos(second)[-1]
    assert Registro.objects.latest("pk") == line


def test_the_form_shows_the_present_priority_to_who_may_change_it() -> None:
    batch = nova_execucao(1, prioridade=BAIXA)
    page = f"/execucoes/{batch.pk}/"
    assert '<option value="baixa" selected>Baixa</option>' in como("Operadores").get(page).content.decode()
    assert 'name="prioridade"' not in como("Leitores").get(page).content.decode()


def test_the_page_refuses_get_the_anonymous_the_reader_and_nonsense() -> None:
    batch = nova_execucao(1)
    before = retrato(batch)
    assert como("Operadores").get(_url(batch)).status_code == 405
    assert Client().post(_url(batch), {"prioridade": "alta"})["Location"] == "/entrar/?next=/"
    assert como("Leitores").post(_url(batch), {"prioridade": "alta"}).status_code == 403
    for nonsense in ({}, {"prioridade": "urgente"}, {"prioridade": "1"}):
        assert "desconhecida" in textos(como("Operadores").post(_url(batch), nonsense))[-1]
    response = como("Operadores").post(_url(batch), headers=HTMX)
    assert (response.status_code, response["HX-Redirect"]) == (204, f"/execucoes/{batch.pk}/")
    assert retrato(batch) == before


def test_an_ended_batch_keeps_its_priority() -> None:
    batch = nova_execucao(1)
    batch.encerrar()
    assert batch.definir_prioridade(ALTA) is False
    batch.refresh_from_db()
    assert batch.prioridade == NORMAL


def test_enqueue_takes_the_word_and_without_it_the_batch_is_normal() -> None:
    nova_credencial()
    api = Api(*TODAS)
    bodies = [{"files": [FILED]}, {"files": [FILED], "prioridade": "alta"}]
    numbers = [certo(api.post("/enqueue", body))["execucao"] for body in bodies]
    assert [Execucao.objects.get(pk=n).prioridade for n in numbers] == [NORMAL, ALTA]
    problema(api.post("/enqueue", {"files": [FILED], "prioridade": "urgente"}), 422)


def test_runrobots_enqueues_with_the_word(monkeypatch: pytest.MonkeyPatch) -> None:
    nova_credencial()
    seen: list[Execucao] = []
    monkeypatch.setattr("workers.batch.run", lambda execucao, **_: seen.append(execucao))
    with pytest.raises(SystemExit):
        call_command("runrobots", FILED, "--prioridade", "baixa")
    assert [batch.prioridade for batch in seen] == [BAIXA]


def test_runrobots_refuses_an_unknown_priority() -> None:
    with pytest.raises(CommandError, match="urgente"):
        call_command("runrobots", "x.pdf", "--prioridade", "urgente")


def test_the_admin_changes_it_through_the_verb() -> None:
    batch = nova_execucao(1)
    client = Client()
    client.force_login(pessoa("Supervisores", is_staff=True))
    url = reverse("admin:executions_execucao_change", args=[batch.pk])
    response = client.post(url, {"titulo": "", "max_robots": "1", "prioridade": "1", "destinos": []})
    assert response.status_code == 302
    batch.refresh_from_db()
    assert batch.prioridade == ALTA
    assert Registro.objects.latest("pk").mensagem == "Prioridade: alta."
