"""Entries of a batch from the disk, for the command line. Problems become sentences (pt-BR), never tracebacks."""

import errno
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LIMITE_BYTES = 50 * 1024 * 1024
LIMITE_DA_LISTA = 5 * 1024 * 1024

# "Nothing exists at this path": also what cannot be a path at all, such as a name of 4 000 characters.
_NADA_ALI = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL}
_RAZOES = {
    errno.EACCES: gettext_lazy("sem permissão"),
    errno.EPERM: gettext_lazy("sem permissão"),
    errno.ELOOP: gettext_lazy("atalhos em círculo"),
    errno.EISDIR: gettext_lazy("é uma pasta"),
}


class ErroDeEntrada(Exception):
    """The list of names cannot be used; the message says why."""


def arquivo_grande() -> str:
    return _("Arquivo grande demais: o limite é %(n)s MB.") % {"n": LIMITE_BYTES // (1024 * 1024)}


@dataclass(frozen=True)
class Entrada:
    """A file name, with the file's bytes when there are any. `erro`, a sentence, says that it could not be read."""

    nome: str
    conteudo: bytes | None = field(default=None, repr=False)
    erro: str = ""


def entradas_de_caminhos(caminhos: Iterable[str]) -> tuple[Entrada, ...]:
    """Each argument of the command line in order: a file, a folder (its own *.pdf, sorted), or else a bare name."""
    return tuple(entrada for caminho in caminhos for entrada in _entradas_de(caminho))


def nomes_de_arquivo(path: str | Path) -> list[str]:
    """The names in a text file, one per line, utf-8 (with or without BOM) or cp1252. Blank lines are left out.

    Raises ErroDeEntrada when the file cannot be read, is larger than 5 MB, holds no name or is no text.
    """
    try:
        with Path(path).open("rb") as arquivo:
            dados = arquivo.read(LIMITE_DA_LISTA + 1)
    except (OSError, ValueError) as erro:
        raise ErroDeEntrada(
            _("Não consegui ler a lista de nomes %(path)s: %(razao)s.") % {"path": path, "razao": _razao(erro)}
        ) from erro
    if len(dados) > LIMITE_DA_LISTA:
        raise ErroDeEntrada(
            _("A lista de nomes é grande demais: o limite é %(n)s MB.") % {"n": LIMITE_DA_LISTA // (1024 * 1024)}
        )
    texto = _decodificar(dados)
    nomes = nomes_do_texto(texto)
    if not nomes:
        raise ErroDeEntrada(_("A lista de nomes está vazia."))
    return nomes


def nomes_do_texto(texto: str) -> list[str]:
    """The names of a text, one per line, stripped. Blank lines are left out."""
    # Not str.splitlines(): it also breaks at form feeds and U+2028, which may be inside a name.
    linhas = texto.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [linha.strip() for linha in linhas if linha.strip()]


def _entradas_de(caminho: str) -> Iterator[Entrada]:
    if not caminho.strip():
        return  # Path("") would be the current folder
    path = Path(caminho)
    try:
        modo = path.stat().st_mode
        if stat.S_ISDIR(modo):
            yield from _entradas_da_pasta(path)
        elif stat.S_ISREG(modo):
            yield _ler_arquivo(path)
        else:
            yield Entrada(path.name, erro=_("Não consegui ler o arquivo: não é um arquivo comum."))
    except (OSError, ValueError) as erro:
        # ValueError: a NUL inside, which no path has.
        if isinstance(erro, ValueError) or erro.errno in _NADA_ALI:
            yield Entrada(caminho)
        else:
            yield Entrada(path.name, erro=_("Não consegui ler o arquivo: %(razao)s.") % {"razao": _razao(erro)})


def _entradas_da_pasta(pasta: Path) -> Iterator[Entrada]:
    # A dangling link is kept, to be reported; pipes and devices are left alone, since reading them may never end.
    pdfs = sorted(
        p
        for p in pasta.iterdir()
        if p.suffix.lower() == ".pdf" and not p.name.startswith(".") and (p.is_file() or p.is_symlink())
    )
    if not pdfs:
        yield Entrada(pasta.resolve().name, erro=_("A pasta não tem nenhum arquivo PDF."))
    yield from map(_ler_arquivo, pdfs)


def _ler_arquivo(path: Path) -> Entrada:
    try:
        with path.open("rb") as arquivo:
            conteudo = arquivo.read(LIMITE_BYTES + 1)
    except OSError as erro:
        return Entrada(path.name, erro=_("Não consegui ler o arquivo: %(razao)s.") % {"razao": _razao(erro)})
    if len(conteudo) > LIMITE_BYTES:
        return Entrada(path.name, erro=arquivo_grande())
    return Entrada(path.name, conteudo)


def _decodificar(dados: bytes) -> str:
    if b"\0" in dados:
        raise ErroDeEntrada(_("A lista de nomes não é um arquivo de texto. Salve como texto em UTF-8."))
    for codificacao in ("utf-8-sig", "cp1252"):
        try:
            return dados.decode(codificacao)
        except UnicodeDecodeError:
            continue
    raise ErroDeEntrada(_("A lista de nomes não está em UTF-8 nem em Windows-1252. Salve como texto em UTF-8."))


def _razao(erro: Exception) -> str:
    numero = erro.errno if isinstance(erro, OSError) else None
    if numero in _NADA_ALI or isinstance(erro, ValueError):
        return _("não existe")
    return str(_RAZOES.get(numero or 0) or (isinstance(erro, OSError) and erro.strerror) or _("erro de leitura"))
