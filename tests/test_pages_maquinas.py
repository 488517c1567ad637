"""The page of the machines: what they carry and whether they live; emptying one and letting it work again."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions import clock
from executions.models import Host, Registro
from tests.factories import em_postgres, nova_execucao, novo_host, novo_robo, tomado
from tests.pages import HTMX, como, pagina_leve, textos  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
AUTH_QUERIES = 4


def pagina(grupo: str = "Operadores") -> str:
    return como(grupo).get("/maquinas/").content.decode()


def test_it_shows_the_meters_the_places_the_processes_and_the_canary() -> None:
    host = novo_host(cpu=46.2, memory=82.0, disco_livre=8.6, versao="0.1.0", canary_at=clock.db_now(), script_places=2)
    batch = nova_execucao(2)
    robo = novo_robo(batch, host, cpu=38.0)
    tomado(batch, robo)
    html = pagina()
    for value in ("46", "82", "91"):
        assert f'low="75" high="90" optimum="0" value="{value}"' in html
    assert "1 de 8 lugares" in html and "0 de 2 lugares" in html
    assert f"{robo}, #{batch.pk}" in html and "CPU 38%" in html and "0.1.0, PID 1" in html
    assert html.count("data-idade") == 2 and "Ligada" in html


def test_a_silent_machine_says_so_and_cannot_be_emptied() -> None:
    novo_host(heartbeat_at=clock.db_now() - timedelta(hours=1))
    html = pagina()
    assert "Sem sinal" in html and "Nenhuma máquina está ligada" in html and "Esvaziar" not in html


def test_a_machine_switched_off_in_order_is_off_and_shows_no_figures() -> None:
    novo_host(heartbeat_at=None, cpu=99.0, memory=99.0, canary_at=clock.db_now())
    html = pagina()
    assert "Desligada" in html and "Sem sinal" not in html and "sem sinal" not in html
    assert "<meter" not in html and "respondeu" not in html and "PID" not in html


@pytest.mark.parametrize("n", [1, 20])
def test_a_poll_takes_two_queries_whatever_the_number_of_rows(n: int) -> None:
    for _ in range(n):
        novo_robo(nova_execucao(1), novo_host())
    client = como("Operadores")
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/maquinas/", headers=HTMX).status_code == 200
    assert len(captured) - AUTH_QUERIES - em_postgres() == 2


def test_an_unchanged_poll_is_204(tempo: Any) -> None:
    novo_robo(nova_execucao(1), novo_host())
    client = como("Leitores")
    found = re.search(r'hx-get="([^"]+)"', client.get("/maquinas/").content.decode())
    tempo.avancar(5)
    assert found and client.get(found[1], headers=HTMX).status_code == 204


def test_emptying_is_confirmed_by_a_page_that_names_what_stops() -> None:
    host = novo_host()
    batch = nova_execucao(2, max_robots=2)
    robo = novo_robo(batch, host)
    item = tomado(batch, robo)
    novo_robo(batch, host)
    html = como("Operadores").get(f"/maquinas/{host.pk}/esvaziar/confirmar").content.decode()
    assert f"Esvaziar a máquina {host}?" in html and "Esvaziar: parar 2 processos" in html
    assert f"PID {robo.pid} em {host}, #{batch.pk}, com o processo {item.numero_processo} em mãos" in html
    host.esvaziar()
    response = como("Operadores").get(f"/maquinas/{host.pk}/esvaziar/confirmar")
    assert (response["Location"], "Nada mudou" in textos(response)[-1]) == ("/maquinas/", True)


def test_an_emptied_machine_takes_nothing_new_until_it_is_freed_and_twice_changes_nothing() -> None:
    host = novo_host()
    client = como("Operadores")

    def post(act: str) -> str:
        response = client.post(f"/maquinas/{host.pk}/{act}")
        assert response["Location"] == "/maquinas/"
        return textos(response)[-1]

    def free() -> bool:
        return Host.objects.de_todos(clock.db_now()).exists()

    assert "sendo esvaziada" in post("esvaziar") and not free()
    before, lines = Host.objects.values().get(), Registro.objects.count()
    assert "Nada mudou" in post("esvaziar")
    assert (Host.objects.values().get(), Registro.objects.count()) == (before, lines)
    assert "Vazia, não recebe" in pagina()
    assert "voltou a receber" in post("liberar") and free()
    lines = Registro.objects.count()
    assert "Nada mudou" in post("liberar") and Registro.objects.count() == lines


def test_an_agent_that_stops_takes_no_notice_of_who_frees_its_machine() -> None:
    host = novo_host()
    host.parar()
    since = Host.objects.get().draining_at
    host.parar()
    assert Host.objects.get().draining_at == since  # said again at each turn, it stays the first time
    host.liberar()
    host.parar()
    assert Host.objects.get().draining_at is not None


@pytest.mark.parametrize("ato", ["esvaziar", "liberar"])
def test_the_acts_refuse_get_the_anonymous_and_who_may_not(ato: str) -> None:
    host = novo_host()
    before = Host.objects.values().get()
    assert como("Operadores").get(f"/maquinas/{host.pk}/{ato}").status_code == 405
    assert Client().post(f"/maquinas/{host.pk}/{ato}")["Location"] == "/entrar/?next=/"
    assert como("Leitores").post(f"/maquinas/{host.pk}/{ato}").status_code == 403
    assert como("Leitores").get(f"/maquinas/{host.pk}/esvaziar/confirmar").status_code == 403
    assert Host.objects.values().get() == before
