"""What the operators' pages show, to whom, and what they say before an act kills."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from executions import clock
from executions.models import Execucao, Processo, Registro
from executions.panorama import Espera
from executions.results import ErroClasse, Resposta, Resultado
from tests.factories import (
    nova_execucao,
    novo_host,
    novo_portal,
    novo_robo,
    retrato,
    tomado,
)
from tests.pages import (
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


# ---- who sees what --------------------------------------------------------------------------------------------------
def test_a_page_sends_the_anonymous_to_the_login_and_back() -> None:
    batch = nova_execucao(1)
    for url in ["/", f"/execucoes/{batch.pk}/", f"/execucoes/{batch.pk}/encerrar/confirmar"]:
        response = Client().get(url)
        assert (response.status_code, response["Location"]) == (302, f"/entrar/?next={url}")


def test_a_page_refuses_who_may_not_see_executions() -> None:
    batch = nova_execucao(1)
    for url in ["/", f"/execucoes/{batch.pk}/"]:
        response = como("").get(url)
        assert response.status_code == 403
        assert "Sua conta não tem permissão" in response.content.decode()


@pytest.mark.parametrize("grupo", ["Leitores", "Operadores", "Supervisores"])
def test_every_group_sees_the_pages(grupo: str) -> None:
    robo = com_robos()
    client = como(grupo)
    assert "Painel" in client.get("/").content.decode()
    assert f"PID {robo.pid}" in client.get(f"/execucoes/{robo.execucao_id}/").content.decode()


def test_a_robot_has_the_same_name_on_every_page_before_and_after_it_has_a_pid() -> None:
    robo = com_robos()
    client = como("Supervisores")
    pages = ["/", f"/execucoes/{robo.execucao_id}/", "/processos/", "/processos/encerrar/confirmar", "/maquinas/",
             f"/robos/{robo.uuid}/"]  # fmt: skip
    for pid in (robo.pid, None):
        Processo.objects.filter(pk=robo.pk).update(pid=pid)
        for page in pages:
            assert f"Robô {robo.pk}" in client.get(page).content.decode(), (page, pid)
    assert f"Encerrar o robô {robo.pk}?" in client.get(f"/robos/{robo.uuid}/encerrar/confirmar").content.decode()


def test_a_reader_is_offered_no_act() -> None:
    robo = com_robos()
    tomado(robo.execucao, None).falhar("navegador", "caiu")  # type: ignore[arg-type]
    html = como("Leitores").get(f"/execucoes/{robo.execucao_id}/").content.decode()
    assert "1 × Falha do navegador" in html
    for word in ["Pausar", "Encerrar…", "Reiniciar…", "Reabrir"]:
        assert word not in html.replace("Pausar a atualização automática", "")


@pytest.mark.parametrize("url", ["encerrar/confirmar", "robo/encerrar", "robo/reiniciar"])
def test_a_reader_does_not_reach_the_confirmation_pages(url: str) -> None:
    robo = com_robos()
    path = (
        f"/robos/{robo.uuid}/{url[5:]}/confirmar" if url.startswith("robo") else f"/execucoes/{robo.execucao_id}/{url}"
    )
    assert como("Leitores").get(path).status_code == 403


def ja_pedida() -> Execucao:
    batch = parada()
    novo_robo(batch, status="requested")
    return batch


@pytest.mark.parametrize(
    ("make", "offered"),
    [
        (parada, ["Iniciar", "Pausar", "Encerrar…"]),
        (ja_pedida, ["Pausar", "Encerrar…"]),
        (pausada, ["Retomar", "Encerrar…"]),
        (com_falhas, ["Reabrir 3 falhas"]),
    ],
)
def test_only_the_acts_that_apply_are_offered(make: Callable[[], Execucao], offered: list[str]) -> None:
    html = como("Operadores").get(f"/execucoes/{make().pk}/").content.decode()
    region = html[html.index('id="acoes"') : html.index('id="exportar"')]
    assert re.findall(r"</svg>([^<]+)</(?:button|a)>", region) == offered


def test_the_login_page_lets_in_who_is_not_staff_and_goes_back() -> None:
    user = pessoa("Leitores")
    page = Client().get("/entrar/?next=/execucoes/1/")
    assert 'name="next" value="/execucoes/1/"' in page.content.decode()
    response = Client().post("/entrar/", {"username": user.username, "password": "x", "next": "/execucoes/1/"})
    assert (response.status_code, response["Location"]) == (302, "/execucoes/1/")


def test_the_login_page_says_that_a_password_is_wrong_and_never_repeats_it() -> None:
    html = Client().post("/entrar/", {"username": "a", "password": "senha-errada"}).content.decode()
    assert "Usuário ou senha incorretos." in html
    assert "senha-errada" not in html


def test_sair_is_a_post_and_ends_the_session() -> None:
    client = como("Leitores")
    assert client.get("/sair/").status_code == 405
    assert client.post("/sair/")["Location"] == "/entrar/"
    assert client.get("/").status_code == 302


def test_healthz_answers_without_a_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        response = Client().get("/healthz/live")
    assert (response.status_code, response.content) == (200, b"ok")


# ---- what they show -------------------------------------------------------------------------------------------------
def test_the_panel_says_that_no_host_is_alive_and_what_to_type() -> None:
    novo_host(heartbeat_at=clock.db_now() - timedelta(hours=1))
    html = como("Leitores").get("/").content.decode()
    assert "Nenhuma máquina de robôs está ligada." in html
    assert "python manage.py runrobots" in html


def test_the_panel_names_a_portal_that_is_down() -> None:
    novo_host()
    novo_portal(nome="Projudi X").abrir_disjuntor()
    html = como("Leitores").get("/").content.decode()
    assert "<b>Projudi X não responde.</b>" in html
    assert "Nenhuma máquina de robôs" not in html


def test_the_panel_shows_progress_robots_and_why_each_execution_waits() -> None:
    running = nova_execucao(4, max_robots=2, titulo="Primeira")
    tomado(running).concluir(Resposta(Resultado.NAO_LOCALIZADA))
    nova_execucao(2, titulo="Segunda")
    html = como("Leitores").get("/").content.decode()
    assert f"#{running.pk} Primeira" in html
    assert "<b>1</b> não localizada</a>" in html and "<b>3</b> pendentes</a>" in html
    assert "<b>1</b> de 2 robôs" in html
    assert str(Espera.VEZ.label) in html


def test_the_execution_page_counts_each_item_once() -> None:
    batch = nova_execucao(6)
    robo = novo_robo(batch)
    for answer in [Resultado.PROTOCOLADA, Resultado.NAO_LOCALIZADA, Resultado.POSSIVEL]:
        tomado(batch, robo).concluir(Resposta(answer))
    tomado(batch, robo).falhar(ErroClasse.TEMPO_ESGOTADO, "Passou de 20 s.")
    tomado(batch, robo)
    html = como("Leitores").get(f"/execucoes/{batch.pk}/").content.decode()
    assert "1 protocolada, 1 não localizada, 1 a conferir, 1 falha, 1 em andamento, 1 pendente" in html
    assert "<strong>4 de 6</strong> verificados, 66%" in html
    assert "Falhou: tempo esgotado" in html and "Passou de 20 s." in html and "sem resposta" in html


def test_what_operators_and_portals_wrote_is_escaped() -> None:
    batch = nova_execucao(1, titulo="<script>alert(1)</script>")
    robo = novo_robo(batch, passo="<b>passo</b>")
    tomado(batch, robo).falhar(ErroClasse.NAVEGADOR, "<img src=x>")
    Registro.objects.anotar("x", "<i>linha</i>", execucao=batch)
    for url in ["/", f"/execucoes/{batch.pk}/"]:
        html = como("Operadores").get(url).content.decode()
        for dangerous in ["<script>alert", "<b>passo", "<img src=x", "<i>linha"]:
            assert dangerous not in html


def test_pages_carry_no_inline_script_nor_style() -> None:
    robo = com_robos()
    paths = ["/", f"/execucoes/{robo.execucao_id}/", f"/robos/{robo.uuid}/encerrar/confirmar", "/entrar/", "/nada/"]
    for path in paths:
        html = como("Operadores").get(path).content.decode()
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=|hx-on", html), path


# ---- confirmation ---------------------------------------------------------------------------------------------------
def test_the_confirmation_names_what_dies_and_changes_nothing() -> None:
    robo = com_robos()
    batch = batch_de(robo)
    before = retrato(batch)
    html = como("Operadores").get(f"/execucoes/{batch.pk}/encerrar/confirmar").content.decode()
    for other in batch.processos.all():
        assert f"PID {other.pid} em {other.host}" in html
    assert "4 itens falham" in html and "<dt>Em mãos de robôs</dt><dd>1</dd>" in html
    assert "Encerrar 2 robôs" in html
    assert retrato(batch) == before


def test_the_confirmation_of_the_last_robot_says_that_the_execution_ends() -> None:
    batch = nova_execucao(4)
    robo = novo_robo(batch)
    html = como("Operadores").get(f"/robos/{robo.uuid}/encerrar/confirmar").content.decode()
    assert f"É o último robô: <b>a execução #{batch.pk} termina</b> e 4 itens abertos falham" in html


def test_the_confirmation_of_a_robot_says_that_the_maximum_goes_down() -> None:
    robo = com_robos()
    html = como("Operadores").get(f"/robos/{robo.uuid}/encerrar/confirmar").content.decode()
    assert f"O máximo de robôs da execução #{robo.execucao_id} passa de 2 para 1." in html


def test_the_confirmation_of_a_robot_that_outlived_its_execution_does_not_say_that_it_ends() -> None:
    batch = nova_execucao(1)
    robo = novo_robo(batch)
    tomado(batch, robo).concluir(Resposta(Resultado.PROTOCOLADA))
    page = como("Operadores").get(f"/robos/{robo.uuid}/encerrar/confirmar").content.decode()
    html = page.split('confirma"')[1]
    assert "termina" not in html and "passa de" not in html
    assert f"PID {robo.pid}" in html


def test_the_confirmation_of_what_has_ended_says_so_and_goes_back() -> None:
    batch = com_falhas()
    response = como("Operadores").get(f"/execucoes/{batch.pk}/encerrar/confirmar")
    assert (response.status_code, response["Location"]) == (302, f"/execucoes/{batch.pk}/")
    assert textos(response) == ["Nada mudou: a execução já tinha terminado."]
