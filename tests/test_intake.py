import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.intake import SEM_IDENTIFICADOR, SEM_NUMERO, Entrada, Linha, nome_sem_chaves
from tests.intake_helpers import NOME, NUMERO, OUTRO, erro, linha, lote, numero_de


def test_a_name_with_both_keys_is_a_line_without_warnings():
    assert linha(NOME) == Linha(1, NOME, NUMERO, "4321_87654")


def test_lost_zeros_and_a_missing_identifier_are_warned_about():
    lida = linha("23456.26.2013.8.99.0152 Certidão.pdf")
    assert (lida.numero, lida.identificador, lida.aceita) == (OUTRO, "", True)
    assert lida.avisos == (f"{OUTRO}: zeros à esquerda restaurados.", SEM_IDENTIFICADOR)
    assert SEM_IDENTIFICADOR == "Sem identificador: a resposta será, no máximo, «possível»."


def test_one_bad_line_does_not_stop_the_others_and_the_order_is_that_of_the_input():
    lido = lote(NOME, "", "  \t ", "# nada", "peça.docx", "23456.26.2013.8.99.0152")
    assert [(atual.ordem, atual.nome, atual.aceita) for atual in lido.linhas] == [
        (1, NOME, True),
        (2, "# nada", False),
        (3, "peça.docx", False),
        (4, "23456.26.2013.8.99.0152", True),
    ]
    assert [atual.ordem for atual in lido.aceitas] == [1, 4]
    assert [atual.ordem for atual in lido.rejeitadas] == [2, 3]


def test_an_empty_input_is_an_empty_batch():
    assert lote().linhas == lote("\n").linhas == ()


@pytest.mark.parametrize(
    ("nome", "identificador"),
    [
        ("8000131_26_2026_8_99_0152_4321_87654_x.pdf", "4321_87654"),
        ("8000131.26.2026.8.99.0152_4321_87654_a_5555_66666_b.pdf", "4321_87654"),
        ("8000131.26.2026.8.99.0152_4321_87654_9999_12345_b.pdf", "4321_87654"),
        ("8000131.26.2026.8.99.0152 a_1111_22222_b_4321_87654_c.pdf", "4321_87654"),
        ("8000131.26.2026.8.99.0152 a_1111_22222_4321_87654_c.pdf", "4321_87654"),
        ("8000131.26.2026.8.99.0152_0432_08765_x.pdf", "0432_08765"),
        ("8000131_26_2026_8_99_0152_4321_x.pdf", ""),
        ("8000131.26.2026.8.99.0152_4321_87654.pdf", ""),
        ("8000131.26.2026.8.99.0152_4321_8765432_x.pdf", ""),
        ("8000131.26.2026.8.99.0152_43_87654_x.pdf", ""),
        ("_4321_87654_8000131.26.2026.8.99.0152.pdf", ""),
        ("8000131.26.2026.8.99.0152 - 8000131_26_2026_8_99_0152_5000_x.pdf", ""),
        ("8000131.26.2026.8.99.0152 - 8000131_26_2026_8_99_0152_4321_87654_x.pdf", "4321_87654"),
        ("8000131.26.2026.8.99.0152 de 8000131_27_2026_8_99_0152_5000_x.pdf", ""),
    ],
)
def test_the_identifier_is_the_one_that_touches_the_number_else_the_last_after_it(nome, identificador):
    lida = linha(nome)
    assert (lida.numero, lida.identificador) == (NUMERO, identificador)
    assert (SEM_IDENTIFICADOR in lida.avisos) == (identificador == "")


def test_an_office_may_have_its_own_pattern_with_or_without_groups():
    assert linha("8000131.26.2026.8.99.0152 ref77.pdf", padrao_identificador=r"ref\d+").identificador == "ref77"
    assert linha("8000131.26.2026.8.99.0152 [12-34]", padrao_identificador=r"\[(\d+)-(\d+)\]").identificador == "12_34"


@pytest.mark.parametrize("nome", [f" {NOME} ", f"pasta/{NOME}", f"C:\\Peças\\{NOME}", f"\u200e{NOME}", f"../{NOME}"])
def test_only_the_clean_base_name_is_kept(nome):
    assert linha(nome) == Linha(1, NOME, NUMERO, "4321_87654")


def test_a_decomposed_accent_becomes_the_composed_one():
    decomposto = unicodedata.normalize("NFD", NOME)
    assert decomposto != NOME
    assert linha(decomposto).nome == NOME


@pytest.mark.parametrize("nome", ["Petição.pdf", "8000131.26.2026.8.98.0152", "180001312620268990152", "..", "/"])
def test_a_name_without_a_number_is_rejected(nome):
    assert erro(nome) == SEM_NUMERO
    assert SEM_NUMERO == "Não encontrei número de processo CNJ no nome nem no texto do arquivo."


def test_a_wrong_number_beside_a_right_one_is_a_warning():
    lida = linha("8000131.26.2026.8.99.0152_4321_87654_ 8000131-27.2026.8.99.0152.pdf")
    assert (lida.numero, lida.identificador) == (NUMERO, "4321_87654")
    assert lida.avisos == (
        "Ignorado: O número 8000131-27.2026.8.99.0152 tem dígito verificador inválido (esperado 26).",
    )


def test_two_numbers_in_one_name_are_rejected_with_both():
    motivo = f"Há mais de um número de processo no arquivo ({NUMERO}, {OUTRO}). Renomeie com o número correto."
    assert erro(f"8000131.26.2026.8.99.0152 e {OUTRO}.pdf") == motivo


def test_a_court_without_portal_is_rejected_by_its_name():
    assert erro(numero_de(1, "8.13")) == "Nenhum portal configurado para o TJMG (8.13)."
    assert erro(numero_de(1, "8.09"), tribunais={}) == "Nenhum portal configurado para o TJGO (8.09)."


def test_a_court_of_another_portal_is_rejected_when_the_batch_has_one():
    motivo = "O TJGO (8.09) é atendido por outro portal (projudi-tjgo)."
    assert erro(numero_de(1, "8.09"), portal="demonstracao") == motivo
    assert erro(NOME, portal="projudi-tjgo") == "O tribunal 8.99 é atendido por outro portal (demonstracao)."
    assert erro(NOME, portal="demonstracao") == ""


def test_the_fictitious_court_is_unknown_where_no_portal_lists_it():
    assert erro(NOME, tribunais={"8.09": "projudi-tjgo"}) == SEM_NUMERO


def test_the_year_of_a_case_goes_up_to_next_year():
    assert erro(numero_de(1, "8.99", 2027)) == ""
    assert erro(numero_de(1, "8.99", 2028)) == SEM_NUMERO


@given(st.text(max_size=300))
def test_any_text_is_one_line_or_none_and_never_an_exception(texto):
    assert len(lote(texto).linhas) == (1 if texto.strip() else 0)


@pytest.mark.parametrize("nome", [f"{NUMERO}\0.pdf", f"{NUMERO}\tx", f"{NUMERO}\x1b[0m.pdf", f"{NUMERO}\udcff.pdf"])
def test_control_characters_are_rejected_and_not_shown(nome):
    lida = linha(nome)
    assert lida.erro == "O nome do arquivo tem caracteres de controle. Renomeie o arquivo."
    assert lida.nome.startswith(f"{NUMERO}\ufffd")


def test_a_name_of_4000_characters_is_rejected_and_cut():
    lida = linha(NUMERO + "x" * 3975)
    assert lida.nome == NUMERO + "x" * 54 + "…"
    assert lida.erro == f"Nome de arquivo longo demais (4000 caracteres; o limite é 255): «{lida.nome}»."


def test_a_name_of_255_characters_is_kept_whole():
    nome = NUMERO + "x" * 230
    assert linha(nome).nome == nome
    assert not linha(f"{nome}x").aceita


def test_the_same_name_again_is_rejected_whatever_its_case_spaces_or_accents_form():
    for repetido in [NOME, NOME.upper(), unicodedata.normalize("NFD", NOME), NOME.replace(".pdf", " .pdf"), NOME[:-4]]:
        lido = lote(NOME, repetido)
        assert lido.linhas[0].aceita
        assert lido.linhas[1].erro == f"Arquivo repetido neste lote (igual a {NOME})."


def test_a_rejected_line_does_not_make_the_next_one_a_repetition():
    lido = lote(Entrada(NOME, erro="Não consegui ler o arquivo: sem permissão."), NOME)
    assert [atual.erro for atual in lido.linhas] == ["Não consegui ler o arquivo: sem permissão.", ""]


def test_several_petitions_of_one_case_are_not_repetitions():
    nomes = [f"8000131.26.2026.8.99.0152_4321_{87654 + n}_Manifestação.pdf" for n in range(16)]
    assert len(lote(*nomes).aceitas) == 16


@pytest.mark.parametrize(
    ("nome", "numero", "identificador", "resto"),
    [
        (NOME, NUMERO, "4321_87654", "Manifestação"),
        (unicodedata.normalize("NFD", NOME), NUMERO, "4321_87654", "Manifestação"),
        ("23456.26.2013.8.99.0152 Certidão .PDF", OUTRO, "", "Certidão"),
        ("8000131_26_2026_8_99_0152_4321_87654_x.pdf.p7s", NUMERO, "4321_87654", "x"),
        ("Pedido de juntada - 80001312620268990152.pdf", NUMERO, "", "Pedido de juntada"),
        ("8000131.26.2026.8.99.0152_4321_876543_a.pdf", NUMERO, "4321_87654", "4321_876543_a"),
        ("Manifestação_4321_87654_.pdf", NUMERO, "", "Manifestação_4321_87654"),
        ("8000131.26.2026.8.99.0152", NUMERO, "", ""),
        ("Anexo.1.pdf", "", "", "Anexo.1"),
    ],
)
def test_the_rest_of_the_name_is_without_keys_and_extension(nome, numero, identificador, resto):
    assert nome_sem_chaves(nome, numero, identificador) == resto
