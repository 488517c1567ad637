"""The matcher: what a case that was read says about a petition; and the lists of attachments that it is told by."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from executions.results import Resposta, Resultado
from tests.replica import pages
from workers.errors import Bloqueado, Falha, LayoutMudou, PortalIndisponivel, SessaoExpirada
from workers.portals.base import Anexo, Caso, Movimentacao, Peticao, Situacao
from workers.portals.matching import casar
from workers.portals.projudi_reader import ler_anexos

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
CASO = "8000298-55.2026.8.99.0051"
AGORA = datetime(2026, 6, 1, 12, tzinfo=SAO_PAULO)
NOME = "8000298-55.2026.8.99.0051_15550_56700_cumprimento.pdf"
DATA = "26/02/2026 11:23:45"
QUANDO = datetime(2026, 2, 26, 11, 23, 45, tzinfo=SAO_PAULO)
TITULO = "id_400000123_doc._00_8000298_55_2026_8_99_0051_15550_56700_cumprimento_.pdf"


def movement(*titles: str, n: int = 1, data: str = DATA, **fields: object) -> Movimentacao:
    attachments = tuple(map(Anexo, titles))
    return Movimentacao(str(n), str(n), "Juntada -> Petição", "", data, tem_anexos=True, anexos=attachments, **fields)  # type: ignore[arg-type]


def answer(*movements: Movimentacao, ident: str = "15550_56700", name: str = NOME, migrated: bool = False) -> Resposta:
    return casar(Caso(CASO, Situacao.ENCONTRADO, movements, migrated), Peticao(name, CASO, ident), AGORA)


# ---- by identifier
@pytest.mark.parametrize("title", [
    TITULO, TITULO.upper(), TITULO + ".p7s", f"{TITULO} Clique para abrir o arquivo.", "15550_56700_x.pdf",
    "x_15550_56700.pdf",
    "19/05/2025_15550_56700_.pdf", "8000298.55.2026.8.99.0051_15550_56700_Petição.pdf", "_15550_56700_",
    "é_15550_56700_é",
])  # fmt: skip
def test_a_title_that_holds_the_identifier_proves_the_filing_at_its_movements_date(title: str) -> None:
    found = answer(movement("outro.pdf", n=2, data="01/01/2026 00:00:00"), movement("capa.pdf", title))
    assert (found.resultado, found.protocolada_em, found.documento) == (Resultado.PROTOCOLADA, QUANDO, title)


@pytest.mark.parametrize("title", [
    "x_15550_567001_.pdf", "x_115550_56700_.pdf", "x_56700_15550_.pdf", "x_15550__56700_.pdf", "x_15550-56700_.pdf",
    "x_1555056700_.pdf",
    "x15550_56700_.pdf", "x_15550_56700a_.pdf", "x_15550_5670_0.pdf", "", "x_15550_", "_56700_", "x_9_.pdf",
])  # fmt: skip
def test_what_only_looks_like_the_identifier_proves_nothing(title: str) -> None:
    assert answer(movement(title)).resultado is Resultado.NAO_LOCALIZADA


@pytest.mark.parametrize("ident", ["0051_15550", "2026_8", "8000298_55"])
def test_the_cases_own_number_in_a_title_lends_nothing_to_an_identifier(ident: str) -> None:
    assert answer(movement(TITULO), ident=ident).resultado is Resultado.NAO_LOCALIZADA


def test_an_address_is_proof_as_well_however_it_is_escaped() -> None:
    for href in ("abrir?f=x_15550_56700_.pdf", "abrir?f=x%5F15550%5F56700%5F.pdf"):
        act = Movimentacao("1", "1", "", "", DATA, tem_anexos=True, anexos=(Anexo("peticao_155...", href),))
        assert answer(act).resultado is Resultado.PROTOCOLADA


def test_several_documents_of_a_movement_are_one_filing_and_of_two_movements_are_ambiguous() -> None:
    assert answer(movement(TITULO, "b" + TITULO)).resultado is Resultado.PROTOCOLADA
    assert answer(movement(TITULO), movement(TITULO)).resultado is Resultado.PROTOCOLADA  # the same row twice
    found = answer(movement(TITULO), movement(TITULO, n=2, data="27/02/2026 10:00:00"))
    assert (found.resultado, found.protocolada_em) == (Resultado.AMBIGUA, None)


@pytest.mark.parametrize("data", ["31/02/2026 10:00:00", "", "01/07/2026 10:00:00", "26/02/2025 11:23:45"])
def test_a_filing_with_a_refused_date_stays_a_filing_and_keeps_the_raw_text(data: str) -> None:
    found = answer(movement(TITULO, data=data))
    assert (found.resultado, found.protocolada_em) == (Resultado.PROTOCOLADA, None)
    assert f"Data recusada ({data})" in found.detalhes


def test_dates_in_titles_are_not_the_date() -> None:
    assert answer(movement(f"{TITULO} 19/05/2024 10:00:00")).protocolada_em == QUANDO


def test_a_petition_found_in_a_case_that_moved_is_filed_and_one_not_found_there_is_unknown_here() -> None:
    assert answer(movement(TITULO), migrated=True).resultado is Resultado.PROTOCOLADA
    assert answer(movement("x.pdf"), migrated=True).resultado is Resultado.MIGRADO


def test_a_blocked_movement_is_mentioned_and_changes_nothing() -> None:
    blocked = Movimentacao("9", "9", "", "Movimentação Bloqueada", DATA, bloqueada=True)
    for found, result in ((answer(movement(TITULO), blocked), "protocolada"), (answer(blocked), "nao_localizada")):
        assert found.resultado == result
        assert "1 movimentação bloqueada." in found.detalhes


# ---- without identifier
@pytest.mark.parametrize(("title", "result"), [
    ("id_1_doc._embargos_de_declaração.pdf", "possivel"), ("EMBARGOS DE DECLARACAO.PDF.P7S", "possivel"),
    ("embargos_de_dec", "possivel"),
    ("doc.pdf", "nao_localizada"), ("em", "nao_localizada"), ("12345.pdf", "nao_localizada"), ("", "nao_localizada"),
])  # fmt: skip
def test_a_name_alone_is_never_more_than_possible(title: str, result: str) -> None:
    name = "8000298.55.2026.8.99.0051 Embargos de Declaração.pdf"
    found = answer(movement(title), ident="", name=name)
    assert (found.resultado, found.protocolada_em) == (result, None)


def test_a_name_in_two_movements_is_ambiguous() -> None:
    name = "8000298.55.2026.8.99.0051 Embargos.pdf"
    assert answer(movement("embargos.pdf"), movement("embargos.pdf", n=2), ident="", name=name).resultado == "ambigua"


@given(st.lists(st.text(max_size=60), max_size=5), st.text(max_size=40))
def test_without_an_identifier_nothing_is_ever_reported_filed(titles: list[str], name: str) -> None:
    assert answer(movement(*titles), ident="", name=name).resultado != Resultado.PROTOCOLADA


@given(st.integers(100, 999_999), st.integers(1000, 999_999), st.integers(100, 999_999), st.integers(1000, 999_999))
def test_no_petition_is_proved_by_anothers_title(a: int, b: int, c: int, d: int) -> None:
    assume((a, b) != (c, d))
    title = TITULO.replace("15550_56700", f"{c}_{d}")
    assert answer(movement(title), ident=f"{c}_{d}").resultado == "protocolada"
    assert answer(movement(title), ident=f"{a}_{b}").resultado == "nao_localizada"


@pytest.mark.parametrize(("situation", "result"), [
    (Situacao.NAO_ENCONTRADO, "processo_nao_encontrado"), (Situacao.SEGREDO, "segredo_justica"),
])  # fmt: skip
def test_a_case_that_is_not_there_or_sealed_is_its_own_answer_and_keeps_nothing(
    situation: Situacao, result: str
) -> None:
    found = casar(Caso(CASO, situation, (movement(TITULO),)), Peticao(NOME, CASO, "15550_56700"), AGORA)
    assert (found.resultado, found.documento, found.evidencia) == (result, "", "")


# ---- lists of attachments
def test_attachments_are_their_file_names_whatever_else_the_portal_tells_of_them() -> None:
    rows = [
        {"id": 1, "nome_arquivo": "a_1_2_.pdf.p7s", "novo": {"x": []}},
        {"nome_arquivo": "Peti&ccedil;&atilde;o", "url": "?_3_4_"},
    ]
    for text in (json.dumps(rows), "\ufeff" + json.dumps(rows), f"\n{json.dumps(rows)}\n"):
        assert [(a.nome, a.endereco) for a in ler_anexos(text)] == [("a_1_2_.pdf.p7s", ""), ("Petição", "?_3_4_")]
    assert ler_anexos("[]") == ()


@pytest.mark.parametrize(("answer", "failure"), [
    ("", LayoutMudou), ("{}", LayoutMudou), ("null", LayoutMudou), ('""', LayoutMudou), ("0", LayoutMudou),
    ("[{}]", LayoutMudou),
    ('["x.pdf"]', LayoutMudou), ('[{"nome": "x"}]', LayoutMudou), ('[{"nome_arquivo": "x"', LayoutMudou),
    ("<p>Erro</p>", LayoutMudou),
    (pages.login(), SessaoExpirada), (pages.expired(0), SessaoExpirada),
    (pages.page("Tente novamente mais tarde"), PortalIndisponivel), (pages.page("sessão ativa"), Bloqueado),
])  # fmt: skip
def test_anything_but_a_list_of_attachments_is_a_failure_and_never_an_empty_list(
    answer: str, failure: type[Falha]
) -> None:
    with pytest.raises(failure):
        ler_anexos(answer)


@given(st.text())
def test_text_that_is_no_list_is_never_one(text: str) -> None:
    with pytest.raises(Falha):
        ler_anexos(f"<{text}")
