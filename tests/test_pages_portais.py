"""The page of the portals: state, sessions, logins without passwords, outages; and the probe that is asked for."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions import clock
from executions.models import Portal, Registro
from executions.views.portais import quedas
from tests.factories import em_postgres, nova_credencial, nova_execucao, novo_portal, novo_robo
from tests.pages import HTMX, como, pagina_leve, textos  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
AUTH_QUERIES = 4


def caido() -> Portal:
    portal = novo_portal(nome="Projudi de teste")
    portal.abrir_disjuntor()
    portal.refresh_from_db()
    return portal


def pagina(grupo: str = "Supervisores") -> str:
    return como(grupo).get("/portais/").content.decode()


def test_it_shows_the_sessions_the_interval_and_the_open_executions() -> None:
    portal = novo_portal(max_sessions=4, min_interval_s=2.5, tribunais=["8.99", "8.09"])
    batch = nova_execucao(4, credencial=nova_credencial(portal, max_sessions=3), max_robots=2)
    novo_robo(batch)
    novo_robo(batch)
    html = pagina()
    assert "<dd>2 de 4</dd>" in html and "2 de 3 sessões" in html
    assert "uma consulta a cada 2,5 s" in html and "8.99, 8.09" in html
    assert "<dt>Execuções abertas</dt><dd>1</dd>" in html and "No ar" in html


def test_a_login_shows_its_state_and_never_its_password() -> None:
    portal = novo_portal()
    aceita, recusada, bloqueada = (nova_credencial(portal, aceita=n == 0) for n in range(3))
    recusada.recusar()
    bloqueada.bloquear()
    html = pagina()
    for words in ("Aceita", "Recusada", "Bloqueada pelo portal"):
        assert words in html
    assert "segredo" not in html and aceita.senha_cifrada not in html


def test_who_may_not_see_logins_sees_none() -> None:
    login = nova_credencial()
    assert login.usuario not in pagina("Leitores") and login.usuario in pagina("Supervisores")


def test_a_portal_that_fell_says_since_when_and_when_it_is_tried_again() -> None:
    portal = caido()
    html = pagina("Operadores")
    assert "Fora do ar" in html and f'formaction="/portais/{portal.pk}/sondar"' in html
    assert "ainda fora do ar" in html
    assert "formaction" not in pagina("Leitores")


def test_outages_are_read_from_the_log_the_newest_first(tempo: Any) -> None:
    one, other = novo_portal(nome="Um"), novo_portal(nome="Outro não responde nunca")
    began = tempo.agora
    one.abrir_disjuntor()
    tempo.avancar(60)
    other.abrir_disjuntor()
    tempo.avancar(60)
    one.fechar_disjuntor()
    found = quedas(Registro.objects.de_portais(10))
    assert [(q.portal, q.de, q.ate) for q in found] == [
        (other.nome, began + timedelta(seconds=60), None),
        (one.nome, began, began + timedelta(seconds=120)),
    ]
    assert found[1].segundos == 120
    assert "2 min" in pagina()


@pytest.mark.parametrize("n", [1, 20])
def test_a_poll_takes_five_queries_whatever_the_number_of_rows(n: int) -> None:
    for _ in range(n):
        batch = nova_execucao(1)
        novo_robo(batch)
        batch.portal.abrir_disjuntor()
    client = como("Supervisores")
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/portais/", headers=HTMX).status_code == 200
    assert len(captured) - AUTH_QUERIES - em_postgres() == 5


def test_an_unchanged_poll_is_204(tempo: Any) -> None:
    caido()
    client = como("Operadores")
    found = re.search(r'hx-get="([^"]+)"', client.get("/portais/").content.decode())
    tempo.avancar(5)
    assert found and client.get(found[1], headers=HTMX).status_code == 204


def test_testar_agora_makes_the_next_probe_due_and_twice_changes_nothing() -> None:
    portal = caido()
    assert portal.probe_at and portal.probe_at > clock.db_now()
    client = como("Operadores")
    assert "sonda em instantes" in textos(client.post(f"/portais/{portal.pk}/sondar"))[-1]
    portal.refresh_from_db()
    assert portal.fora_do_ar and portal.probe_at and portal.probe_at <= clock.db_now()
    before, lines = Portal.objects.values().get(), Registro.objects.count()
    assert "Nada mudou" in textos(client.post(f"/portais/{portal.pk}/sondar"))[-1]
    assert (Portal.objects.values().get(), Registro.objects.count()) == (before, lines)
    assert portal.ganhar_sonda(clock.db_now()) and not portal.ganhar_sonda(clock.db_now())


def test_a_portal_that_answers_needs_no_probe() -> None:
    portal = novo_portal()
    assert "Nada mudou" in textos(como("Operadores").post(f"/portais/{portal.pk}/sondar"))[-1]
    portal.refresh_from_db()
    assert portal.probe_at is None


def test_the_act_refuses_get_the_anonymous_and_who_may_not() -> None:
    portal = caido()
    before = Portal.objects.values().get()
    assert como("Operadores").get(f"/portais/{portal.pk}/sondar").status_code == 405
    assert Client().post(f"/portais/{portal.pk}/sondar")["Location"] == "/entrar/?next=/"
    assert como("Leitores").post(f"/portais/{portal.pk}/sondar").status_code == 403
    assert Portal.objects.values().get() == before
