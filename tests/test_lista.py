"""The list of executions: tabs that count what they lead to, filters in the address, pages by key."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from executions.lista import POR_PAGINA
from executions.models import Execucao
from executions.results import Resposta, Resultado
from executions.templatetags.previsao import momento
from tests.factories import nova_execucao, novo_robo, tomado
from tests.pages import (
    HTMX,
    com_falhas,
    como,
    pagina_leve,  # noqa: F401 (a fixture)
    pausada,
    pessoa,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
URL = "/execucoes/"


def _linhas(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<tr id="exec-(\d+)"', html)]


def _abas(html: str) -> dict[str, tuple[str, int]]:
    """Words -> (address, count)."""
    nav = html[html.index('id="abas"') : html.index("</nav>", html.index('id="abas"'))]
    found = re.findall(r'href="([^"]+)"[^>]*>([^<]+)<span class="count">([\d.]+)</span>', nav)
    return {words: (url.replace("&amp;", "&"), int(n.replace(".", ""))) for url, words, n in found}


def test_each_tab_counts_exactly_what_it_lists() -> None:
    waiting, paused, failed = nova_execucao(1), pausada(), com_falhas()
    running = nova_execucao(2)
    tomado(running, novo_robo(running))
    done = nova_execucao(1)
    tomado(done, novo_robo(done)).falhar("tempo_esgotado", "lento")
    client = como("Leitores")
    tabs = _abas(client.get(URL).content.decode())
    wanted = {
        "Todas": 5, "Na fila": [waiting.pk], "Em execução": [running.pk], "Pausadas": [paused.pk],
        "Concluídas": [done.pk], "Com erro": [failed.pk],
    }  # fmt: skip
    assert set(tabs) == set(wanted)
    for words, (url, n) in tabs.items():
        rows = _linhas(client.get(url).content.decode())
        assert len(rows) == n, words
        assert rows == wanted[words] or words == "Todas"
    assert sorted(_linhas(client.get(f"{URL}?estado=aberta").content.decode())) == [waiting.pk, paused.pk, running.pk]


def test_a_search_finds_a_number_or_a_part_of_the_title() -> None:
    first, second = nova_execucao(1, titulo="Petições de março"), nova_execucao(1, titulo="Recursos")
    client = como("Leitores")
    for q, found in [(f"%23{first.pk}", first), (str(second.pk), second), ("de mar", first), ("RECURSOS", second)]:
        assert _linhas(client.get(f"{URL}?q={q}").content.decode()) == [found.pk], q
    assert "Nenhuma execução com este filtro." in client.get(f"{URL}?q=nada").content.decode()


def test_portal_person_robot_and_dates_narrow_it_down_and_the_tabs_with_it() -> None:
    user, client = pessoa("Operadores"), Client()
    client.force_login(user)
    mine, other = nova_execucao(1, usuario=user), nova_execucao(1, usuario=pessoa())
    Execucao.objects.filter(pk=other.pk).update(created_at=timezone.now() - timedelta(days=3))
    today = timezone.localdate().isoformat()
    queries = (
        f"portal={mine.portal_id}", "usuario=eu", f"usuario={user.pk}", f"de={today}", f"de={today}&ate={today}",
    )  # fmt: skip
    for query in queries:
        html = client.get(f"{URL}?{query}").content.decode()
        assert _linhas(html) == [mine.pk], query
        url, n = _abas(html)["Na fila"]
        assert n == 1 and query.split("&")[0] in url
    assert _linhas(client.get(f"{URL}?robo=outro").content.decode()) == []
    assert len(_linhas(client.get(f"{URL}?robo=peticoes").content.decode())) == 2


def test_what_cannot_be_understood_is_left_out_and_a_date_is_explained() -> None:
    nova_execucao(1)
    client = como("Leitores")
    for query in ("estado=x", "usuario=x", "portal=x", "antes=x", "resultado=x&desde=hoje", "q=%00", f"antes={9**30}"):
        assert len(_linhas(client.get(f"{URL}?{query}").content.decode())) == 1, query
    html = client.get(f"{URL}?de=31/12").content.decode()
    assert "Informe uma data válida." in html and 'aria-invalid="true"' in html


def test_pages_go_by_key_there_and_back_and_keep_the_filter() -> None:
    batches = [nova_execucao(1, titulo="lote").pk for _ in range(POR_PAGINA + 2)]
    nova_execucao(1)
    client = como("Leitores")
    first = client.get(f"{URL}?q=lote").content.decode()
    assert _linhas(first) == batches[:1:-1]
    older = re.findall(r'id="mais-antigas" href="([^"]+)"', first)[0].replace("&amp;", "&")
    second = client.get(URL + older).content.decode()
    assert _linhas(second) == batches[1::-1]
    newer = re.findall(r'id="mais-novas" href="([^"]+)"', second)[0].replace("&amp;", "&")
    assert _linhas(client.get(URL + newer).content.decode()) == batches[:1:-1]
    assert "mais-novas" not in first and "mais-antigas" not in second


def test_a_poll_keeps_the_filter_swaps_no_form_and_is_204_while_nothing_changed() -> None:
    batch = nova_execucao(1, titulo="lote")
    client = como("Leitores")
    html = client.get(f"{URL}?q=lote&estado=na_fila").content.decode()
    tick = re.findall(r'hx-get="([^"]+)"', html)[0].replace("&amp;", "&")
    assert "q=lote" in tick and "estado=na_fila" in tick
    assert client.get(tick, headers=HTMX).status_code == 204
    batch.pausar()
    fragment = client.get(tick, headers=HTMX).content.decode()
    assert "<form" not in fragment and "<input" not in fragment
    assert _linhas(fragment) == []


def test_the_list_is_for_who_may_see_executions() -> None:
    assert Client().get(URL)["Location"] == f"/entrar/?next={URL}"
    assert como("").get(URL).status_code == 403
    assert Client().post(URL).status_code == 405


def test_titles_are_escaped() -> None:
    nova_execucao(1, titulo="<script>alert(1)</script>")
    html = como("Leitores").get(f"{URL}?q=<script>").content.decode()
    assert "<script>alert" not in html and 'value="<script>' not in html


def test_a_line_counts_the_answers_by_result_or_in_one_number_where_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = nova_execucao(3)
    robo = novo_robo(batch)
    for answer in (Resultado.PROTOCOLADA, Resultado.NAO_LOCALIZADA, Resultado.NAO_LOCALIZADA):
        tomado(batch, robo).concluir(Resposta(answer))
    client, url = como("Leitores"), f"/execucoes/{batch.pk}/"
    html = client.get(URL).content.decode()
    assert f'href="{url}?resultado=protocolada#itens">1</a>' in html
    assert f'href="{url}?resultado=nao_localizada#itens">2</a>' in html
    monkeypatch.setattr("executions.lista.CONTADAS", 2)
    assert f'href="{url}?situacao=done#itens">3 respondidos</a>' in client.get(URL).content.decode()


def test_a_time_that_is_past_is_never_rounded_to_a_minute_that_is_still_to_come() -> None:
    at = timezone.localtime().replace(hour=17, minute=41, second=45, microsecond=0)
    assert ">17:41<" in momento(at, at + timedelta(seconds=5))
    assert ">17:42<" in momento(at, at - timedelta(seconds=5))
