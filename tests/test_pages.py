"""The operators' acts: each POST works, refuses who may not, and twice changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from executions.models import Registro
from executions.panorama import Espera
from tests.factories import (
    nova_execucao,
    retrato,
)
from tests.pages import (
    HTMX,
    acao,
    batch_de,
    com_falhas,
    com_robos,
    como,
    pagina_leve,  # noqa: F401 (a fixture)
    parada,
    pausada,
    pessoa,
    textos,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]


# ---- the acts: each POST in five ways, and more ----------------------------------------------------------------------
ACOES: dict[str, tuple[Callable[[], Any], str, str]] = {
    # name: (what it is done to, what is said the first time, and the second)
    "iniciar": (parada, "2 robôs pedidos.", "Nenhum robô novo foi pedido. Já tem todos os robôs de que precisa."),
    "pausar": (parada, "Execução pausada.", "Nada mudou: a execução já estava pausada"),
    "retomar": (pausada, "Execução retomada.", "Nada mudou: a execução não estava pausada."),
    "encerrar": (parada, "Execução encerrada.", "Nada mudou: a execução já tinha terminado."),
    "reabrir": (com_falhas, "3 falhas reabertas.", "Nada mudou: não há falhas a reabrir."),
    "encerrar_robo": (com_robos, "encerramento pedido.", "já terminou ou já está sendo parado."),
    "reiniciar_robo": (com_robos, "reinício pedido.", "já terminou ou já está sendo parado."),
}
todas_as_acoes = pytest.mark.parametrize("nome", ACOES)


@todas_as_acoes
def test_an_act_works_says_so_and_twice_changes_nothing(nome: str) -> None:
    make, first_words, second_words = ACOES[nome]
    alvo, client = make(), como("Operadores")
    page = reverse("executions:execucao", args=[batch_de(alvo).pk])
    before = retrato(batch_de(alvo))

    first = client.post(acao(nome, alvo))
    after = retrato(batch_de(alvo))
    assert (first.status_code, first["Location"]) == (302, page)
    assert first_words in textos(first)[-1]
    assert after != before

    lines = Registro.objects.count()
    second = client.post(acao(nome, alvo))
    assert (second.status_code, second["Location"]) == (302, page)
    assert second_words in textos(second)[-1]
    assert retrato(batch_de(alvo)) == after
    assert Registro.objects.count() == lines


@todas_as_acoes
def test_an_act_refuses_get(nome: str) -> None:
    alvo = ACOES[nome][0]()
    assert como("Operadores").get(acao(nome, alvo)).status_code == 405


@todas_as_acoes
def test_an_act_sends_the_anonymous_to_the_login_and_back_to_a_page(nome: str) -> None:
    alvo = ACOES[nome][0]()
    before = retrato(batch_de(alvo))
    response = Client().post(acao(nome, alvo))
    assert (response.status_code, response["Location"]) == (302, "/entrar/?next=/")
    assert retrato(batch_de(alvo)) == before


@todas_as_acoes
def test_an_act_is_refused_without_its_permission(nome: str) -> None:
    alvo = ACOES[nome][0]()
    before = retrato(batch_de(alvo))
    response = como("Leitores").post(acao(nome, alvo))
    assert response.status_code == 403
    assert "não tem permissão" in response.content.decode()
    assert retrato(batch_de(alvo)) == before


@todas_as_acoes
def test_an_act_is_refused_without_the_csrf_token(nome: str) -> None:
    alvo = ACOES[nome][0]()
    client = Client(enforce_csrf_checks=True)
    client.force_login(pessoa("Operadores"))
    before = retrato(batch_de(alvo))
    response = client.post(acao(nome, alvo))
    assert response.status_code == 403
    assert "O formulário ficou velho" in response.content.decode()
    assert retrato(batch_de(alvo)) == before


@todas_as_acoes
def test_an_act_answers_htmx_with_a_redirect_of_the_whole_page(nome: str) -> None:
    alvo = ACOES[nome][0]()
    response = como("Operadores").post(acao(nome, alvo), headers=HTMX)
    page = reverse("executions:execucao", args=[batch_de(alvo).pk])
    assert (response.status_code, response["HX-Redirect"]) == (204, page)


@todas_as_acoes
def test_an_act_keeps_who_did_it(nome: str) -> None:
    alvo, user, client = ACOES[nome][0](), pessoa("Operadores"), Client()
    client.force_login(user)
    client.post(acao(nome, alvo))
    line = Registro.objects.filter(execucao=batch_de(alvo)).first()
    assert line is not None
    assert line.usuario == user


@pytest.mark.parametrize("nome", ["iniciar", "pausar", "retomar", "encerrar", "reabrir"])
def test_an_act_on_what_does_not_exist_is_404(nome: str) -> None:
    assert como("Operadores").post(reverse(f"executions:{nome}", args=[999_999])).status_code == 404


def test_iniciar_says_what_the_execution_waits_for() -> None:
    batch = nova_execucao(1)
    response = como("Operadores").post(acao("iniciar", batch))
    assert textos(response) == [f"Nenhum robô novo foi pedido. {Espera.SEM_MAQUINA.label}"]
