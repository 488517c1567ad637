"""The Projudi reader, fed with every page that the contract allows and with those it forbids to believe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions import cnj
from tests.replica import pages
from workers.errors import (
    Bloqueado,
    Captcha,
    Falha,
    LayoutMudou,
    PortalIndisponivel,
    SessaoExpirada,
)
from workers.portals.base import Caso, Situacao
from workers.portals.projudi_reader import Lista, ler

CASO = "8000131-26.2026.8.99.0152"
OUTRO = "8000298-55.2026.8.99.0051"
CAPTCHA = '<input type="hidden" name="cf-turnstile-response">'
FORM = f'<form id="Formulario"><input id="ProcessoNumero" value="{CASO}"></form>'
LOGIN = pages.login_fields()
SPAN = f'<span id="span_proc_numero">{CASO}</span>'


def row(
    number: int = 1, *, mark: str = 'class="filtro-entrada"', ident: str = "77", date: str = "", text: str = ""
) -> str:
    return (
        f'<tr {mark}><td>{number}</td><td><span class="filtro_tipo_movimentacao">Juntada -> Petição</span> {text}</td>'
        f'<td width="100" align="center">{date or "26/02/2026 11:23:45"}</td><td>Fulano</td>'
        f'<td><img id="MostrarArquivos_{ident}"></td></tr><tr id="linha_{ident}"><td id="pai_{ident}"></td></tr>'
    )


def case(rows: str, *, span: str = SPAN, after: str = "") -> str:
    return pages.page(f'{span}<table id="TabelaArquivos"><tbody id="tabListaProcesso">{rows}</tbody></table>{after}')


def read(page: str, status: int = 200) -> Caso:
    found = ler(page, CASO, status=status)
    assert isinstance(found, Caso)
    return found


# ---- a case ---------------------------------------------------------------------------------------------------------
def test_a_case_is_read_whole_in_the_order_of_the_page() -> None:
    found = read(case("".join(row(n, ident=str(n)) for n in range(120, 0, -1))))
    assert [m.numero for m in found.movimentacoes] == [str(n) for n in range(120, 0, -1)]
    assert {m.tipo for m in found.movimentacoes} == {"Juntada -> Petição"}
    assert all(m.tem_anexos and m.data == "26/02/2026 11:23:45" for m in found.movimentacoes)


@pytest.mark.parametrize("shown", [
    CASO, f"Processo: {CASO} (Digital)", CASO.replace("-", "").replace(".", ""),
    f"&nbsp;{CASO}\n", f"<b>{CASO[:12]}</b>{CASO[12:]}",
])  # fmt: skip
def test_the_number_may_be_written_in_any_way(shown: str) -> None:
    assert read(case(row(), span=f'<div id="span_proc_numero">{shown}</div>')).situacao is Situacao.ENCONTRADO


@pytest.mark.parametrize("shown", ["23456-26.2013.8.99.0152", "234562620138990152", "nº 023456 - 26 . 2013.8.99.0152"])
def test_leading_zeros_of_the_number_may_be_hidden(shown: str) -> None:
    page = case(row(), span=f'<span id="span_proc_numero">{shown}</span>')
    assert isinstance(ler(page, "0023456-26.2013.8.99.0152"), Caso)
    with pytest.raises(LayoutMudou):
        ler(page, "1023456-26.2013.8.99.0152")


def test_without_its_span_the_case_is_known_by_its_rows_and_its_number() -> None:
    assert read(case(row(), span=f"<h2>Processo {CASO}</h2>")).situacao is Situacao.ENCONTRADO


@pytest.mark.parametrize(
    "span", [SPAN.replace(CASO, OUTRO), "", SPAN.replace(CASO, f"1{CASO}"), SPAN.replace(CASO, f"{CASO}9")]
)
def test_the_page_of_another_case_is_no_answer(span: str) -> None:
    with pytest.raises(LayoutMudou):
        read(case(row(), span=span))


@pytest.mark.parametrize(
    "mark", ['class="TabelaLinha1 filtro-entrada"', 'movi_codigo="77"', 'class="x" movi_codigo=""', ""]
)
def test_a_row_is_a_movement_by_any_of_its_marks(mark: str) -> None:
    assert [m.id for m in read(case(row(mark=mark))).movimentacoes] == ["77"]


@pytest.mark.parametrize(("cell", "said"), [
    ("26/02/2026&nbsp;11:23:45", "26/02/2026 11:23:45"), ("\n26/02/2026\n\t11:23:45 ", "26/02/2026 11:23:45"),
    ("26/02/2026<br>11:23:45", "26/02/2026 11:23:45"), ("Em 26/02/2026 11:23", "26/02/2026 11:23"),
    ("31/02/2026 11:23:45", "31/02/2026 11:23:45"),
    ("26/02/2026 11:23:45 27/02/2026 08:00:00", "26/02/2026 11:23:45 27/02/2026 08:00:00"),
])  # fmt: skip
def test_the_date_is_the_third_cells_own_text(cell: str, said: str) -> None:
    assert " ".join(read(case(row(date=cell))).movimentacoes[0].data.split()) == said


def test_a_first_cell_of_the_same_make_is_not_taken_for_the_date() -> None:
    page = case(row().replace("<td>1</td>", '<td width="100" align="center">1</td>'))
    assert read(page).movimentacoes[0].data == "26/02/2026 11:23:45"


def test_nested_tables_do_not_make_movements() -> None:
    nested = f'<table><tr class="filtro-entrada"><td>9</td><td>x</td><td>y</td></tr></table>{CASO}'
    assert [m.numero for m in read(case(row(text=nested))).movimentacoes] == ["1"]


def test_attachments_already_unfolded_are_read_with_their_whole_title() -> None:
    link = '<a href="x" title="peticao_4321_87654_longa.pdf Clique">peticao_43...</a>'
    page = case(row()).replace('<img id="MostrarArquivos_77">', '<div class="dropMovimentacao" id_movi="77"></div>')
    page = page.replace('<td id="pai_77">', f'<td id="pai_77">{link}')
    assert read(page).movimentacoes[0].anexos[0].nome == "peticao_4321_87654_longa.pdf Clique"


@pytest.mark.parametrize("mark", ['class="bloqueado"', 'class="filtro-entrada bloqueado"'])
def test_a_blocked_movement_is_noted(mark: str) -> None:
    found = read(case(f"<tr {mark}><td>2</td><td colspan=4>Movimentação Bloqueada</td></tr>{row()}"))
    assert [m.bloqueada for m in found.movimentacoes] == [True, False]


@pytest.mark.parametrize(("text", "migrated"), [
    ("Processo migrado para outro sistema", True), ("Autos MIGRADOS ao PJe,\n outro&nbsp;sistema", True),
    ("Ação migrada(o) para outro sistema", True), ("Processo migrado de outro sistema", False),
    ("Mudou de outro sistema", False),
])  # fmt: skip
def test_a_case_that_moved_away_says_so_in_a_movement(text: str, migrated: bool) -> None:
    assert read(case(row(text=text))).migrado is migrated


@pytest.mark.parametrize(
    "text", ["Segredo de Justiça: NÃO", "Tente novamente mais tarde", "sessão ativa", "Nenhum processo localizado"]
)
def test_words_about_a_case_that_is_there_change_nothing(text: str) -> None:
    assert len(read(case(row(text=text), after=f"<p>{text}</p>{CAPTCHA}{FORM}")).movimentacoes) == 1


# ---- a case that is not all there: never a negative -----------------------------------------------------------------
@pytest.mark.parametrize(("page", "failure"), [
    (case(""), LayoutMudou),
    (pages.page(SPAN), LayoutMudou),
    (case("<tr class='nova'><td>1</td><td>x</td><td>26/02/2026</td></tr>"), LayoutMudou),
    (case(row(ident="")), LayoutMudou),
    (case("", after="<p>Não foi possível listar. Tente novamente mais tarde.</p>"), PortalIndisponivel),
    (case("", after=LOGIN), SessaoExpirada),
    (case("", span="", after=LOGIN), SessaoExpirada),
    (case(row(), after=LOGIN), SessaoExpirada),
    (case("", after="Já existe uma sessão ativa"), Bloqueado),
])  # fmt: skip
def test_a_case_without_its_list_is_a_failure(page: str, failure: type[Falha]) -> None:
    with pytest.raises(failure):
        read(page)


def test_a_case_page_of_a_server_that_failed_is_not_believed() -> None:
    with pytest.raises(PortalIndisponivel):
        read(case(row()), status=500)


# ---- no case --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("style", range(40))
def test_the_sentence_that_no_case_was_found_is_understood_wherever_it_stands(style: int) -> None:
    assert read(pages.not_found(style)).situacao is Situacao.NAO_ENCONTRADO


@pytest.mark.parametrize("text", pages.SEALED)
def test_a_sealed_case_is_known_with_or_without_its_number_and_its_empty_list(text: str) -> None:
    blocked = '<tr class="bloqueado"><td>1</td><td>Movimentação Bloqueada</td></tr>'
    for page in (pages.page(text), pages.page(SPAN + text), case("", after=text), case(blocked, after=text)):
        assert read(page).situacao is Situacao.SEGREDO


@pytest.mark.parametrize("page", [
    pages.page(pages.FOOTER), pages.page(pages.HIDDEN_DIALOGS), pages.page(FORM + pages.FOOTER), pages.search_form(1),
    pages.page("Segredo de Justiça: NÃO"), pages.page("<select><option>Nenhum processo localizado</option></select>"),
    pages.page("<script>'nenhum processo localizado'</script>"), pages.page(""),
    "", pages.page("Se nenhum processo for localizado, ligue."),
    pages.page('<div data-robo-oculto="">Nenhum processo localizado</div>'),
    pages.page('<div style="DISPLAY : none">Tente novamente mais tarde</div>'),
])  # fmt: skip
def test_what_nobody_reads_as_a_message_is_none(page: str) -> None:
    with pytest.raises((LayoutMudou, Captcha)):
        read(page)


@pytest.mark.parametrize(("page", "status", "failure"), [
    (pages.page("TENTE NOVAMENTE<br>MAIS TARDE"), 200, PortalIndisponivel),
    (pages.page("Nenhum processo localizado. Tente novamente mais tarde."), 200, PortalIndisponivel),
    (pages.page(""), 503, PortalIndisponivel),
    (pages.page("Nenhum processo localizado"), 500, PortalIndisponivel),
    (pages.page("Usuário com sessão ativa em outro computador"), 200, Bloqueado),
    (pages.page("Já há sessão ativa. Tente novamente mais tarde."), 200, Bloqueado),
    (pages.page("Muitas consultas"), 429, Bloqueado),
    (pages.page(FORM + CAPTCHA), 200, Captcha),
    (pages.login(), 200, SessaoExpirada),
    (pages.expired(0), 200, SessaoExpirada),
    (pages.page(LOGIN + "Nenhum processo localizado"), 200, SessaoExpirada),
])  # fmt: skip
def test_what_the_portal_says_instead_of_an_answer_is_a_failure(page: str, status: int, failure: type[Falha]) -> None:
    with pytest.raises(failure):
        read(page, status)


# ---- a list of results ----------------------------------------------------------------------------------------------
def links(page: str) -> tuple[tuple[str, str], ...]:
    found = ler(pages.page(page), CASO)
    assert isinstance(found, Lista)
    return found.links


def test_the_link_with_the_cases_number_is_followed() -> None:
    bare = CASO.replace("-", "").replace(".", "")
    for text in (CASO, f"Processo {CASO}", bare, f"\n<b>{CASO}</b>&nbsp;"):
        page = f'<a href="V?1">{OUTRO}</a><a href="VisualizarProcesso?2">x</a><a href="V?3">{text}</a>'
        assert [href for _, href in links(page + CAPTCHA + pages.FOOTER)] == ["V?3"]


def test_an_icons_link_is_known_by_its_row() -> None:
    rows = "".join(f'<tr><td>{n}</td><td><a href="VisualizarProcesso?{n[:7]}"></a></td></tr>' for n in (OUTRO, CASO))
    assert [href for _, href in links(f"<table>{rows}</table>")] == ["VisualizarProcesso?8000131"]


def test_a_single_link_without_a_number_is_followed_and_one_of_several_is_not() -> None:
    assert [h for _, h in links('<a href="VisualizarProcesso?1">ver</a><a href="VisualizarProcesso?1"></a>')] == [
        "VisualizarProcesso?1"
    ]
    with pytest.raises(LayoutMudou):
        links('<a href="VisualizarProcesso?1">ver</a><a href="VisualizarProcesso?2">ver</a>')


def test_every_page_that_carries_the_number_is_named() -> None:
    assert len(links(f'<a href="a">{CASO}</a><a href="b">{CASO}</a><a href="a">{CASO}</a>')) == 2


# ---- whatever comes -------------------------------------------------------------------------------------------------
@given(st.text())
def test_text_that_says_nothing_known_is_never_an_answer(text: str) -> None:
    for page in (text, f"<html><body>{text}</body></html>", case(f"<tr><td>{text}</td></tr>")):
        with pytest.raises(Falha):
            ler(page, CASO)


@given(st.integers(1, 9_999_999), st.integers(1901, 2027), st.integers(0, 9999), st.integers(1, 9_999_999))
def test_a_case_is_read_as_itself_and_as_no_other(n: int, year: int, unit: int, other: int) -> None:
    mine, its = (
        cnj.formatar(f"{x:07}{cnj.digito_verificador(x, year, 8, 99, unit):02}{year}899{unit:04}") for x in (n, other)
    )
    page = case(row(), span=f'<span id="span_proc_numero">{mine.lstrip("0")}</span>')
    assert isinstance(ler(page, mine), Caso)
    if its != mine:
        with pytest.raises(LayoutMudou):
            ler(page, its)
