"""The help page says what every word means: none of the models' choices is missing, and the keys are the bar's."""

import pytest
from django.test import Client

from executions.models import Alarme, Disparo, Execucao, JobItem, Processo
from executions.panorama import Espera
from executions.results import ErroClasse, Resultado
from executions.templatetags.navegacao import LUGARES
from executions.templatetags.paginas import TRABALHO
from executions.views.ajuda import secoes
from tests.pages import como, pagina_leve, pessoa  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]


def test_every_state_result_failure_wait_and_end_has_its_sentence() -> None:
    told = {secao.chave: len([p for p in secao.palavras if str(p.sentido).endswith((".", "…"))]) for secao in secoes()}
    assert told == {
        "execucoes": len(Execucao.Status),
        "itens": len(JobItem.Status),
        "resultados": len(Resultado),
        "falhas": len(ErroClasse),
        "esperas": len(set(Espera) - {Espera.NADA, Espera.TERMINADA}),
        "robos": len(TRABALHO),
        "processos": len(Processo.Status),
        "desfechos": len(Processo.Motivo),
        "alarmes": len(Alarme),
        "disparos": len(Disparo.Desfecho),
    }


def test_the_page_shows_each_word_and_each_key() -> None:
    html = como("Leitores").get("/ajuda/").content.decode()
    for secao in secoes():
        assert f'id="{secao.chave}"' in html
        for palavra in secao.palavras:
            assert str(palavra.nome) in html and str(palavra.sentido) in html
    for lugar in LUGARES:
        assert f"<kbd>{lugar.tecla}</kbd></dt><dd>{lugar.texto}" in html


def test_no_two_places_share_a_key() -> None:
    assert len({lugar.tecla for lugar in LUGARES}) == len(LUGARES)


def test_the_help_is_for_who_is_known() -> None:
    assert Client().get("/ajuda/")["Location"] == "/entrar/?next=/ajuda/"
    assert como("Leitores").post("/ajuda/").status_code == 405


def test_the_bar_shows_only_what_may_be_opened_and_marks_where_we_are() -> None:
    html = como("Leitores").get("/ajuda/").content.decode()
    assert '<a href="/ajuda/" data-tecla="h" aria-current="page">' in html
    assert 'href="/portais/"' in html and 'href="/admin/"' not in html
    nobody = Client()
    nobody.force_login(pessoa())
    assert 'href="/portais/"' not in nobody.get("/ajuda/").content.decode()
