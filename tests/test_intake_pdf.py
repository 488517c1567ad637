import hashlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from executions.intake import SEM_IDENTIFICADOR, SEM_NUMERO, Entrada, Linha
from tests.intake_helpers import NOME, NUMERO, OUTRO, cifrado, erro, linha, lote, numero_de, pdf

ILEGIVEL = "PDF protegido por senha ou corrompido."


def test_a_file_keeps_its_bytes_and_their_hash():
    conteudo = pdf("Petição")
    assert linha(Entrada(NOME, conteudo)) == Linha(
        1, NOME, NUMERO, "4321_87654", conteudo=conteudo, sha256=hashlib.sha256(conteudo).hexdigest()
    )


@pytest.mark.parametrize("nome", ["8000131.26.2026.8.99.0152", "8000131.26.2026.8.99.0152 .pdf", f"{NUMERO}.pdf.p7s"])
def test_a_court_number_is_no_extension_and_a_signed_pdf_is_a_pdf(nome):
    assert linha(nome).numero == NUMERO


@pytest.mark.parametrize("extensao", ["docx", "doc", "xlsx", "xls", "csv", "zip", "txt", "jpg", "png", "DOCX", "odt"])
def test_a_known_foreign_extension_is_rejected_even_with_a_number(extensao):
    assert erro(f"{NUMERO}.{extensao}") == f"Formato .{extensao.lower()} não aceito. Envie PDF."
    assert erro(Entrada(f"{NUMERO}.{extensao}", pdf("x"))) == f"Formato .{extensao.lower()} não aceito. Envie PDF."


def test_a_wrong_check_digit_is_rejected_with_the_right_one():
    motivo = "O número 8000131-27.2026.8.99.0152 tem dígito verificador inválido (esperado 26). Confira a digitação."
    assert erro("8000131.27.2026.8.99.0152_4321_87654_x.pdf") == motivo
    assert erro(Entrada("8000131.27.2026.8.99.0152.pdf", pdf(NUMERO))) == motivo


def test_many_numbers_are_counted_and_not_all_listed():
    numeros = [numero_de(n, "8.99") for n in range(1, 9)]
    motivo = erro(Entrada("x.pdf", pdf("\n".join(numeros))))
    lista = ", ".join(numeros[:5])
    assert motivo == f"Há mais de um número de processo no arquivo ({lista} e mais 3). Renomeie com o número correto."


@pytest.mark.parametrize("texto", [f"Processo {NUMERO}", "Autos 8000131-26.2026.8.99.\n0152", f"{NUMERO}\n{NUMERO}"])
def test_a_number_missing_in_the_name_is_read_from_the_text(texto):
    lida = linha(Entrada("Manifestação_4321_87654_.pdf", pdf(texto)))
    assert (lida.erro, lida.numero, lida.identificador) == ("", NUMERO, "")
    assert lida.avisos == ("Número do processo lido do texto do PDF.", SEM_IDENTIFICADOR)


def test_the_text_is_read_up_to_the_second_page_only():
    assert linha(Entrada("x.pdf", pdf("capa", NUMERO))).numero == NUMERO
    assert erro(Entrada("x.pdf", pdf("capa", "índice", NUMERO))) == SEM_NUMERO


def test_the_name_wins_over_the_cases_cited_in_the_text():
    assert linha(Entrada(NOME, pdf(OUTRO))).numero == NUMERO


def test_a_text_that_cites_two_cases_is_rejected():
    motivo = f"Há mais de um número de processo no arquivo ({OUTRO}, {NUMERO}). Renomeie com o número correto."
    assert erro(Entrada("x.pdf", pdf(f"{OUTRO}\n{NUMERO}"))) == motivo


def test_a_pdf_without_text_has_no_number():
    escritor, saida = PdfWriter(), io.BytesIO()
    escritor.add_blank_page(100, 100)
    escritor.write(saida)
    assert erro(Entrada("x.pdf", saida.getvalue())) == SEM_NUMERO


def test_a_pdf_with_a_password_is_rejected_and_one_with_the_empty_password_is_read():
    assert erro(Entrada("x.pdf", cifrado(pdf(NUMERO), "segredo"))) == ILEGIVEL
    assert linha(Entrada("x.pdf", cifrado(pdf(NUMERO), ""))).numero == NUMERO


@pytest.mark.parametrize(
    "conteudo", [b"", b"nada", b"%PDF-1.4\n", b"%PDF-1.4\n%%EOF", pdf(NUMERO)[:60], bytes(range(256)) * 4]
)
def test_a_corrupted_pdf_is_rejected_when_its_text_is_needed(conteudo):
    assert erro(Entrada("x.pdf", conteudo)) == ILEGIVEL


@settings(deadline=None)
@given(st.data())
def test_a_damaged_pdf_is_a_line_and_never_an_exception(data):
    conteudo = bytearray(pdf(NUMERO))
    for _ in range(data.draw(st.integers(1, 20))):
        conteudo[data.draw(st.integers(0, len(conteudo) - 1))] = data.draw(st.integers(0, 255))
    assert linha(Entrada("x.pdf", bytes(conteudo))).nome == "x.pdf"


def test_content_that_is_no_pdf_is_accepted_by_its_name_with_a_warning():
    assert linha(Entrada(NOME, b"MZ")).avisos == ("O conteúdo do arquivo não parece ser um PDF.",)


def test_a_file_without_a_name_is_not_a_blank_line():
    lida = linha(Entrada("", pdf(NUMERO)))
    assert (lida.nome, lida.numero) == ("(sem nome)", NUMERO)


def test_the_same_bytes_under_another_name_are_rejected():
    lido = lote(Entrada(NOME, pdf("a")), Entrada(f"{OUTRO}.pdf", pdf("a")), Entrada(f"{OUTRO}.pdf", pdf("b")))
    assert [atual.erro for atual in lido.linhas] == ["", f"Arquivo repetido neste lote (igual a {NOME}).", ""]


def test_two_empty_files_are_not_the_same_petition():
    assert [atual.aceita for atual in lote(Entrada(NOME, b""), Entrada(f"{OUTRO}.pdf", b"")).linhas] == [True, True]


def test_an_upload_above_50_megabytes_is_rejected():
    grande = bytes(50 * 1024 * 1024)
    assert erro(Entrada(NOME, grande)) == ""
    assert erro(Entrada(NOME, grande + b"x")) == "Arquivo grande demais: o limite é 50 MB."
