"""The page of one robot: it shows its screen to whom may see it, keeps it showing, and ends with it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions import clock
from executions.models import Processo, Quadro, Registro
from executions.results import Resposta, Resultado
from tests.factories import em_postgres, nova_execucao, novo_robo, tomado
from tests.pages import (
    HTMX,
    JPEG,
    como,
    pagina_leve,  # noqa: F401 (a fixture)
    pessoa,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
OWN_QUERIES = 4  # and the clock on PostgreSQL
AUTH_QUERIES = 4


def com_tela(**campos: Any) -> Processo:
    robo = novo_robo(nova_execucao(), **campos)
    Quadro.objects.guardar(robo.pk, JPEG, clock.db_now())
    return robo


def url(robo: Processo, o_que: str = "") -> str:
    return f"/robos/{robo.uuid}/{o_que}"


def tick(html: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', html)
    assert found, "the fragment does not poll"
    return found[1].replace("&amp;", "&")


# ---- who -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("grupo", "status"), [("Leitores", 403), ("Operadores", 200), ("Supervisores", 200), ("", 403)]
)
def test_a_screen_is_given_only_to_whom_may_see_it(grupo: str, status: int) -> None:
    response = como(grupo).get(url(com_tela(), "tela.jpg"))
    assert response.status_code == status
    assert (response.content == JPEG) is (status == 200)


@pytest.mark.parametrize("o_que", ["", "tela.jpg"])
def test_the_anonymous_goes_to_the_login_and_a_post_is_refused(o_que: str) -> None:
    robo = com_tela()
    assert Client().get(url(robo, o_que))["Location"].startswith("/entrar/")
    assert como("Operadores").post(url(robo, o_que)).status_code == 405


def test_who_may_not_see_screens_gets_the_page_without_one_and_keeps_nothing_showing() -> None:
    robo = com_tela()
    html = como("Leitores").get(url(robo)).content.decode()
    assert "não tem permissão para ver a tela" in html
    assert "tela.jpg" not in html and "Encerrar…" not in html
    robo.refresh_from_db()
    assert robo.watch_until is None


def test_a_screen_is_kept_nowhere_on_its_way() -> None:
    response = como("Operadores").get(url(com_tela(), "tela.jpg?v=1"))
    assert response["Content-Type"] == "image/jpeg"
    assert response["Cache-Control"] == "no-store"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_no_screen_is_404() -> None:
    robo = com_tela()
    Quadro.objects.all().delete()
    assert como("Operadores").get(url(robo, "tela.jpg")).status_code == 404
    unknown = "/robos/00000000-0000-0000-0000-000000000000/"
    assert [como("Operadores").get(unknown + what).status_code for what in ("", "tela.jpg")] == [404, 404]


# ---- what ----------------------------------------------------------------------------------------------------------
def test_the_page_shows_the_screen_the_case_the_step_and_the_acts(tempo: Any) -> None:
    robo = com_tela(passo="lendo anexos", cpu=38.0, rss=612_000_000)
    item = tomado(robo.execucao, robo)
    Registro.objects.anotar("login", "Login feito.", execucao=robo.execucao, processo_id=robo.pk)
    Registro.objects.anotar("login", "De outro.", execucao=robo.execucao)
    html = como("Operadores").get(url(robo)).content.decode()
    for words in (
        f"/robos/{robo.uuid}/tela.jpg?v=1", item.numero_processo, "lendo anexos", "38%", "612 MB", "Login feito.",
        f"/robos/{robo.uuid}/encerrar/confirmar", f"/robos/{robo.uuid}/reiniciar/confirmar",
        f'href="/execucoes/{robo.execucao_id}/"', f"/execucoes/{robo.execucao_id}/itens/{item.ordem}/",
    ):  # fmt: skip
        assert words in html
    assert "De outro." not in html


def test_before_the_first_picture_it_says_so() -> None:
    robo = novo_robo(nova_execucao())
    assert "Aguardando a primeira imagem" in como("Operadores").get(url(robo)).content.decode()
    asked = Processo.objects.pedir(robo.execucao, robo.host, clock.db_now())
    assert "ainda não abriu o navegador" in como("Operadores").get(url(asked)).content.decode()


def test_an_ended_robot_says_so_shows_nothing_and_is_not_polled() -> None:
    robo = com_tela()
    client = como("Operadores")
    poll = tick(client.get(url(robo)).content.decode())
    robo.terminar("exited", motivo="concluido", erro="")
    html = client.get(poll, headers=HTMX).content.decode()
    assert "Este robô terminou" in html and "tela.jpg" not in html
    assert "hx-get" not in html and "data-ritmo" not in html
    assert 'id="acoes" hx-swap-oob="true"' in html and "Encerrar…" not in html
    assert client.get(url(robo, "tela.jpg")).status_code == 404


def test_the_poll_keeps_the_robot_showing_and_brings_only_what_changed(tempo: Any, settings: Any) -> None:
    robo = com_tela()
    client = como("Operadores")
    poll = tick(client.get(url(robo)).content.decode())
    watched = Processo.objects.get(pk=robo.pk).watch_until
    assert watched == tempo.agora + timedelta(seconds=settings.WATCH_SECONDS)
    tempo.avancar(1)
    assert client.get(poll, headers=HTMX).status_code == 204
    assert Processo.objects.get(pk=robo.pk).watch_until == watched
    Quadro.objects.guardar(robo.pk, JPEG + b"2", tempo.agora)
    tempo.avancar(settings.WATCH_SECONDS)
    html = client.get(poll, headers=HTMX).content.decode()
    assert "tela.jpg?v=2" in html and "data-tela" in html and "hx-preserve" in html
    assert Processo.objects.get(pk=robo.pk).watch_until > watched


@pytest.mark.parametrize("linhas", [1, 300])
def test_a_poll_takes_the_same_few_queries_however_much_there_is(linhas: int) -> None:
    robo = com_tela()
    for _ in range(linhas):
        Registro.objects.anotar("x", "linha", execucao=robo.execucao, processo_id=robo.pk)
    tomado(robo.execucao, robo)
    client = como("Operadores")
    with CaptureQueriesContext(connection) as page:
        client.get(url(robo))
    assert len(page) - AUTH_QUERIES == OWN_QUERIES + em_postgres()
    with CaptureQueriesContext(connection) as poll:
        client.get(url(robo), headers=HTMX)
    assert len(poll) == len(page) - 1, "what keeps it showing is not written again"
    assert not [query for query in poll.captured_queries if '"jpeg"' in query["sql"] or '"arquivo"' in query["sql"]]


def test_a_robot_being_killed_offers_no_more_acts() -> None:
    robo = com_tela()
    robo.reiniciar(pessoa())
    html = como("Operadores").get(url(robo)).content.decode()
    assert "Sendo encerrado" in html and "Encerrar…" not in html and "Reiniciar…" not in html


def test_an_ended_robot_says_in_words_why_it_left_and_never_an_exit_status(tempo: Any) -> None:
    robo = com_tela()
    item = tomado(robo.execucao, robo)
    item.concluir(Resposta(Resultado.NAO_LOCALIZADA))
    robo.terminar("exited", motivo="concluido", exit_code=0)
    html = como("Operadores").get(url(robo)).content.decode()
    assert "Sem mais itens</span>" in html and "Fez o que tinha a fazer." in html and "concluiu" not in html
    assert f'href="/execucoes/{robo.execucao_id}/?robo={robo.pk}#itens">1</a>' in html
