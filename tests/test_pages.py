"""The operators' pages: who may do what, what they show, and a poll that costs little and never lies."""

import random
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executions import clock, robos
from executions.models import Execucao, Host, Processo, Registro
from executions.results import ErroClasse, Resposta, Resultado
from executions.robos import Espera
from executions.views.panorama import Panorama
from tests.factories import (
    contadores,
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_portal,
    novo_robo,
    retrato,
    tomado,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos")]
OWN_QUERIES = 6  # of a poll
AUTH_QUERIES = 4  # the session, the user, the person's own permissions and those of the groups
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = False


def pessoa(grupo: str = "", **campos: Any) -> User:
    user = User.objects.create_user(f"{grupo.lower() or 'ninguem'}{User.objects.count()}", password="x", **campos)
    if grupo:
        user.groups.add(Group.objects.get(name=grupo))
    return user


def como(grupo: str) -> Client:
    client = Client()
    client.force_login(pessoa(grupo))
    return client


def textos(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def acao(nome: str, alvo: Execucao | Processo) -> str:
    return reverse(f"executions:{nome}", args=[alvo.uuid if isinstance(alvo, Processo) else alvo.pk])


# ---- the acts: each POST in five ways -------------------------------------------------------------------------------
def _parada() -> Execucao:
    novo_host()
    return nova_execucao(3, max_robots=2)


def _pausada() -> Execucao:
    batch = _parada()
    batch.pausar()
    return batch


def _com_falhas() -> Execucao:
    batch = nova_execucao(3)
    batch.encerrar()
    return batch


def _com_robos() -> Processo:
    batch = nova_execucao(4, max_robots=2)
    novo_robo(batch)
    robo = novo_robo(batch)
    tomado(batch, robo)
    return robo


ACOES: dict[str, tuple[Callable[[], Any], str, str]] = {
    # name: (what it is done to, what is said the first time, and the second)
    "iniciar": (_parada, "2 robôs pedidos.", "Nenhum robô novo foi pedido. Já tem todos os robôs de que precisa."),
    "pausar": (_parada, "Execução pausada.", "Nada mudou: a execução já estava pausada"),
    "retomar": (_pausada, "Execução retomada.", "Nada mudou: a execução não estava pausada."),
    "encerrar": (_parada, "Execução encerrada.", "Nada mudou: a execução já tinha terminado."),
    "reabrir": (_com_falhas, "3 falhas reabertas.", "Nada mudou: não há falhas a reabrir."),
    "encerrar_robo": (_com_robos, "encerramento pedido.", "já terminou ou já está sendo parado."),
    "reiniciar_robo": (_com_robos, "reinício pedido.", "já terminou ou já está sendo parado."),
}
todas_as_acoes = pytest.mark.parametrize("nome", ACOES)


def _batch(alvo: Any) -> Execucao:
    return alvo.execucao if isinstance(alvo, Processo) else alvo


@todas_as_acoes
def test_an_act_works_says_so_and_twice_changes_nothing(nome: str) -> None:
    make, first_words, second_words = ACOES[nome]
    alvo, client = make(), como("Operadores")
    page = reverse("executions:execucao", args=[_batch(alvo).pk])
    before = retrato(_batch(alvo))

    first = client.post(acao(nome, alvo))
    after = retrato(_batch(alvo))
    assert (first.status_code, first["Location"]) == (302, page)
    assert first_words in textos(first)[-1]
    assert after != before

    lines = Registro.objects.count()
    second = client.post(acao(nome, alvo))
    assert (second.status_code, second["Location"]) == (302, page)
    assert second_words in textos(second)[-1]
    assert retrato(_batch(alvo)) == after
    assert Registro.objects.count() == lines


@todas_as_acoes
def test_an_act_refuses_get(nome: str) -> None:
    alvo = ACOES[nome][0]()
    assert como("Operadores").get(acao(nome, alvo)).status_code == 405


@todas_as_acoes
def test_an_act_sends_the_anonymous_to_the_login_and_back_to_a_page(nome: str) -> None:
    alvo = ACOES[nome][0]()
    before = retrato(_batch(alvo))
    response = Client().post(acao(nome, alvo))
    assert (response.status_code, response["Location"]) == (302, "/entrar/?next=/")
    assert retrato(_batch(alvo)) == before


@todas_as_acoes
def test_an_act_is_refused_without_its_permission(nome: str) -> None:
    alvo = ACOES[nome][0]()
    before = retrato(_batch(alvo))
    response = como("Leitores").post(acao(nome, alvo))
    assert response.status_code == 403
    assert "não tem permissão" in response.content.decode()
    assert retrato(_batch(alvo)) == before


@todas_as_acoes
def test_an_act_is_refused_without_the_csrf_token(nome: str) -> None:
    alvo = ACOES[nome][0]()
    client = Client(enforce_csrf_checks=True)
    client.force_login(pessoa("Operadores"))
    before = retrato(_batch(alvo))
    response = client.post(acao(nome, alvo))
    assert response.status_code == 403
    assert "O formulário ficou velho" in response.content.decode()
    assert retrato(_batch(alvo)) == before


@todas_as_acoes
def test_an_act_answers_htmx_with_a_redirect_of_the_whole_page(nome: str) -> None:
    alvo = ACOES[nome][0]()
    response = como("Operadores").post(acao(nome, alvo), headers=HTMX)
    page = reverse("executions:execucao", args=[_batch(alvo).pk])
    assert (response.status_code, response["HX-Redirect"]) == (204, page)


@todas_as_acoes
def test_an_act_keeps_who_did_it(nome: str) -> None:
    alvo, user, client = ACOES[nome][0](), pessoa("Operadores"), Client()
    client.force_login(user)
    client.post(acao(nome, alvo))
    line = Registro.objects.filter(execucao=_batch(alvo)).first()
    assert line is not None
    assert line.usuario == user


@pytest.mark.parametrize("nome", ["iniciar", "pausar", "retomar", "encerrar", "reabrir"])
def test_an_act_on_what_does_not_exist_is_404(nome: str) -> None:
    assert como("Operadores").post(reverse(f"executions:{nome}", args=[999_999])).status_code == 404


def test_reabrir_with_a_class_reopens_only_that_class() -> None:
    batch = nova_execucao(3)
    robo = novo_robo(batch)
    tomado(batch, robo).falhar(ErroClasse.SESSAO_EXPIRADA, "saiu")
    tomado(batch, robo).falhar(ErroClasse.TEMPO_ESGOTADO, "lento")
    response = como("Operadores").post(acao("reabrir", batch), {"classe": "sessao_expirada"})
    assert textos(response) == ["1 falha reaberta."]
    assert contadores(batch) == (2, 0, 0, 1)


def test_reabrir_refuses_an_unknown_class() -> None:
    batch = _com_falhas()
    response = como("Operadores").post(acao("reabrir", batch), {"classe": "nada"})
    assert textos(response) == ["Classe de falha desconhecida: nada foi reaberto."]
    assert contadores(batch) == (0, 0, 0, 3)


def test_iniciar_says_what_the_execution_waits_for() -> None:
    batch = nova_execucao(1)
    response = como("Operadores").post(acao("iniciar", batch))
    assert textos(response) == [f"Nenhum robô novo foi pedido. {Espera.SEM_MAQUINA.label}"]


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
    robo = _com_robos()
    client = como(grupo)
    assert "Painel" in client.get("/").content.decode()
    assert f"PID {robo.pid}" in client.get(f"/execucoes/{robo.execucao_id}/").content.decode()


def test_a_reader_is_offered_no_act() -> None:
    robo = _com_robos()
    tomado(robo.execucao, None).falhar("navegador", "caiu")  # type: ignore[arg-type]
    html = como("Leitores").get(f"/execucoes/{robo.execucao_id}/").content.decode()
    assert "1 × Falha do navegador" in html
    for word in ["Pausar", "Encerrar…", "Reiniciar…", "Reabrir"]:
        assert word not in html.replace("Pausar a atualização automática", "")


@pytest.mark.parametrize("url", ["encerrar/confirmar", "robo/encerrar", "robo/reiniciar"])
def test_a_reader_does_not_reach_the_confirmation_pages(url: str) -> None:
    robo = _com_robos()
    path = (
        f"/robos/{robo.uuid}/{url[5:]}/confirmar" if url.startswith("robo") else f"/execucoes/{robo.execucao_id}/{url}"
    )
    assert como("Leitores").get(path).status_code == 403


@pytest.mark.parametrize(
    ("make", "offered"),
    [
        (_parada, ["Iniciar", "Pausar", "Encerrar…"]),
        (_pausada, ["Retomar", "Encerrar…"]),
        (_com_falhas, ["Reabrir 3 falhas"]),
    ],
)
def test_only_the_acts_that_apply_are_offered(make: Callable[[], Execucao], offered: list[str]) -> None:
    html = como("Operadores").get(f"/execucoes/{make().pk}/").content.decode()
    region = html[html.index('id="acoes"') : html.index('id="resumo"')]
    assert re.findall(r"</svg>([^<]+)</(?:button|a)>", region) == offered


def test_the_login_page_lets_in_who_is_not_staff_and_goes_back() -> None:
    user = pessoa("Leitores")
    page = Client().get("/entrar/?next=/execucoes/1/")
    assert 'name="next" value="/execucoes/1/"' in page.content.decode()
    response = Client().post("/entrar/", {"username": user.username, "password": "x", "next": "/execucoes/1/"})
    assert (response.status_code, response["Location"]) == (302, "/execucoes/1/")


def test_the_login_page_says_that_a_password_is_wrong_and_never_repeats_it() -> None:
    html = Client().post("/entrar/", {"username": "a", "password": "senha-errada"}).content.decode()
    assert "usuário e senha corretos" in html
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
    assert "<b>Projudi X não responde</b>" in html
    assert "Nenhuma máquina de robôs" not in html


def test_the_panel_shows_progress_robots_and_why_each_execution_waits() -> None:
    running = nova_execucao(4, max_robots=2, titulo="Primeira")
    tomado(running).concluir(Resposta(Resultado.NAO_LOCALIZADA))
    nova_execucao(2, titulo="Segunda")
    html = como("Leitores").get("/").content.decode()
    assert f"#{running.pk} Primeira" in html
    assert "1 respondido</span>" in html and "3 pendentes</span>" in html
    assert "<b>1</b> de 2 robôs" in html
    assert Espera.VEZ.label in html


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


def test_the_items_come_a_hundred_a_page_by_their_order() -> None:
    batch = nova_execucao(120)
    first = como("Leitores").get(f"/execucoes/{batch.pk}/").content.decode()
    second = como("Leitores").get(f"/execucoes/{batch.pk}/?pagina=2").content.decode()
    rows = [[int(n) for n in re.findall(r'<tr id="item-(\d+)"', html)] for html in (first, second)]
    assert rows == [list(range(1, 101)), list(range(101, 121))]
    assert "Página 1 de 2" in first and "101 a 120 de <b>120</b>" in second


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
    robo = _com_robos()
    paths = ["/", f"/execucoes/{robo.execucao_id}/", f"/robos/{robo.uuid}/encerrar/confirmar", "/entrar/", "/nada/"]
    for path in paths:
        html = como("Operadores").get(path).content.decode()
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=|hx-on", html), path


# ---- confirmation ---------------------------------------------------------------------------------------------------
def test_the_confirmation_names_what_dies_and_changes_nothing() -> None:
    robo = _com_robos()
    batch = _batch(robo)
    before = retrato(batch)
    html = como("Operadores").get(f"/execucoes/{batch.pk}/encerrar/confirmar").content.decode()
    for other in batch.processos.all():
        assert f"PID {other.pid} em {other.host}" in html
    assert "4 itens falham, 1 deles em mãos de robôs" in html
    assert "Encerrar 2 robôs" in html
    assert retrato(batch) == before


def test_the_confirmation_of_the_last_robot_says_that_the_execution_ends() -> None:
    batch = nova_execucao(4)
    robo = novo_robo(batch)
    html = como("Operadores").get(f"/robos/{robo.uuid}/encerrar/confirmar").content.decode()
    assert f"É o último robô: <b>a execução #{batch.pk} termina</b> e 4 itens abertos falham" in html


def test_the_confirmation_of_a_robot_says_that_the_maximum_goes_down() -> None:
    robo = _com_robos()
    html = como("Operadores").get(f"/robos/{robo.uuid}/encerrar/confirmar").content.decode()
    assert f"O máximo de robôs da execução #{robo.execucao_id} passa de 2 para 1." in html


def test_the_confirmation_of_what_has_ended_says_so_and_goes_back() -> None:
    batch = _com_falhas()
    response = como("Operadores").get(f"/execucoes/{batch.pk}/encerrar/confirmar")
    assert (response.status_code, response["Location"]) == (302, f"/execucoes/{batch.pk}/")
    assert textos(response) == ["Nada mudou: a execução já tinha terminado."]


# ---- the poll -------------------------------------------------------------------------------------------------------
def _tick(html: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', html)
    assert found, "the fragment does not poll"
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize("painel", [True, False])
def test_an_unchanged_poll_is_204_and_a_changed_one_a_new_fragment(painel: bool, tempo: Any) -> None:
    robo = _com_robos()
    client = como("Operadores")
    url = "/" if painel else f"/execucoes/{robo.execucao_id}/"
    tick = _tick(client.get(url).content.decode())
    unchanged = client.get(tick, headers=HTMX)
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    tempo.avancar(5)
    assert client.get(tick, headers=HTMX).status_code == 204  # time alone changes nothing

    tomado(_batch(robo), None).concluir(Resposta(Resultado.PROTOCOLADA))
    changed = client.get(tick, headers=HTMX)
    html = changed.content.decode()
    assert changed.status_code == 200
    assert html.lstrip().startswith('<div id="resumo"') and "<html" not in html
    assert _tick(html) != tick
    assert changed["Cache-Control"] == "no-store" and "HX-Request" in changed["Vary"]


def test_a_poll_swaps_the_acts_only_when_they_changed() -> None:
    batch = _parada()
    client = como("Operadores")
    tick = _tick(client.get(f"/execucoes/{batch.pk}/").content.decode())
    Registro.objects.anotar("x", "uma linha", execucao=batch)
    quiet = client.get(tick, headers=HTMX).content.decode()
    assert 'id="acoes"' not in quiet and "csrfmiddlewaretoken" not in quiet
    assert 'id="detalhes"' in quiet and "uma linha" in quiet
    batch.pausar()
    paused = client.get(_tick(quiet), headers=HTMX).content.decode()
    assert 'id="acoes" hx-swap-oob="true"' in paused and "Retomar" in paused


def test_a_heartbeat_does_not_swap_the_items() -> None:
    robo = _com_robos()
    client = como("Operadores")
    tick = _tick(client.get(f"/execucoes/{robo.execucao_id}/").content.decode())
    robo.bater("lendo anexos", 0)
    html = client.get(tick, headers=HTMX).content.decode()
    assert "lendo anexos" in html
    assert 'id="detalhes"' not in html and 'id="acoes"' not in html


def test_the_poll_keeps_the_page_of_items() -> None:
    batch = nova_execucao(120)
    assert "pagina=2&" in _tick(como("Leitores").get(f"/execucoes/{batch.pk}/?pagina=2").content.decode())


def test_the_terminal_fragment_does_not_poll() -> None:
    robo = _com_robos()
    batch, client = _batch(robo), como("Operadores")
    tick = _tick(client.get(f"/execucoes/{batch.pk}/").content.decode())
    batch.encerrar()
    dying = client.get(tick, headers=HTMX).content.decode()
    assert "Sendo encerrado" in dying  # its processes still live: it goes on
    for process in batch.processos.all():
        process.terminar("killed", motivo="encerrado")
    final = client.get(_tick(dying), headers=HTMX).content.decode()
    assert '<div id="resumo"' in final
    assert "hx-get" not in final and "hx-trigger" not in final and "data-ritmo" not in final
    assert "hx-get" not in client.get(f"/execucoes/{batch.pk}/").content.decode()


def test_a_page_ticks_fast_only_while_something_runs() -> None:
    batch = nova_execucao(2)
    client = como("Leitores")
    assert 'data-ritmo="15000"' in client.get("/").content.decode()
    novo_robo(batch)
    for url in ["/", f"/execucoes/{batch.pk}/"]:
        assert 'data-ritmo="2000"' in client.get(url).content.decode()


def test_a_poll_without_a_session_sends_the_whole_page_to_the_login_and_back() -> None:
    batch = nova_execucao(1)
    url = f"/execucoes/{batch.pk}/?pagina=1&v=abc"
    current = {"HX-Current-URL": f"http://testserver/execucoes/{batch.pk}/?pagina=1&x=2"}
    response = Client().get(url, headers=HTMX | current)
    assert response["HX-Redirect"] == f"/entrar/?next=/execucoes/{batch.pk}/%3Fpagina%3D1%26x%3D2"
    assert response.content == b""


def test_a_poll_of_somebody_who_was_switched_off_goes_to_the_login() -> None:
    user, client = pessoa("Operadores"), Client()
    client.force_login(user)
    assert client.get("/", headers=HTMX).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert "HX-Redirect" in client.get("/", headers=HTMX)


def _queries(itens: int, execucoes: int, robos_vivos: int, *, painel: bool, unchanged: bool) -> int:
    """How many queries a poll takes, those of the session and the permissions left out."""
    credencial = nova_credencial()
    batch = nova_execucao(itens, credencial=credencial, max_robots=8)
    robots = [novo_robo(batch) for _ in range(robos_vivos)]
    for robot in robots[:itens]:
        tomado(batch, robot)
    for n in range(itens):
        Registro.objects.anotar("x", f"linha {n}", execucao=batch, usuario=pessoa() if n < 3 else None)
    for _ in range(execucoes - 1):
        nova_execucao(2)
    client = como("Operadores")
    url = "/" if painel else f"/execucoes/{batch.pk}/"
    tick = _tick(client.get(url).content.decode()) if unchanged else url
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(tick, headers=HTMX)
    assert response.status_code == (204 if unchanged else 200)
    return len(captured) - AUTH_QUERIES


@pytest.mark.parametrize("unchanged", [True, False])
@pytest.mark.parametrize("painel", [True, False])
@pytest.mark.parametrize(("itens", "execucoes", "robos_vivos"), [(1, 1, 1), (300, 1, 8), (300, 12, 8)])
def test_a_poll_takes_at_most_six_queries_whatever_the_size(
    itens: int, execucoes: int, robos_vivos: int, painel: bool, unchanged: bool
) -> None:
    assert _queries(itens, execucoes, robos_vivos, painel=painel, unchanged=unchanged) <= OWN_QUERIES


def test_a_poll_never_reads_the_files_contents() -> None:
    batch = nova_execucao(3)
    client = como("Operadores")
    with CaptureQueriesContext(connection) as captured:
        client.get(f"/execucoes/{batch.pk}/")
    assert not [query for query in captured.captured_queries if '"job_items"."arquivo"' in query["sql"]]


# ---- the panorama agrees with the gate ------------------------------------------------------------------------------
def _um_mundo(dado: random.Random) -> list[Execucao]:
    """A random state of hosts, portals, credentials, robots and items, made through the verbs."""
    agora = clock.db_now()
    for _ in range(dado.randrange(3)):
        novo_host(
            places=dado.randrange(3), draining_at=dado.choice([None, None, agora]),
            heartbeat_at=agora - timedelta(seconds=dado.choice([0, 0, 3600])),
        )  # fmt: skip
    sparse = [None, None, 1, 2]
    blocked = agora + timedelta(minutes=3)
    credenciais = [
        nova_credencial(
            novo_portal(max_sessions=dado.choice(sparse)),
            aceita=dado.random() < 0.6,
            max_sessions=dado.choice(sparse),
            livre_em=dado.choice([None, None, blocked]),
        )
        for _ in range(2)
    ]
    batches = []
    for _ in range(dado.randrange(1, 5)):
        batch = nova_execucao(
            dado.randrange(1, 4), credencial=dado.choice(credenciais), max_robots=dado.randrange(1, 4)
        )
        batches.append(batch)
        _algo_acontece(batch, dado)
    if dado.random() < 0.3:
        dado.choice(credenciais).portal.abrir_disjuntor()
    if dado.random() < 0.3 and Host.objects.exists():
        Host.objects.filter(pk=Host.objects.first().pk).update(exclusiva=dado.choice(batches))  # type: ignore[union-attr]
    return batches


def _algo_acontece(batch: Execucao, dado: random.Random) -> None:
    for _ in range(dado.randrange(3)):
        if not Host.objects.exists() or not Host.objects.filter(draining_at=None).exists():
            break
        robo = novo_robo(batch, Host.objects.filter(draining_at=None).first())
        item = batch.itens.model.objects.tentar_iniciar(batch, robo)
        if item and dado.random() < 0.5:
            item.tentar_de_novo("tempo_esgotado", "lento")
        if dado.random() < 0.5:
            robo.terminar("exited", motivo="concluido", item="devolver")
    if dado.random() < 0.2:
        batch.pausar()
    elif dado.random() < 0.1:
        batch.encerrar()


def test_the_panorama_says_of_each_execution_what_the_gate_says(tempo: Any, settings: Any) -> None:
    seen: set[str] = set()
    for seed in range(120):
        dado = random.Random(seed)
        settings.EXECUCOES_SIMULTANEAS = dado.choice([1, 1, 2, 9])
        Execucao.objects.update(status="error", n_failed=0, n_done=0, n_pending=0, n_running=0, total_arquivos=0)
        Processo.objects.update(status="killed")
        Host.objects.update(heartbeat_at=tempo.agora - timedelta(days=1), draining_at=tempo.agora)
        mine = _um_mundo(dado)
        lidas = list(Execucao.objects.filter(pk__in=[b.pk for b in mine]).com_espera(tempo.agora).com_nomes())
        panorama = Panorama(tempo.agora, lidas)
        for batch in lidas:
            expected = robos.espera_de(batch, tempo.agora)
            assert panorama.espera_de(batch) == expected, (seed, batch)
            seen.add(expected)
    assert seen == set(Espera), "some reason was never met: the comparison proves nothing of it"
