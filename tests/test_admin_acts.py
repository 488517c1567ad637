"""The admin's acts: what kills names what dies first, and each is offered only to whom may do it."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from executions.models import (
    Credencial,
    Execucao,
    Processo,
)
from executions.panorama import Espera
from tests.admin_pages import (
    agir,
    da_equipe,
    ficha,
    lista,
    stock_templates,  # noqa: F401 (a fixture)
    um_mundo,
)
from tests.factories import (
    contadores,
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_robo,
    retrato,
)
from tests.pages import (
    pagina_leve,  # noqa: F401 (a fixture)
    textos,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]


@pytest.fixture
def chefe() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chefe"))
    return client


# ---- acts on executions ---------------------------------------------------------------------------------------------
def test_iniciar_worker_asks_for_robots_and_says_how_many(chefe: Client) -> None:
    novo_host()
    batch = nova_execucao(3, max_robots=2)
    assert textos(agir(chefe, "iniciar_worker", batch)) == [f"Execução {batch.pk}: 2 robôs pedidos."]
    assert batch.processos.vivos().count() == 2
    again = textos(agir(chefe, "iniciar_worker", batch))[-1]
    assert again == f"Execução {batch.pk}: Nenhum robô novo foi pedido. {Espera.COMPLETA.label}"
    assert batch.processos.vivos().count() == 2


def test_iniciar_worker_says_what_an_execution_waits_for(chefe: Client) -> None:
    batch = nova_execucao(1)
    text = f"Execução {batch.pk}: Nenhum robô novo foi pedido. {Espera.SEM_MAQUINA.label}"
    assert textos(agir(chefe, "iniciar_worker", batch)) == [text]


def test_pausar_and_retomar_say_how_many_changed(chefe: Client) -> None:
    one, two = nova_execucao(1), nova_execucao(1)
    two.pausar()
    assert "1 execução pausada. 1 não precisava" in textos(agir(chefe, "pausar", one, two))[0]
    assert textos(agir(chefe, "retomar", one, two))[-1] == "2 execuções retomadas."
    one.refresh_from_db()
    assert not one.pausada


def test_reabrir_falhas_says_how_many(chefe: Client) -> None:
    batch = nova_execucao(3)
    batch.encerrar()
    assert textos(agir(chefe, "reabrir_falhas", batch)) == ["3 falhas reabertas."]
    assert textos(agir(chefe, "reabrir_falhas", batch))[-1] == "Nada mudou: não há falhas a reabrir."


def test_encerrar_names_what_dies_first_and_kills_when_confirmed(chefe: Client) -> None:
    batch = um_mundo(1)
    other = nova_execucao(2)
    before = retrato(batch)
    html = agir(chefe, "encerrar", batch).content.decode()
    assert f"Execução {batch.pk}: Petições" in html
    assert "2 itens abertos (1 em mãos de robôs) falham" in html
    for robo in batch.processos.all():
        assert f"PID {robo.pid} em {robo.host}" in html
    assert retrato(batch) == before

    assert textos(agir(chefe, "encerrar", batch, confirmado=True)) == ["1 execução encerrada."]
    assert contadores(batch) == (0, 0, 0, 3)
    assert not batch.processos.filter(kill_requested_at=None).exists()
    other.refresh_from_db()
    assert other.aberta


def test_encerrar_leaves_out_what_has_ended_and_says_so(chefe: Client) -> None:
    ended, batch = nova_execucao(1), nova_execucao(1)
    ended.encerrar()
    html = agir(chefe, "encerrar", ended, batch).content.decode()
    assert "Encerrar 1 execução?" in html
    assert "1 escolhida já terminou: nada muda nela." in html
    assert textos(agir(chefe, "encerrar", ended)) == ["Nada a encerrar: as execuções escolhidas já terminaram."]


def test_encerrar_todos_ignores_the_selection_and_says_so_with_exact_counts(chefe: Client) -> None:
    um_mundo(2)
    chosen = nova_execucao(1)
    html = agir(chefe, "encerrar_todos", chosen).content.decode()
    assert "A seleção é ignorada: tudo o que está aberto termina, 3 execuções e 4 processos." in html
    assert "Encerrar 3 execuções e 4 processos" in html
    for robo in Processo.objects.vivos():
        assert f"PID {robo.pid} em {robo.host}" in html
    assert Execucao.objects.abertas().count() == 3

    response = agir(chefe, "encerrar_todos", chosen, confirmado=True)
    assert textos(response) == ["3 execuções encerradas; parada pedida a 4 processos."]
    assert not Execucao.objects.abertas().exists()
    assert not Processo.objects.vivos().filter(kill_requested_at=None).exists()


# ---- acts on processes ----------------------------------------------------------------------------------------------
def test_encerrar_robo_names_its_item_and_fails_it_when_confirmed(chefe: Client) -> None:
    batch = um_mundo(1)
    robo = batch.processos.get(itens__status="running")
    html = agir(chefe, "encerrar_robo", robo).content.decode()
    assert f"PID {robo.pid} em {robo.host}, da execução {batch.pk}, com caso-1 em mãos: o item falha" in html
    assert textos(agir(chefe, "encerrar_robo", robo, confirmado=True)) == ["1 robô: encerramento pedido."]
    assert contadores(batch) == (1, 0, 0, 2)
    assert textos(agir(chefe, "encerrar_robo", robo, confirmado=True))[-1].startswith("Nada a encerrar")


def test_encerrar_the_last_robot_says_that_the_execution_ends(chefe: Client) -> None:
    batch = nova_execucao(2)
    robo = novo_robo(batch)
    html = agir(chefe, "encerrar_robo", robo).content.decode()
    assert "nenhum outro fica, a execução termina e 2 itens abertos falham." in html


def test_encerrar_all_robots_of_an_execution_says_that_it_ends(chefe: Client) -> None:
    batch = um_mundo(1)
    html = agir(chefe, "encerrar_robo", *batch.processos.all()).content.decode()
    assert html.count("nenhum outro fica, a execução termina e 2 itens abertos falham.") == 2
    assert textos(agir(chefe, "encerrar_robo", *batch.processos.all(), confirmado=True)) == [
        "2 robôs: encerramento pedido."
    ]
    batch.refresh_from_db()
    assert not batch.aberta


def test_reiniciar_robo_gives_its_item_back_when_confirmed(chefe: Client) -> None:
    batch = um_mundo(1)
    robo = batch.processos.get(itens__status="running")
    assert "o item volta a pendente" in agir(chefe, "reiniciar_robo", robo).content.decode()
    assert contadores(batch) == (1, 1, 0, 1)
    assert textos(agir(chefe, "reiniciar_robo", robo, confirmado=True)) == ["1 robô: reinício pedido."]
    assert contadores(batch) == (2, 0, 0, 1)


# ---- who may --------------------------------------------------------------------------------------------------------
ACOES_DE_EXECUCAO = {
    "iniciar": {"iniciar_worker", "pausar", "retomar"},
    "encerrar": {"encerrar"},
    "encerrar_todos": {"encerrar_todos"},
    "reabrir": {"reabrir_falhas"},
}
ACOES_DE_PROCESSO = {"encerrar_robo", "reiniciar_robo", "cancelar_script", "encerrar_script"}


def _oferecidas(client: Client, model: Any) -> set[str]:
    html = client.get(lista(model)).content.decode()
    select = re.search(r'<select name="action".*?</select>', html, re.DOTALL)
    return set(re.findall(r'value="([a-z_]+)"', select[0])) if select else set()


@pytest.mark.parametrize("permissao", ACOES_DE_EXECUCAO)
def test_each_permission_offers_just_its_own_acts(permissao: str) -> None:
    nova_execucao(1)
    client = da_equipe(permissoes=("view_execucao", permissao))
    assert _oferecidas(client, Execucao) == ACOES_DE_EXECUCAO[permissao]


@pytest.mark.parametrize(
    ("grupo", "execucao", "processo"),
    [
        ("Leitores", set(), set()),
        ("Operadores", {"iniciar", "encerrar", "reabrir"}, ACOES_DE_PROCESSO),
        ("Supervisores", {"iniciar", "encerrar", "reabrir", "encerrar_todos"}, ACOES_DE_PROCESSO),
    ],
)
def test_each_group_is_offered_just_what_it_may(grupo: str, execucao: set[str], processo: set[str]) -> None:
    um_mundo(1)
    client = da_equipe(grupo)
    expected: set[str] = set().union(*(ACOES_DE_EXECUCAO[name] for name in execucao))
    assert _oferecidas(client, Execucao) == expected
    assert _oferecidas(client, Processo) == processo


@pytest.mark.parametrize("acao", sorted(set().union(*ACOES_DE_EXECUCAO.values())))
def test_an_act_on_executions_is_refused_without_its_permission(acao: str) -> None:
    batch = um_mundo(1)
    before = retrato(batch)
    agir(da_equipe("Leitores"), acao, batch, confirmado=True)
    assert retrato(batch) == before


@pytest.mark.parametrize("acao", ["encerrar_robo", "reiniciar_robo"])
def test_an_act_on_robots_is_refused_without_its_permission(acao: str) -> None:
    batch = um_mundo(1)
    before = retrato(batch)
    agir(da_equipe("Leitores"), acao, batch.processos.first(), confirmado=True)
    assert retrato(batch) == before


@pytest.mark.parametrize("grupo", ["Leitores", "Operadores"])
def test_credentials_are_for_supervisors_only(grupo: str) -> None:
    credencial = nova_credencial()
    client = da_equipe(grupo)
    assert client.get(lista(Credencial)).status_code == 403
    assert client.get(ficha(credencial)).status_code == 403
    assert client.post(ficha(credencial), {"usuario": "x", "senha": "y"}).status_code == 403
    assert da_equipe("Supervisores").get(ficha(credencial)).status_code == 200


def test_who_is_not_staff_does_not_enter_the_admin() -> None:
    user = User.objects.create_user("fora")
    user.groups.add(Group.objects.get(name="Supervisores"))
    client = Client()
    client.force_login(user)
    assert client.get(lista(Execucao))["Location"].startswith("/admin/login/")
