"""An execution's page: exactly the items that its numbers promise, and acts on exactly the items that were shown."""

import csv
import io
import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from executions import busca, itens
from executions.itens import Filtro
from executions.models import Execucao, JobItem, Registro
from executions.results import ErroClasse, Resposta, Resultado
from executions.views import linhas, log
from tests.factories import contadores, em_postgres, in_threads, nova_execucao, novo_robo, retrato, tomado
from tests.pages import (
    HTMX,
    acao,
    com_robos,
    como,
    pagina_leve,  # noqa: F401 (a fixture)
    textos,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
PAGE = itens.POR_PAGINA


def variada() -> Execucao:
    """Two not found, two filed, one possible, two expired sessions, one timeout, one that runs, one pending."""
    batch = nova_execucao(10, max_robots=4)
    robo = novo_robo(batch)
    for resultado in ["protocolada", "nao_localizada", "possivel", "nao_localizada", "protocolada"]:
        tomado(batch, robo).concluir(Resposta(Resultado(resultado), detalhes="visto"))
    for classe, erro in [("sessao_expirada", "saiu"), ("tempo_esgotado", "lento"), ("sessao_expirada", "saiu")]:
        tomado(batch, robo).falhar(classe, erro)
    tomado(batch, robo)
    return batch


def mostrados(html: str) -> list[int]:
    return [int(n) for n in re.findall(r'<tr id="item-(\d+)"', html)]


def url(batch: Execucao, query: str = "") -> str:
    return f"/execucoes/{batch.pk}/{query}"


def abrir(batch: Execucao, query: str = "", client: Client | None = None) -> str:
    return (client or como("Operadores")).get(url(batch, query)).content.decode()


def tick(html: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', html)
    assert found, "the fragment does not poll"
    return found[1].replace("&amp;", "&")


# ---- the table -------------------------------------------------------------------------------------------------------
def test_each_number_of_the_legend_and_of_the_tabs_leads_to_exactly_as_many_items() -> None:
    batch, client = variada(), como("Operadores")
    html = abrir(batch, client=client)
    legend = re.findall(r'<a id="partes-[^"]+" href="\?([^"#]+)#itens"><svg[^>]*><use[^>]*/></svg><b>(\d+)</b> ', html)
    assert [(query, int(n)) for query, n in legend] == [
        ("resultado=protocolada", 2), ("resultado=nao_localizada", 2), ("resultado=a_conferir", 1),
        ("situacao=failed", 3), ("situacao=running", 1), ("situacao=pending", 1),
    ]  # fmt: skip
    tabs = re.findall(r'<a id="aba-\w+" href="\?([^"#]*)#itens"[^>]*>[^<]+<span class="count">(\d+)', html)
    assert len(tabs) == 5
    for query, n in legend + tabs:
        assert len(mostrados(abrir(batch, f"?{query}", client))) == int(n), query


def test_a_group_of_failures_is_of_one_class_and_one_message_and_its_link_shows_exactly_those() -> None:
    batch, client = variada(), como("Operadores")
    JobItem.objects.filter(pk=batch.itens.falhados().filter(erro="saiu").first().pk).update(erro="saiu & voltou")
    html = abrir(batch, client=client)
    groups = re.findall(r'<span class="tone is-bad">(\d+) × ([^<]+)</span></h3><p class="sm">([^<]+)', html)
    assert sorted(groups) == [
        ("1", "Sessão expirada", "saiu"), ("1", "Sessão expirada", "saiu &amp; voltou"),
        ("1", "Tempo esgotado", "lento"),
    ]  # fmt: skip
    links = [
        link.replace("&amp;", "&")
        for link in re.findall(r'class="hit" id="[^"]+" href="(\?situacao=failed[^"#]+)', html)
    ]
    assert len(links) == 3
    assert sorted(sum((mostrados(abrir(batch, link, client)) for link in links), [])) == [6, 7, 8]
    assert all(len(mostrados(abrir(batch, link, client))) == 1 for link in links)


@pytest.mark.parametrize("ordem", [sign + name for name in itens.COLUNAS for sign in ("", "-")])
def test_pages_by_key_show_every_item_once_forwards_and_backwards(ordem: str) -> None:
    batch = nova_execucao(3 * PAGE + 4)
    for item in batch.itens.all():  # half without a value, many with the same
        k = item.ordem * 7 % 11
        at = batch.created_at - timedelta(days=k) if k % 2 else None
        JobItem.objects.filter(pk=item.pk).update(
            nome_arquivo=f"{k % 4}.pdf", numero_processo=f"c{k}", protocolada_em=at
        )
    pages, page = [], itens.pagina(batch, Filtro(ordem=ordem))
    assert page.antes is None
    while True:
        pages.append([item.ordem for item in page.itens])
        if page.apos is None:
            break
        page = itens.pagina(batch, Filtro(ordem=ordem, apos=page.apos))
    assert [len(some) for some in pages] == [PAGE, PAGE, PAGE, 4]
    assert sorted(sum(pages, [])) == list(range(1, 3 * PAGE + 5))
    back = []
    while page.antes is not None:
        page = itens.pagina(batch, Filtro(ordem=ordem, antes=page.antes))
        back.append([item.ordem for item in page.itens])
    assert back[::-1] == pages[:-1]
    column = itens.COLUNAS[ordem.removeprefix("-")][0]
    by_number = dict(batch.itens.values_list("ordem", column))
    values = [by_number[number] for page in pages for number in page]
    known = [value for value in values if value is not None]
    assert values[: len(known)] == known == sorted(known, reverse=ordem.startswith("-"))  # without a value: the last


def test_a_file_is_found_by_its_name_its_case_and_its_identifier_however_they_are_typed() -> None:
    batch = nova_execucao(3)
    name, number = "8000131.26.2026.8.99.0152_4321_87654_Manifestação.pdf", "8000131-26.2026.8.99.0152"
    text = busca.texto_de(name, number, "4321_87654")
    JobItem.objects.filter(execucao=batch, ordem=2).update(busca=text)
    for typed in ["manifestacao", "MANIFESTAÇÃO", number, "8000131 26", "80001312620268990152", "4321_87654", "131.26"]:
        assert [i.ordem for i in itens.pagina(batch, Filtro(q=typed)).itens] == [2], typed
    for typed in ["contestação", "80001313", "%", "_4321_9"]:
        assert itens.pagina(batch, Filtro(q=typed)).itens == [], typed


def test_new_items_can_be_searched_at_once() -> None:
    batch = nova_execucao(3)
    assert [i.ordem for i in itens.pagina(batch, Filtro(q="arquivo-1")).itens] == [2]


def test_the_robot_filter_shows_what_it_had_in_hands() -> None:
    batch = nova_execucao(3, max_robots=2)
    first, second = novo_robo(batch), novo_robo(batch)
    tomado(batch, first).concluir(Resposta(Resultado.PROTOCOLADA))
    tomado(batch, second)
    assert mostrados(abrir(batch, f"?robo={first.pk}")) == [1]
    assert mostrados(abrir(batch, f"?robo={second.pk}")) == [2]


def test_what_an_address_says_that_nobody_understands_is_left_out() -> None:
    batch = nova_execucao(2)
    for query in [
        "?situacao=x",
        "?resultado=%00",
        "?ordem=-",
        "?apos=abc",
        "?robo=9999999999999",
        "?erro=x&mensagem=y",
    ]:
        assert mostrados(abrir(batch, query)) in ([1, 2], [2, 1])
    assert "Nenhum item com este filtro." in abrir(batch, "?q=%00nada")


def test_known_rows_travel_as_runs() -> None:
    assert linhas.escrever([1, 2, 3, 7, 9, 10]) == "1-3,7,9-10"
    assert linhas.ler("1-3,7,9-10") == [1, 2, 3, 7, 9, 10]
    assert linhas.ler("3-1,5") == [5] and linhas.ler("x") == []
    assert len(linhas.ler("1-999999999")) == PAGE


# ---- polls -----------------------------------------------------------------------------------------------------------
def test_a_poll_swaps_the_cells_of_changed_rows_alone_and_never_a_tick_box() -> None:
    batch, client = nova_execucao(3), como("Operadores")
    html = abrir(batch, client=client)
    tomado(batch).concluir(Resposta(Resultado.PROTOCOLADA))
    poll = client.get(tick(html), headers=HTMX).content.decode()
    assert re.findall(r'<td id="(i\d+-s)"', poll) == ["i1-s"]
    assert "<tr" not in poll and "checkbox" not in poll and 'id="escolha"' not in poll
    again = client.get(tick(poll), headers=HTMX)
    assert again.status_code == 204


def test_rows_stay_when_they_leave_the_filter_and_new_ones_are_announced() -> None:
    batch, client = variada(), como("Operadores")
    html = abrir(batch, "?situacao=failed", client)
    assert mostrados(html) == [6, 7, 8]
    batch.itens.em_andamento().get().falhar("navegador", "caiu")
    poll = client.get(tick(html), headers=HTMX).content.decode()
    assert "1 item novo nesta lista." in poll and 'href="?situacao=failed#itens">Mostrar' in poll
    assert "i9-s" not in poll
    batch.reabrir(classe="tempo_esgotado")
    batch.reabrir(classe="navegador")
    poll = client.get(tick(poll), headers=HTMX).content.decode()
    assert "i7-s" in poll and "1 item saiu desta lista." in poll


def test_the_timeline_tells_the_end_and_no_end_of_what_was_reopened() -> None:
    batch, client = nova_execucao(2), como("Leitores")
    robo = novo_robo(batch)
    tomado(batch, robo).concluir(Resposta(Resultado.PROTOCOLADA))

    def timeline() -> str:
        return abrir(batch, client=client).split('id="eventos"')[1]

    assert "Concluída." not in timeline()
    tomado(batch, robo).falhar("navegador", "x")
    assert timeline().index("Concluída.") < timeline().index("Enfileirada")
    batch.reabrir()
    assert "Concluída." not in timeline()


def test_the_log_is_appended_after_the_last_line_with_its_level_kept() -> None:
    batch, client = nova_execucao(1), como("Leitores")
    for level in ["info", "warning", "error"]:
        Registro.objects.anotar("x", f"linha {level}", level=level, execucao=batch)
    seen = abrir(batch, "?nivel=warning", client)
    log = seen[seen.index('id="log-linhas"') : seen.index("Linha do tempo")]
    assert "linha warning" in log and "linha error" in log and "linha info" not in log
    Registro.objects.anotar("x", "outra info", execucao=batch)
    Registro.objects.anotar("x", "outra error", level="error", execucao=batch)
    poll = client.get(tick(seen), headers=HTMX).content.decode()
    added = poll[poll.index("beforeend:#log-linhas") :]
    assert "outra error" in added and "outra info" not in added and "linha warning" not in added
    assert client.get(tick(poll), headers=HTMX).status_code == 204


def test_a_line_that_is_committed_after_later_ones_is_shown_by_the_next_poll() -> None:
    """On PostgreSQL a transaction that took its number first may end last."""
    batch, client = nova_execucao(1), como("Leitores")
    first = Registro.objects.latest("pk").pk
    lines = [{"at": batch.created_at, "evento": "x", "mensagem": f"linha {n}", "execucao": batch} for n in range(120)]
    Registro.objects.bulk_create(Registro(pk=first + 2 + n, **line) for n, line in enumerate(lines) if n != 80)
    html = abrir(batch, client=client)
    Registro.objects.create(pk=first + 2 + 80, **lines[80])
    poll = client.get(tick(html), headers=HTMX).content.decode()
    assert re.findall(r'<li id="l(\d+)"', poll) == [str(first + 2 + 80)]
    assert client.get(tick(poll), headers=HTMX).status_code == 204
    Registro.objects.create(pk=first + 200, **lines[0])
    assert client.get(tick(poll), headers=HTMX).content.decode().count('<li id="l') == 1


@pytest.mark.parametrize("texto", ["x", "7.", "7.-1", "9" * 19, ".".join("1" * 51)])
def test_numbers_of_lines_that_no_page_wrote_are_none(texto: str) -> None:
    assert log.ler(texto) == []
    assert log.ler(log.escrever([7, 8, 12])) == [7, 8, 12] and log.escrever([7, 8, 12]) == "7.1.4"


@pytest.mark.django_db(transaction=True)
def test_a_slow_transaction_s_line_is_not_lost_behind_a_quick_one_s() -> None:
    if not em_postgres():  # BEGIN IMMEDIATE: there is no second writer
        return
    batch, client = nova_execucao(1), como("Leitores")
    html = abrir(batch, client=client)
    written, may_commit = threading.Event(), threading.Event()

    def slow(_n: int) -> None:
        with transaction.atomic():
            Registro.objects.anotar("x", "a lenta", execucao=batch.pk)
            written.set()
            assert may_commit.wait(30)

    thread = threading.Thread(target=in_threads, args=(1, slow))
    thread.start()
    assert written.wait(30)
    Registro.objects.anotar("x", "a rápida", execucao=batch)
    poll = client.get(tick(html), headers=HTMX).content.decode()
    may_commit.set()
    thread.join(30)
    late = client.get(tick(poll), headers=HTMX).content.decode()
    added = late[late.index("beforeend:#log-linhas") :]
    assert "a rápida" in poll and "a lenta" not in poll
    assert "a lenta" in added and "a rápida" not in added


def test_a_long_log_comes_in_answers_of_five_hundred_lines() -> None:
    batch, client = nova_execucao(1), como("Leitores")
    html = abrir(batch, client=client)
    Registro.objects.bulk_create(
        Registro(at=batch.created_at, evento="x", mensagem=f"linha {n}", execucao=batch) for n in range(700)
    )
    first = client.get(tick(html), headers=HTMX).content.decode()
    rest = client.get(tick(first), headers=HTMX).content.decode()
    assert first.count('<li id="l') == 500 and 'data-ritmo="250"' in first
    assert rest.count('<li id="l') == 200 and 'data-ritmo="15000"' in rest


def test_the_chart_is_asked_for_only_when_a_new_column_is_there(tempo: Any) -> None:
    batch, client = nova_execucao(9), como("Leitores")
    tomado(batch).concluir(Resposta(Resultado.PROTOCOLADA))
    tempo.avancar(150)
    html = abrir(batch, client=client)
    assert 'aria-label="Itens por minuto, das' in html
    tempo.avancar(1)
    with CaptureQueriesContext(connection) as queries:
        client.get(tick(html), headers=HTMX)
    assert not [q for q in queries.captured_queries if "faixa" in q["sql"]]
    tempo.avancar(60)
    assert 'id="grafico"' in client.get(tick(html), headers=HTMX).content.decode()


@pytest.mark.parametrize("query", ["", "?situacao=done&ordem=-protocolada", "?q=arquivo"])
def test_a_poll_and_a_page_cost_the_same_with_one_row_and_with_three_hundred(query: str) -> None:
    taken = []
    for n in (2, 300):
        batch = nova_execucao(n)
        robo = novo_robo(batch)
        tomado(batch, robo).concluir(Resposta(Resultado.PROTOCOLADA))
        Registro.objects.bulk_create(
            Registro(at=batch.created_at, evento="x", mensagem="y", execucao=batch) for _ in range(n)
        )
        client = como("Operadores")
        html = abrir(batch, query, client)
        for address, headers in ((url(batch, query), {}), (tick(html), HTMX)):
            with CaptureQueriesContext(connection) as queries:
                client.get(address, headers=headers)
            taken.append(len(queries))
    assert taken[:2] == taken[2:]
    assert taken[1] <= 6 + 4 + em_postgres()  # beside the session, the user and the permissions


# ---- the acts --------------------------------------------------------------------------------------------------------
def reabrir(batch: Execucao, client: Client | None = None, **campos: Any) -> Any:
    return (client or como("Operadores")).post(acao("reabrir", batch), campos)


def test_a_group_is_reopened_alone_and_twice_changes_nothing() -> None:
    batch = variada()
    form = {"filtro": 1, "erro": "sessao_expirada", "mensagem": "saiu", "n": 2}
    assert textos(reabrir(batch, **form)) == ["2 falhas reabertas."]
    assert contadores(batch) == (3, 1, 5, 1)
    before = retrato(batch)
    assert textos(reabrir(batch, **form)) == [
        "O número mudou: agora são 0 falhas. Nada foi reaberto; confira e repita."
    ]
    assert retrato(batch) == before


def test_the_chosen_items_are_reopened_and_only_if_all_of_them_are_failures() -> None:
    batch = variada()
    before = retrato(batch)
    assert "O número mudou" in textos(reabrir(batch, item=[6, 1]))[0]
    assert "O número mudou" in textos(reabrir(batch, item=[6, 999]))[0]
    assert textos(reabrir(batch, item=["x"])) == ["Nenhum item foi escolhido: nada foi reaberto."]
    assert textos(reabrir(batch, escolhidos=1)) == ["Nenhum item foi escolhido: nada foi reaberto."]
    assert retrato(batch) == before
    assert textos(reabrir(batch, item=[6, 7])) == ["2 falhas reabertas."]
    assert list(batch.itens.falhados().values_list("ordem", flat=True)) == [8]


def test_an_item_is_not_reopened_in_another_execution() -> None:
    batch, other = variada(), variada()
    before = retrato(other)
    reabrir(batch, item=[6])
    assert retrato(other) == before


@pytest.mark.parametrize(
    "campos", [{"n": ""}, {"n": "3", "erro": "nada"}, {"n": "3", "situacao": "x"}, {"n": "3", "mensagem": "saiu"}, {}]
)
def test_a_filter_that_is_not_understood_or_not_counted_reopens_nothing(campos: dict[str, str]) -> None:
    batch = variada()
    before = retrato(batch)
    assert "nada foi reaberto" in textos(reabrir(batch, filtro=1, **campos))[0]
    assert retrato(batch) == before


def test_the_confirmation_says_the_exact_count_and_filter_and_the_act_keeps_to_it() -> None:
    batch, client = variada(), como("Operadores")
    html = client.get(f"{acao('confirmar_reabrir', batch)}?erro=sessao_expirada&q=arquivo").content.decode()
    assert "Reprocessar 2 falhas?" in html and "falha: sessão expirada; busca: “arquivo”" in html
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
    form.pop("csrfmiddlewaretoken")
    batch.itens.em_andamento().get().falhar("sessao_expirada", "saiu")  # one more, before the click
    assert textos(client.post(acao("reabrir", batch), form)) == [
        "O número mudou: agora são 3 falhas. Nada foi reaberto; confira e repita."
    ]
    assert batch.itens.falhados().count() == 4
    assert textos(client.post(acao("reabrir", batch), form | {"n": "3"}))[-1] == "3 falhas reabertas."
    assert list(batch.itens.falhados().values_list("erro_classe", flat=True)) == ["tempo_esgotado"]


def test_the_maximum_changes_while_it_runs_and_twice_changes_nothing() -> None:
    robo = com_robos()
    batch, client = robo.execucao, como("Operadores")
    assert batch is not None
    first = client.post(acao("max_robots", batch), {"max_robots": "1"})
    assert textos(first) == ["Máximo: 1 robô. 1 sai depois do item em mãos."]
    assert first["Location"] == url(batch)
    before, lines = retrato(batch), Registro.objects.count()
    again = client.post(acao("max_robots", batch), {"max_robots": "1"})
    assert textos(again)[-1] == "Nada mudou: o máximo de robôs já era esse."
    for wrong in ["0", "1001", "", "-1", "x", "1.5"]:
        refused = client.post(acao("max_robots", batch), {"max_robots": wrong})
        assert textos(refused)[-1] == "O máximo de robôs vai de 1 a 1000."
    assert (retrato(batch), Registro.objects.count()) == (before, lines)
    assert retrato(batch)[0][0]["max_robots"] == 1


def test_those_not_found_become_a_new_execution_with_the_same_options_once() -> None:
    batch = variada()
    batch.encerrar()
    client = como("Operadores")
    assert "Nova execução com as 2 não localizadas" in abrir(batch, client=client)
    before = retrato(batch)
    first = client.post(acao("repetir", batch))
    new = Execucao.objects.latest("id")
    assert first["Location"] == url(new) and retrato(batch) == before
    names = [(i.nome_arquivo, i.numero_processo, i.identificador) for i in new.itens.order_by("ordem")]
    old = batch.itens.filter(resultado="nao_localizada").order_by("ordem")
    assert names == [(i.nome_arquivo, i.numero_processo, i.identificador) for i in old] and len(names) == 2
    assert (new.portal, new.credencial, new.max_robots) == (batch.portal, batch.credencial, batch.max_robots)
    second = client.post(acao("repetir", batch))
    assert second["Location"] == url(new) and Execucao.objects.count() == 2
    assert textos(second)[-1].startswith("Nada mudou")
    assert textos(client.post(acao("repetir", new)))[-1] == "Nada mudou: não há itens não localizados."


@pytest.mark.parametrize(("nome", "dados"), [("max_robots", {"max_robots": "3"}), ("repetir", {})])
def test_the_new_acts_refuse_get_strangers_and_readers(nome: str, dados: dict[str, str]) -> None:
    batch = variada()
    before = retrato(batch)
    assert como("Operadores").get(acao(nome, batch)).status_code == 405
    assert Client().post(acao(nome, batch), dados)["Location"].startswith("/entrar/")
    assert como("Leitores").post(acao(nome, batch), dados).status_code == 403
    assert (retrato(batch), Execucao.objects.count()) == (before, 1)


def test_a_form_leads_back_only_to_a_page_of_its_execution() -> None:
    batch, client = variada(), como("Operadores")
    mine = f"{url(batch)}itens/6/"
    assert reabrir(batch, client, item=6, volta=mine)["Location"] == mine
    for foreign in ["//example.org/", "https://example.org/", "/execucoes/99/itens/1/", f"{url(batch)}../../sair/"]:
        assert reabrir(batch, client, item=7, volta=foreign)["Location"] == url(batch)


# ---- an item ---------------------------------------------------------------------------------------------------------
def test_an_item_tells_its_answer_its_evidence_its_attempts_and_its_log(django_assert_max_num_queries: Any) -> None:
    batch, client = nova_execucao(3), como("Operadores")
    robo = novo_robo(batch)
    item = tomado(batch, robo)
    item.devolver()
    item = tomado(batch, robo)
    item.expirar(dono_morto=True)  # which takes a token more
    item = tomado(batch, robo)
    Registro.objects.anotar("x", "li os anexos", execucao=batch, item_id=item.pk)
    Registro.objects.anotar("x", "de outro item", execucao=batch)
    item.concluir(Resposta(Resultado.AMBIGUA, detalhes="dois documentos", evidencia="12 | <b>Petição</b>\nSHA-256 ab"))
    page = reverse("executions:item", args=[batch.pk, 1])
    with django_assert_max_num_queries(5 + 4):
        html = client.get(page).content.decode()
    for words in [
        "Mais de um documento pode ser este.", "dois documentos", "12 | &lt;b&gt;Petição&lt;/b&gt;", "Ambígua",
        "Devolvido: a máquina parava", "li os anexos", f"Robô {robo.pk}",
    ]:  # fmt: skip
        assert words in html
    assert re.findall(r'<td class="title">(\d+)</td>', html) == ["3", "2", "1"]
    assert "de outro item" not in html and "Reprocessar este item" not in html
    evidence = client.get(reverse("executions:evidencia", args=[batch.pk, 1]))
    assert evidence.content.decode() == "12 | <b>Petição</b>\nSHA-256 ab"
    assert evidence["Content-Type"].startswith("text/plain") and "attachment" in evidence["Content-Disposition"]
    assert client.get(reverse("executions:evidencia", args=[batch.pk, 2])).status_code == 404
    assert client.get(reverse("executions:item", args=[batch.pk, 9])).status_code == 404
    assert como("").get(page).status_code == 403


def test_a_failed_item_is_done_again_from_its_page() -> None:
    batch, client = variada(), como("Operadores")
    page = reverse("executions:item", args=[batch.pk, 7])
    html = client.get(page).content.decode()
    assert "Reprocessar este item" in html and "Reprocessar" not in como("Leitores").get(page).content.decode()
    assert reabrir(batch, client, item=7, volta=page)["Location"] == page
    assert batch.itens.get(ordem=7).status == "pending"


# ---- exports ---------------------------------------------------------------------------------------------------------
def baixado(batch: Execucao, kind: str, query: str = "") -> list[list[str]]:
    response = como("Leitores").get(reverse(f"executions:exportar_{kind}", args=[batch.pk]) + query)
    assert response.status_code == 200 and f'execucao-{batch.pk}.{kind}"' in response["Content-Disposition"]
    body = b"".join(response.streaming_content)
    if kind == "csv":
        return list(csv.reader(io.StringIO(body.decode("utf-8-sig")), delimiter=";"))
    sheet = load_workbook(io.BytesIO(body)).active
    return [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_holds_exactly_what_the_filter_shows(kind: str) -> None:
    batch = variada()
    assert len(baixado(batch, kind)) == 1 + 10
    failed = baixado(batch, kind, "?erro=sessao_expirada&mensagem=saiu")
    assert [row[0] for row in failed[1:]] == ["arquivo-5.pdf", "arquivo-7.pdf"]
    assert failed[0][:3] == ["arquivo", "processo", "identificador"]
    assert failed[1][9] == "sessao_expirada" and failed[1][4] == ""
    html = abrir(batch, "?situacao=failed")
    assert "CSV, 3 itens" in html and "Planilha XLSX, 3 itens" in html and "exportar.xlsx?situacao=failed" in html


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_nothing_in_an_export_is_run_as_a_formula(kind: str) -> None:
    batch = nova_execucao(6)
    for ordem, name in enumerate(["=1+1", "+1", "-1", "@x", "\tx", "a\x0bb"], start=1):
        batch.itens.filter(ordem=ordem).update(nome_arquivo=name)
    response = como("Leitores").get(reverse(f"executions:exportar_{kind}", args=[batch.pk]))
    body = b"".join(response.streaming_content)
    if kind == "csv":
        cells = [row[0] for row in csv.reader(io.StringIO(body.decode("utf-8-sig")), delimiter=";")][1:]
        assert all(cell.startswith("'") for cell in cells[:5])
        return
    column = [row[0] for row in load_workbook(io.BytesIO(body)).active.iter_rows(min_row=2)]
    assert [cell.data_type for cell in column] == ["s"] * 6
    assert [cell.value for cell in column] == ["=1+1", "+1", "-1", "@x", "\tx", "ab"]


def test_an_export_and_the_log_are_for_who_may_see_executions() -> None:
    batch = nova_execucao(1)
    for name in ["exportar_csv", "exportar_xlsx", "baixar_log_da_execucao"]:
        address = reverse(f"executions:{name}", args=[batch.pk])
        assert como("").get(address).status_code == 403
        assert Client().get(address).status_code == 302
        assert como("Leitores").post(address).status_code == 405


def test_the_whole_log_can_be_downloaded() -> None:
    batch = nova_execucao(1)
    later = batch.created_at + timedelta(seconds=9)
    Registro.objects.bulk_create(
        Registro(at=later, evento="x", mensagem=f"linha\n{n}", execucao=batch) for n in range(1200)
    )
    response = como("Leitores").get(reverse("executions:baixar_log_da_execucao", args=[batch.pk]))
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert len(lines) == 1201 and lines[-1].endswith("linha 1199") and "INFO" in lines[-1]


def test_what_a_robot_wrote_late_stands_at_its_time_in_the_downloaded_log() -> None:
    batch = nova_execucao(1)
    seconds = [*range(1, 2500), 1995]  # the last one written late
    Registro.objects.bulk_create(
        Registro(at=batch.created_at + timedelta(seconds=s), evento="x", mensagem=f"{s:06}", execucao=batch)
        for s in seconds
    )
    response = como("Leitores").get(reverse("executions:baixar_log_da_execucao", args=[batch.pk]))
    lines = [line.split()[-1] for line in b"".join(response.streaming_content).decode().splitlines()]
    assert lines[1:] == [f"{s:06}" for s in sorted(seconds)]


def test_an_ended_batch_says_what_its_numbers_mean() -> None:
    batch = variada()
    batch.encerrar()
    html = abrir(batch)
    assert "2 petições não estão no processo." in html and "1 precisa de conferência:" in html
    assert "5 ficaram sem resposta." in html and str(ErroClasse.ENCERRADO.label) in html


def test_the_turn_of_a_minute_is_no_news_of_a_batch_without_a_chart(tempo: Any) -> None:
    tempo.agora = tempo.agora.replace(second=58)
    batch, client = nova_execucao(3), como("Leitores")
    tomado(batch)
    html = abrir(batch, client=client)
    tempo.avancar(5)
    assert client.get(tick(html), headers=HTMX).status_code == 204
