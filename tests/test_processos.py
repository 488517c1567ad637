"""The acts on scripts: each POST works, refuses who may not, and twice changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from executions import scripts
from executions.models import Execucao, Processo, Registro, Script
from tests.factories import nova_execucao, novo_host, novo_robo
from tests.pages import (
    como,
    pagina_leve,  # noqa: F401 (a fixture)
    pessoa,
    textos,
)
from tests.processos import (
    DECLARADOS,
    novo_script,
    pasta_de_scripts,  # noqa: F401 (a fixture)
    retrato,
    rodada,
    terminada,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]


def parado(folder: Path) -> str:
    novo_host()
    return f"/scripts/{novo_script(folder).pk}/executar"


def rodando(folder: Path, what: str) -> str:
    return f"/processos/{rodada(novo_script(folder), pid=4242).uuid}/{what}"


def todos(folder: Path, what: str) -> str:
    rodada(novo_script(folder))
    rodada(novo_script(folder))
    novo_robo(nova_execucao(2))
    return f"/processos/{what}"


# what is typed to confirm, beside the address
DIGITADO = {"tudo": {"n": "3"}}
# name: (the address to post to, the first words, the second words)
ATOS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    "executar": (parado, "Execução pedida.", "Nada mudou. Script já está na fila."),
    "cancelar": (lambda f: rodando(f, "cancelar"), "Cancelamento pedido.", "já terminou ou já está sendo parado."),
    "encerrar": (lambda f: rodando(f, "encerrar"), "Encerramento pedido.", "já terminou ou já está sendo parado."),
    "scripts": (lambda f: todos(f, "encerrar-scripts"), "Parada pedida a 2 scripts.", "Nada mudou: nenhum script"),
    "tudo": (
        lambda f: todos(f, "encerrar-tudo"), "Parada pedida a 3 processos; 1 execução encerrada.",
        "Nada mudou: nada está aberto",
    ),
}  # fmt: skip
todos_os_atos = pytest.mark.parametrize("nome", ATOS)


@todos_os_atos
def test_an_act_works_says_so_and_twice_changes_nothing(nome: str, pasta: Path) -> None:
    make, first_words, second_words = ATOS[nome]
    url, client = make(pasta), como("Supervisores")
    before = retrato()
    first = client.post(url, DIGITADO.get(nome, {}))
    assert first.status_code == 302
    assert first_words in textos(first)[-1]
    after, lines = retrato(), Registro.objects.count()
    assert after != before
    second = client.post(url, DIGITADO.get(nome, {}))
    assert second.status_code == 302
    assert second_words in textos(second)[-1]
    assert (retrato(), Registro.objects.count()) == (after, lines)


@todos_os_atos
def test_an_act_refuses_get(nome: str, pasta: Path) -> None:
    assert como("Supervisores").get(ATOS[nome][0](pasta)).status_code == 405


@todos_os_atos
def test_an_act_sends_the_anonymous_to_the_login(nome: str, pasta: Path) -> None:
    url = ATOS[nome][0](pasta)
    before = retrato()
    response = Client().post(url)
    assert (response.status_code, response["Location"]) == (302, "/entrar/?next=/")
    assert retrato() == before


@todos_os_atos
def test_an_act_is_refused_without_its_permission(nome: str, pasta: Path) -> None:
    url = ATOS[nome][0](pasta)
    before = retrato()
    grupo = "Operadores" if nome in ("tudo", "scripts") else "Leitores"
    assert como(grupo).post(url, DIGITADO.get(nome, {})).status_code == 403
    assert retrato() == before


@todos_os_atos
def test_an_act_is_refused_without_the_csrf_token(nome: str, pasta: Path) -> None:
    url = ATOS[nome][0](pasta)
    client = Client(enforce_csrf_checks=True)
    client.force_login(pessoa("Supervisores"))
    before = retrato()
    assert client.post(url).status_code == 403
    assert retrato() == before


@todos_os_atos
def test_an_act_keeps_who_did_it(nome: str, pasta: Path) -> None:
    url, user, client = ATOS[nome][0](pasta), pessoa("Supervisores"), Client()
    client.force_login(user)
    client.post(url, DIGITADO.get(nome, {}))
    line = Registro.objects.first()
    assert line is not None
    assert line.usuario == user


def test_ending_all_scripts_leaves_robots_and_executions_alone(pasta: Path) -> None:
    url = todos(pasta, "encerrar-scripts")
    como("Supervisores").post(url)
    assert not Processo.objects.robos().exclude(kill_requested_at=None).exists()
    assert Execucao.objects.abertas().count() == 1


def test_a_script_is_only_for_its_groups(pasta: Path) -> None:
    script = novo_script(pasta)
    script.quem_pode.set([Group.objects.get(name="Supervisores")])
    client = como("Operadores")
    assert client.get(f"/scripts/{script.pk}/").status_code == 403
    assert client.post(f"/scripts/{script.pk}/executar").status_code == 403
    assert f'id="script-{script.pk}"' not in client.get("/processos/").content.decode()
    assert f'id="script-{script.pk}"' in como("Supervisores").get("/processos/").content.decode()
    assert not Processo.objects.exists()
    running = rodada(script)
    for what in ("cancelar", "encerrar"):
        assert client.post(f"/processos/{running.uuid}/{what}").status_code == 403
    assert client.get(f"/processos/{running.uuid}/encerrar/confirmar").status_code == 403
    assert retrato() == list(Processo.objects.filter(cancel_requested_at=None, kill_requested_at=None).values())
    for what in ("cancelar", "encerrar"):
        assert como("Supervisores").post(f"/processos/{running.uuid}/{what}").status_code == 302
    running.refresh_from_db()
    assert running.cancel_requested_at and running.kill_requested_at


def test_who_may_end_everything_stops_a_script_that_is_not_his(pasta: Path) -> None:
    """The same rule at the pages and at POST /api/processos/matar."""
    script = novo_script(pasta)
    script.quem_pode.set([Group.objects.create(name="outros")])
    running = rodada(script)
    assert como("Supervisores").get(f"/scripts/{script.pk}/").status_code == 403
    assert como("Supervisores").post(f"/processos/{running.uuid}/encerrar").status_code == 302
    running.refresh_from_db()
    assert running.kill_requested_at


@pytest.mark.parametrize(("grupo", "offered"), [("Operadores", False), ("Supervisores", True)])
def test_a_page_offers_only_the_acts_that_would_not_be_refused(grupo: str, offered: bool, pasta: Path) -> None:
    script, waiting = novo_script(pasta), novo_script(pasta)
    for row in (script, waiting):
        row.quem_pode.set([Group.objects.create(name=f"outros {row.pk}")])
    running, queued = rodada(script), scripts.pedir_script(waiting)
    client = como(grupo)
    for url in ("/processos/", f"/processos/{running.uuid}/"):
        html = client.get(url).content.decode()
        assert (f"/processos/{running.uuid}/cancelar" in html) is offered, url
        assert (f"/processos/{running.uuid}/encerrar/confirmar" in html) is offered, url
        assert "Executar de novo" not in html
    assert (f"/processos/{queued.uuid}/cancelar" in client.get("/processos/").content.decode()) is offered
    assert ("Encerrar todos…" in client.get("/processos/").content.decode()) is offered


@pytest.mark.parametrize("typed", ["", "2", "4", "três", "3.0", "33"])
def test_ending_everything_asks_the_server_too_for_the_right_number(typed: str, pasta: Path) -> None:
    url = todos(pasta, "encerrar-tudo")
    before, client = retrato(), como("Supervisores")
    response = client.post(url, {"n": typed})
    assert response["Location"] == "/processos/encerrar/confirmar"
    assert textos(response)[-1] == "Nada foi encerrado: há 3 processos vivos agora. Digite exatamente este número."
    assert retrato() == before and Execucao.objects.abertas().count() == 1


def test_with_no_process_alive_no_number_is_asked_for(pasta: Path) -> None:
    nova_execucao(1)
    client = como("Supervisores")
    assert 'name="n"' not in client.get("/processos/encerrar/confirmar").content.decode()
    assert "1 execução encerrada" in textos(client.post("/processos/encerrar-tudo"))[-1]


@pytest.mark.parametrize("what", ["cancelar", "encerrar"])
def test_a_robot_is_no_script_and_what_does_not_exist_is_404(what: str) -> None:
    robo = novo_robo(nova_execucao(1))
    client = como("Supervisores")
    assert client.post(f"/processos/{robo.uuid}/{what}").status_code == 404
    assert client.post(f"/processos/00000000-0000-4000-8000-000000000000/{what}").status_code == 404


# ---- the form -------------------------------------------------------------------------------------------------------
def test_the_form_has_an_input_of_each_type(pasta: Path) -> None:
    script = novo_script(pasta, parametros=DECLARADOS, timeout_s=90)
    html = como("Operadores").get(f"/scripts/{script.pk}/").content.decode()
    for piece in [
        'name="p.alvo" value="" autocomplete="off" type="text"', 'type="number" step="any" min="1" max="9"',
        'name="p.dia" value="" autocomplete="off" type="date"', "<option selected>azul</option>", "1 min 30 s",
        'placeholder="90"',
    ]:  # fmt: skip
        assert piece in html, piece
    assert "Este script não tem parâmetros" not in html


def _executar(script: Script, **dados: str) -> Any:
    sent = {name if name == "tempo_limite" else f"p.{name}": value for name, value in dados.items()}
    return como("Operadores").post(f"/scripts/{script.pk}/executar", sent)


@pytest.mark.parametrize(
    ("dados", "sentence"),
    [
        ({}, "Informe Alvo."), ({"alvo": "x", "n": "0"}, "Quantos: o mínimo é 1."),
        ({"alvo": "x", "n": "dez"}, "Quantos: informe um número."), ({"alvo": "x", "cor": "roxo"}, "azul, verde"),
        ({"alvo": "x", "dia": "31/12/2026"}, "Dia: informe a data como AAAA-MM-DD."),
        ({"alvo": "x", "tempo_limite": "0"}, "O tempo limite vai de 1 segundo a 7 dias."),
        ({"alvo": "x", "tempo_limite": "abc"}, "O tempo limite vai de 1 segundo a 7 dias."),
        ({"alvo": "x", "tempo_limite": "604801"}, "O tempo limite vai de 1 segundo a 7 dias."),
    ],
)  # fmt: skip
def test_what_cannot_be_accepted_is_said_beside_its_field_and_nothing_runs(
    dados: dict[str, str], sentence: str, pasta: Path
) -> None:
    response = _executar(novo_script(pasta, parametros=DECLARADOS), **dados)
    html = response.content.decode()
    assert response.status_code == 400
    assert sentence in html and 'aria-invalid="true"' in html
    assert f'value="{dados.get("alvo", "")}"' in html
    assert not Processo.objects.exists()


def test_accepted_parameters_and_the_time_limit_reach_the_process(pasta: Path) -> None:
    script = novo_script(pasta, parametros=DECLARADOS)
    response = _executar(script, alvo="<b>", n="3", dia="2026-02-28", cor="", tempo_limite="30")
    row = Processo.objects.get()
    assert response["Location"] == f"/processos/{row.uuid}/"
    assert row.parametros == {"alvo": "<b>", "n": "3", "dia": "2026-02-28", "cor": "azul"}
    assert row.timeout_s == 30
    assert "<dd>&lt;b&gt;</dd>" in como("Operadores").get(response["Location"]).content.decode()


def test_a_changed_file_and_a_switched_off_script_are_refused_with_their_reason(pasta: Path) -> None:
    script = novo_script(pasta)
    (pasta / script.arquivo).write_text("print('outro')")
    assert "O arquivo mudou desde" in como("Operadores").get(f"/scripts/{script.pk}/").content.decode()
    response = _executar(script)
    assert response.status_code == 409
    assert "mudou desde que foi confirmado" in response.content.decode()
    Script.objects.filter(pk=script.pk).update(ativo=False)
    assert "está desativado" in _executar(script).content.decode()
    assert not Processo.objects.exists()


# ---- the seed's question --------------------------------------------------------------------------------------------
def test_executar_on_a_running_script_asks_the_seeds_question(pasta: Path) -> None:
    row = rodada(novo_script(pasta), pid=4242)
    client = como("Operadores")
    again = client.post(f"/scripts/{row.script_id}/executar")
    assert textos(again)[-1] == "Nada mudou. Script já está em execução (PID: 4242)."
    html = client.get(again["Location"]).content.decode()
    assert "Script já em execução (PID 4242). Cancelar?" in html
    assert f'action="/processos/{row.uuid}/cancelar"' in html and "Cancelar script" in html
    assert client.post(f"/processos/{row.uuid}/cancelar").status_code == 302
    row.refresh_from_db()
    assert row.cancel_requested_at and row.kill_requested_by


def test_executar_on_a_waiting_script_asks_too_and_cancelling_it_ends_it_at_once(pasta: Path) -> None:
    script = novo_script(pasta)
    client = como("Operadores")
    assert textos(client.post(f"/scripts/{script.pk}/executar")) == ["Execução pedida: está na fila."]
    assert "Script já está na fila. Cancelar?" in client.get(f"/scripts/{script.pk}/").content.decode()
    row = Processo.objects.get()
    assert "ainda não tinha começado" in textos(client.post(f"/processos/{row.uuid}/cancelar"))[-1]
    assert "Executar" in client.get(f"/scripts/{script.pk}/").content.decode()


# ---- what dies is named ---------------------------------------------------------------------------------------------
def test_the_confirmation_of_one_names_its_pid_and_its_host(pasta: Path) -> None:
    row = rodada(novo_script(pasta, nome="analisar.py"), pid=4242, n_processos=3, rss=212_000_000)
    html = como("Operadores").get(f"/processos/{row.uuid}/encerrar/confirmar").content.decode()
    for piece in ["Encerrar analisar.py (PID 4242)?", f"PID 4242 em {row.host}", "3 processos, 212 MB"]:
        assert piece in html
    row.matar()
    gone = como("Operadores").get(f"/processos/{row.uuid}/encerrar/confirmar")
    assert gone["Location"] == f"/processos/{row.uuid}/"


def test_the_confirmation_of_all_names_scripts_robots_and_executions(pasta: Path) -> None:
    row, robo = rodada(novo_script(pasta, nome="a.py"), pid=4242), novo_robo(nova_execucao(3, titulo="Lote A"))
    waiting = novo_script(pasta, nome="b.py")
    como("Operadores").post(f"/scripts/{waiting.pk}/executar")
    html = como("Supervisores").get("/processos/encerrar/confirmar").content.decode()
    for piece in [
        f"a.py: PID 4242 em {row.host}", "b.py: na fila", f"PID {robo.pid} em", f"#{robo.execucao_id} Lote A",
        "Encerrar 2 scripts", "Encerrar tudo", 'pattern="3"', "3 itens abertos falham",
    ]:  # fmt: skip
        assert piece in html, piece
    for grupo in ("Operadores", "Leitores"):
        assert como(grupo).get("/processos/encerrar/confirmar").status_code == 403


def test_the_confirmation_of_all_speaks_of_executions_only_when_some_are_open(pasta: Path) -> None:
    rodada(novo_script(pasta))
    html = como("Supervisores").get("/processos/encerrar/confirmar").content.decode()
    assert "Encerrar tudo: 1 processo?" in html and "As execuções abertas" not in html


def test_with_nothing_to_end_the_confirmation_says_so(pasta: Path) -> None:
    terminada(novo_script(pasta))
    response = como("Supervisores").get("/processos/encerrar/confirmar")
    assert (response["Location"], textos(response)) == (
        "/processos/", ["Nada mudou: nada está aberto e nenhum processo está vivo."],
    )  # fmt: skip
