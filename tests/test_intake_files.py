import os

import pytest

from executions import intake_files
from executions.intake import Entrada, ErroDeEntrada, entradas_de_caminhos, nomes_de_arquivo
from tests.intake_helpers import NOME, erro


def test_a_file_above_the_limit_is_rejected(monkeypatch, tmp_path):
    monkeypatch.setattr(intake_files, "LIMITE_BYTES", 100)
    (tmp_path / NOME).write_bytes(b"%PDF-" + b"x" * 96)
    (entrada,) = entradas_de_caminhos([str(tmp_path / NOME)])
    assert erro(entrada) == intake_files.arquivo_grande()
    assert entrada.conteudo is None


def test_paths_are_files_folders_or_bare_names_in_their_order(tmp_path):
    pasta = tmp_path / "peças"
    (pasta / "dentro").mkdir(parents=True)
    for nome in ["b.PDF", "a.pdf", "c.docx", "._a.pdf", "dentro/d.pdf"]:
        (pasta / nome).write_bytes(nome.encode())
    (tmp_path / "lista.txt").write_bytes(b"um nome")
    assert entradas_de_caminhos(
        [NOME, str(pasta), str(tmp_path / "lista.txt"), f"sumiu/{NOME}", "x" * 4000, "a\0b"]
    ) == (
        Entrada(NOME),
        Entrada("a.pdf", b"a.pdf"),
        Entrada("b.PDF", b"b.PDF"),
        Entrada("lista.txt", b"um nome"),
        Entrada(f"sumiu/{NOME}"),
        Entrada("x" * 4000),
        Entrada("a\0b"),
    )


def test_a_folder_without_pdf_is_said_to_have_none(tmp_path):
    assert erro(entradas_de_caminhos([str(tmp_path)])[0]) == "A pasta não tem nenhum arquivo PDF."


def test_what_cannot_be_read_is_a_rejected_line(tmp_path, monkeypatch):
    (tmp_path / "volta.pdf").symlink_to(tmp_path / "volta.pdf")
    os.mkfifo(tmp_path / "cano")
    (tmp_path / NOME).write_bytes(b"x")

    def negado(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    volta, cano = entradas_de_caminhos([str(tmp_path / "volta.pdf"), str(tmp_path / "cano")])
    monkeypatch.setattr(intake_files.Path, "open", negado)
    (fechado,) = entradas_de_caminhos([str(tmp_path / NOME)])

    assert erro(volta) == "Não consegui ler o arquivo: atalhos em círculo."
    assert erro(cano) == "Não consegui ler o arquivo: não é um arquivo comum."
    assert (fechado.nome, erro(fechado)) == (NOME, "Não consegui ler o arquivo: sem permissão.")


def test_a_dangling_link_in_a_folder_is_reported(tmp_path):
    (tmp_path / "x.pdf").symlink_to(tmp_path / "sumiu.pdf")
    assert entradas_de_caminhos([str(tmp_path)]) == (Entrada("x.pdf", erro="Não consegui ler o arquivo: não existe."),)


@pytest.mark.parametrize(
    "dados",
    ["Manifestação\r\n\r\n  Réplica \r\n".encode("utf-8-sig"), "Manifestação\rRéplica".encode("cp1252")],
)
def test_a_list_of_names_is_read_in_either_encoding_without_blank_lines(tmp_path, dados):
    (tmp_path / "lista.txt").write_bytes(dados)
    assert nomes_de_arquivo(tmp_path / "lista.txt") == ["Manifestação", "Réplica"]


@pytest.mark.parametrize(
    ("dados", "motivo"),
    [
        (b"", "A lista de nomes está vazia."),
        (b"\xef\xbb\xbf \n\t\n", "A lista de nomes está vazia."),
        ("nome".encode("utf-16"), "A lista de nomes não é um arquivo de texto. Salve como texto em UTF-8."),
        (b"\x81\x8d", "A lista de nomes não está em UTF-8 nem em Windows-1252. Salve como texto em UTF-8."),
        (b"x" * (5 * 1024 * 1024 + 1), "A lista de nomes é grande demais: o limite é 5 MB."),
    ],
    ids=["empty", "blank", "utf-16", "neither", "large"],
)
def test_a_bad_list_of_names_is_refused_with_a_sentence(tmp_path, dados, motivo):
    (tmp_path / "lista.txt").write_bytes(dados)
    with pytest.raises(ErroDeEntrada) as recusa:
        nomes_de_arquivo(tmp_path / "lista.txt")
    assert str(recusa.value) == motivo


def test_a_list_that_is_not_there_or_is_a_folder_is_refused_with_a_sentence(tmp_path):
    for path, razao in [(tmp_path / "nada", "não existe"), (tmp_path, "é uma pasta"), ("a\0b", "não existe")]:
        with pytest.raises(ErroDeEntrada) as recusa:
            nomes_de_arquivo(path)
        assert str(recusa.value) == f"Não consegui ler a lista de nomes {path}: {razao}."
