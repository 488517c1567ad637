"""A poll costs little, swaps only what changed, ends with the execution, and never lies about a wait."""

import random
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions import clock, robos
from executions.models import Execucao, Host, Processo, Registro
from executions.panorama import Espera, Panorama
from executions.results import Resposta, Resultado
from tests.factories import (
    em_postgres,
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_portal,
    novo_robo,
    tomado,
)
from tests.pages import (
    HTMX,
    batch_de,
    com_robos,
    como,
    pagina_leve,  # noqa: F401 (a fixture)
    parada,
    pessoa,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
OWN_QUERIES = 6  # of a poll; PostgreSQL is also asked for its clock
AUTH_QUERIES = 4  # the session, the user, the person's own permissions and those of the groups


# ---- the poll -------------------------------------------------------------------------------------------------------
def _tick(html: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', html)
    assert found, "the fragment does not poll"
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize("painel", [True, False])
def test_an_unchanged_poll_is_204_and_a_changed_one_a_new_fragment(painel: bool, tempo: Any) -> None:
    tempo.agora = tempo.agora.replace(second=10)  # the bar of a new minute is news
    robo = com_robos()
    client = como("Operadores")
    url = "/" if painel else f"/execucoes/{robo.execucao_id}/"
    tick = _tick(client.get(url).content.decode())
    unchanged = client.get(tick, headers=HTMX)
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    tempo.avancar(5)
    assert client.get(tick, headers=HTMX).status_code == 204  # time alone changes nothing

    tomado(batch_de(robo), None).concluir(Resposta(Resultado.PROTOCOLADA))
    changed = client.get(tick, headers=HTMX)
    html = changed.content.decode()
    assert changed.status_code == 200
    assert html.lstrip().startswith('<div id="resumo"') and "<html" not in html
    assert _tick(html) != tick
    assert changed["Cache-Control"] == "no-store" and "HX-Request" in changed["Vary"]


def test_a_poll_swaps_the_acts_only_when_they_changed() -> None:
    batch = parada()
    client = como("Operadores")
    tick = _tick(client.get(f"/execucoes/{batch.pk}/").content.decode())
    Registro.objects.anotar("x", "uma linha", execucao=batch)
    quiet = client.get(tick, headers=HTMX).content.decode()
    assert 'id="acoes"' not in quiet and "csrfmiddlewaretoken" not in quiet
    assert 'hx-swap-oob="beforeend:#log-linhas"' in quiet and quiet.count("uma linha") == 2  # the log, the timeline
    batch.pausar()
    paused = client.get(_tick(quiet), headers=HTMX).content.decode()
    assert 'id="acoes" hx-swap-oob="true"' in paused and "Retomar" in paused


def test_a_heartbeat_does_not_swap_the_items() -> None:
    robo = com_robos()
    client = como("Operadores")
    tick = _tick(client.get(f"/execucoes/{robo.execucao_id}/").content.decode())
    Processo.objects.filter(pk=robo.pk).update(passo="lendo anexos", heartbeat_at=clock.db_now())
    html = client.get(tick, headers=HTMX).content.decode()
    assert "lendo anexos" in html
    assert 'id="detalhes"' not in html and 'id="acoes"' not in html


def test_the_terminal_fragment_does_not_poll() -> None:
    robo = com_robos()
    batch, client = batch_de(robo), como("Operadores")
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
    assert _queries(itens, execucoes, robos_vivos, painel=painel, unchanged=unchanged) <= OWN_QUERIES + em_postgres()


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
    credenciais = [
        nova_credencial(
            novo_portal(max_sessions=dado.choice(sparse)),
            aceita=dado.random() < 0.6,
            max_sessions=dado.choice(sparse),
        )
        for _ in range(2)
    ]
    for credencial in credenciais:
        if dado.random() < 0.3:
            credencial.bloquear()
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
    if dado.random() < 0.1:
        Host.objects.update(disco_livre=3.0)
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
            robo.terminar("exited", motivo=dado.choice(["concluido", "portal"]), item="devolver")
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
