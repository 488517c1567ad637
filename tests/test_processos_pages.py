"""The page of all processes: what it shows, its filters, and what a poll of it costs."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions import clock, scripts
from executions.historico import POR_PAGINA
from executions.models import Processo
from tests.factories import em_postgres, nova_execucao, novo_host, novo_robo, tomado
from tests.pages import (
    HTMX,
    como,
    pagina_leve,  # noqa: F401 (a fixture)
)
from tests.processos import (
    escrever,
    novo_script,
    pasta_de_scripts,  # noqa: F401 (a fixture)
    rodada,
    terminada,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
OWN_QUERIES = 6
AUTH_QUERIES = 4


def _quadro(consulta: str = "", grupo: str = "Operadores") -> str:
    return como(grupo).get(f"/processos/{consulta}").content.decode()


def _tick(html: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', html)
    assert found, "the fragment does not poll"
    return found[1].replace("&amp;", "&")


def _linha(html: str, name: str) -> str:
    found = re.search(rf'<(tr|li) id="{name}".*?</\1>', html, re.DOTALL)
    assert found, f"no row {name}"
    return found[0]


def test_the_pages_are_for_those_who_may_see_processes_and_scripts(pasta: Path) -> None:
    row = terminada(novo_script(pasta))
    for url in ["/processos/", f"/processos/{row.uuid}/", f"/processos/{row.uuid}/log"]:
        assert Client().get(url)["Location"] == f"/entrar/?next={url}"
        assert como("").get(url).status_code == 403
        assert como("Operadores").get(url).status_code == 200
    assert 'href="/processos/"' in como("Leitores").get("/").content.decode()


def test_a_running_script_is_shown_with_all_that_is_measured(pasta: Path) -> None:
    row = rodada(
        novo_script(pasta, nome="analisar.py", timeout_s=600), pid=4242, cpu=96.0, rss=212_000_000, n_processos=2,
        amostras=[[0, 10, 1_000_000], [2, 96, 212_000_000]], progresso=40.0, passo="metade",
    )  # fmt: skip
    html = _quadro()
    line = _linha(html, f"proc-{row.pk}")
    for piece in [
        "analisar.py", "4242", str(row.host), "96%", "212 MB", "de 1024 MB", "2 processos", 'data-limite="600"',
        'aria-label="CPU, até 96%"', 'aria-label="Memória, até 212 MB"', "40% · metade", 'value="40.0"', "Rodando",
        f'formaction="/processos/{row.uuid}/cancelar"', f"/processos/{row.uuid}/encerrar/confirmar",
    ]:  # fmt: skip
        assert piece in line, piece
    assert "Rodando" in _linha(html, f"script-{row.script_id}") and "· PID 4242" in html
    assert "style=" not in html and "<script>" not in html and "onclick" not in html


def test_robots_stand_in_the_same_list_with_their_own_buttons(pasta: Path) -> None:
    batch = nova_execucao(2)
    robo = novo_robo(batch, cpu=38.0, rss=612_000_000)
    tomado(batch, robo)
    line = _linha(_quadro(), f"proc-{robo.pk}")
    for piece in [
        f"Robô {robo.pk}", "caso-0", "612 MB", f"#{batch.pk}", 'data-limite="900"',
        f"/robos/{robo.uuid}/encerrar/confirmar", f"/robos/{robo.uuid}/reiniciar/confirmar",
    ]:  # fmt: skip
        assert piece in line, piece


def test_a_reader_is_offered_no_act(pasta: Path) -> None:
    rodada(novo_script(pasta))
    html = _quadro(grupo="Leitores")
    for word in ["Executar", "Cancelar", "Encerrar…", "Encerrar todos…", "Cadastrar"]:
        assert word not in html, word


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        (None, "Nenhuma máquina está ligada."), ({"script_places": 0}, "Nenhuma máquina ligada aceita scripts agora."),
        ({"script_places": 1}, "O único lugar de scripts está ocupado. Começa quando um script terminar."),
    ],
)  # fmt: skip
def test_a_waiting_script_says_what_it_waits_for(host: dict[str, Any] | None, sentence: str, pasta: Path) -> None:
    if host is not None:
        novo_host(**host)
        if host["script_places"]:
            rodada(novo_script(pasta))
    waiting = scripts.pedir_script(novo_script(pasta))
    line = _linha(_quadro(), f"proc-{waiting.pk}")
    assert sentence in line and "Na fila" in line


# ---- the poll -------------------------------------------------------------------------------------------------------
def test_an_unchanged_poll_is_204_and_time_alone_changes_nothing(pasta: Path, tempo: Any) -> None:
    row = rodada(novo_script(pasta))
    client = como("Operadores")
    tick = _tick(client.get("/processos/").content.decode())
    assert client.get(tick, headers=HTMX).status_code == 204
    tempo.avancar(5)
    assert client.get(tick, headers=HTMX).status_code == 204
    Processo.objects.filter(pk=row.pk).update(cpu=50.0)
    html = client.get(tick, headers=HTMX).content.decode()
    assert html.lstrip().startswith('<div id="resumo"') and "50%" in html
    assert "csrfmiddlewaretoken" not in html and 'id="detalhes"' not in html
    assert row.terminar("exited", motivo="concluido", exit_code=0)
    ended = client.get(_tick(html), headers=HTMX).content.decode()
    assert 'id="detalhes" class="stack" hx-swap-oob="true"' in ended and "0 · concluiu" in ended


def test_the_page_ticks_fast_only_while_something_lives(pasta: Path) -> None:
    script = novo_script(pasta)
    assert 'data-ritmo="15000"' in _quadro()
    rodada(script)
    assert 'data-ritmo="2000"' in _quadro()


def test_a_poll_keeps_the_filter_and_the_page(pasta: Path) -> None:
    tick = _tick(_quadro("?desfecho=falha&antes=77&lixo=1"))
    assert "desfecho=falha&antes=77&v=" in tick and "lixo" not in tick


@pytest.mark.parametrize("unchanged", [True, False])
@pytest.mark.parametrize("n", [1, 60])
def test_a_poll_takes_at_most_six_queries_whatever_the_number_of_rows(pasta: Path, n: int, unchanged: bool) -> None:
    batch = nova_execucao(n, max_robots=n)
    novo_host(script_places=100)
    for k in range(n):
        script = novo_script(pasta)
        terminada(script)
        if k % 2:
            rodada(script)
        tomado(batch, novo_robo(batch))
    scripts.pedir_script(novo_script(pasta))
    client = como("Operadores")
    tick = _tick(client.get("/processos/").content.decode()) if unchanged else "/processos/"
    with CaptureQueriesContext(connection) as captured:
        response = client.get(tick, headers=HTMX)
    assert response.status_code == (204 if unchanged else 200)
    assert len(captured) - AUTH_QUERIES <= OWN_QUERIES + em_postgres()


@pytest.mark.parametrize("n", [1, 600])
def test_a_poll_of_one_run_takes_at_most_six_queries_too(pasta: Path, n: int) -> None:
    row = rodada(novo_script(pasta))
    for k in range(n):
        escrever(row, f"linha {k}\n")
    client = como("Operadores")
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/processos/{row.uuid}/?depois=0", headers=HTMX).status_code == 200
    assert len(captured) - AUTH_QUERIES <= OWN_QUERIES + em_postgres()


# ---- the history ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("campos", "words"),
    [
        ({}, "0 · concluiu"), ({"motivo": "falha", "exit_code": 3, "erro": "Código de saída 3."}, "3 · falhou"),
        ({"motivo": "falha", "exit_code": -9, "erro": "Sinal SIGKILL."}, "SIGKILL · falhou"),
        ({"status": "killed", "motivo": "tempo", "exit_code": -15}, "Tempo esgotado"),
        ({"status": "killed", "motivo": "cancelado", "exit_code": -15}, "Cancelado"),
        ({"status": "killed", "motivo": "memoria", "exit_code": -9}, "Limite de memória"),
        ({"motivo": "entrada", "exit_code": 1}, "Pediu uma entrada"),
        ({"status": "lost", "motivo": "perdido", "exit_code": None}, "Perdido"),
    ],
)  # fmt: skip
def test_an_ended_run_tells_how(campos: dict[str, Any], words: str, pasta: Path) -> None:
    row = terminada(novo_script(pasta), **campos, saida_total=1234)
    line = _linha(_quadro(), f"fim-{row.pk}")
    for piece in [words, row.erro, "41 s", "1.234 caracteres", f"PID {row.pid}", "sistema", f"/processos/{row.uuid}/"]:
        assert piece in line, piece


def test_the_history_is_filtered_by_script_outcome_and_date(pasta: Path) -> None:
    one, other = novo_script(pasta, nome="um.py"), novo_script(pasta, nome="outro.py")
    ok, bad = terminada(one), terminada(other, motivo="falha", exit_code=1)
    old = terminada(one, requested_at=clock.db_now() - timedelta(days=10))
    robo = novo_robo(nova_execucao(1))
    assert robo.terminar("exited", motivo="concluido", exit_code=0)
    day = (clock.db_now() - timedelta(days=5)).date().isoformat()

    def shown(consulta: str) -> set[int]:
        return {int(n) for n in re.findall(r'<tr id="fim-(\d+)"', _quadro(consulta))}

    assert shown("") == {ok.pk, bad.pk, old.pk}
    assert shown(f"?o_que={one.pk}") == {ok.pk, old.pk}
    assert shown("?desfecho=falha") == {bad.pk}
    assert shown(f"?de={day}") == {ok.pk, bad.pk}
    assert shown(f"?ate={day}&o_que=tudo") == {old.pk}
    assert shown("?o_que=robos") == {robo.pk}
    assert shown("?o_que=tudo") == {ok.pk, bad.pk, old.pk, robo.pk}
    assert "Nada com este filtro." in _quadro(f"?desfecho=falha&o_que={one.pk}")
    for wrong in [
        "?de=31/12/2026",
        "?ate=9999-12-31",
        "?desfecho=x",
        "?o_que=x",
        "?antes=x&apos=-1",
        "?o_que=" + "9" * 30,
    ]:
        assert shown(wrong) == {ok.pk, bad.pk, old.pk}
    assert "Informe uma data válida." in _quadro("?de=31/12/2026")


def test_the_history_goes_by_pages_of_a_key_in_both_directions(pasta: Path) -> None:
    script = novo_script(pasta)
    for _ in range(2 * POR_PAGINA + 5):
        terminada(script)
    seen: list[list[int]] = []
    html = _quadro("?desfecho=concluido")
    assert 'id="mais-novos"' not in html
    for _ in range(3):
        seen.append([int(n) for n in re.findall(r'<tr id="fim-(\d+)"', html)])
        older = re.search(r'id="mais-antigos" href="([^"#]+)', html)
        if older:
            html = _quadro(older[1].replace("&amp;", "&"))
    assert [len(page) for page in seen] == [POR_PAGINA, POR_PAGINA, 5]
    flat = sum(seen, [])
    assert flat == sorted(flat, reverse=True) and len(set(flat)) == 65
    newer = re.search(r'id="mais-novos" href="([^"#]+)', html)
    assert newer and 'id="mais-antigos"' not in html
    back = _quadro(newer[1].replace("&amp;", "&"))
    assert [int(n) for n in re.findall(r'<tr id="fim-(\d+)"', back)] == seen[1]
