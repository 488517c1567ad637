"""From what the operator hands over to the lines of a batch: file → case → court → portal, or the reason why not.

Nothing here touches the database or the network, and one bad entry never stops the others. See `ler`. What comes from
the disk is turned into entries by `executions.intake_files`; its names are re-exported here.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from executions import cnj
from executions.intake_files import (
    LIMITE_BYTES,
    Entrada,
    ErroDeEntrada,
    arquivo_grande,
    entradas_de_caminhos,
    nomes_de_arquivo,
)
from executions.pdf import PdfIlegivel, parece_pdf, texto_das_primeiras_paginas

__all__ = [
    "Entrada",
    "ErroDeEntrada",
    "Linha",
    "Lote",
    "entradas_de_caminhos",
    "ler",
    "linhas",
    "nome_sem_chaves",
    "nomes_de_arquivo",
]

PADRAO_IDENTIFICADOR = r"_(\d{3,6})_(\d{4,6})_"
LIMITE_DO_NOME = 255
LIMITE_MOSTRADO = 80
NUMEROS_MOSTRADOS = 5

# Only what a law office would really send: "….8.99.0152" ends in no extension.
_ESTRANGEIRAS = (
    "doc docx docm odt rtf txt xls xlsx xlsm ods csv tsv ppt pptx zip rar 7z gz tar htm html xml json eml msg "
    "jpg jpeg png gif bmp tif tiff webp heic svg mp3 mp4 m4a ogg opus wav avi mov mkv exe"
)
EXTENSOES_ESTRANGEIRAS = frozenset(_ESTRANGEIRAS.split())
_EXTENSAO_PDF = re.compile(r"(?:\s*\.(?:pdf|p7s))+\s*$", re.IGNORECASE)

SEM_NUMERO = gettext_lazy("Não encontrei número de processo CNJ no nome nem no texto do arquivo.")
SEM_IDENTIFICADOR = gettext_lazy("Sem identificador: a resposta será, no máximo, «possível».")
SEM_NOME = gettext_lazy("(sem nome)")


@dataclass(frozen=True)
class Linha:
    """One line of the batch. `ordem` counts from 1 over the entries that were not blank.

    `numero` is formatted and `identificador` is like "4321_87654". `erro` is the sentence that rejected the line (""
    when accepted); `nome` is then safe to show but may be shortened. `sha256` is hexadecimal, "" without content.
    """

    ordem: int
    nome: str
    numero: str = ""
    identificador: str = ""
    avisos: tuple[str, ...] = ()
    erro: str = ""
    conteudo: bytes | None = field(default=None, repr=False)
    sha256: str = ""

    @property
    def aceita(self) -> bool:
        return not self.erro


@dataclass(frozen=True)
class Lote:
    """All lines in the order of the input, accepted or not."""

    linhas: tuple[Linha, ...] = ()

    @property
    def aceitas(self) -> tuple[Linha, ...]:
        return tuple(linha for linha in self.linhas if linha.aceita)

    @property
    def rejeitadas(self) -> tuple[Linha, ...]:
        return tuple(linha for linha in self.linhas if not linha.aceita)

    @property
    def contagem(self) -> str:
        """ "1 arquivo aceito, 2 rejeitados"."""
        n, refused = len(self.aceitas), len(self.rejeitadas)
        text = ngettext("%(n)d arquivo aceito", "%(n)d arquivos aceitos", n) % {"n": n}
        return text + (ngettext(", %(n)d rejeitado", ", %(n)d rejeitados", refused) % {"n": refused} if refused else "")


class _Rejeitada(Exception):
    pass


def ler(entradas: Iterable[Entrada | str], **como: Any) -> Lote:
    """All of `linhas` at once."""
    return Lote(tuple(linhas(entradas, **como)))


def linhas(
    entradas: Iterable[Entrada | str],
    *,
    tribunais: Mapping[str, str],
    portal: str | None = None,
    hoje: date,
    padrao_identificador: str = PADRAO_IDENTIFICADOR,
) -> Iterator[Linha]:
    """Read every entry, one at a time; a bare string is a name without content, a blank one is skipped.

    `tribunais` maps the court codes that are served to the slug of their portal; `portal`, when given, is the only
    slug this batch may use. `hoje` bounds the year of a case. `padrao_identificador` is the office's own pattern,
    searched only after the case number. re.error if it is no pattern.
    """
    leitor = _Leitor(tribunais, portal, hoje.year + 1, re.compile(padrao_identificador))
    todas = (Entrada(e) if isinstance(e, str) else e for e in entradas)
    cheias = (e for e in todas if e.nome.strip() or e.conteudo is not None or e.erro)
    return (leitor.linha(ordem, entrada) for ordem, entrada in enumerate(cheias, start=1))


def nome_sem_chaves(nome: str, numero: str, identificador: str) -> str:
    """What is left of a name without case number, identifier and extension: "Manifestação"."""
    resto = _EXTENSAO_PDF.sub("", unicodedata.normalize("NFC", nome))
    if numero:
        resto = " ".join(cnj.partir(resto, numero))
    if identificador:
        resto = re.sub(rf"(?<!\d)_?{re.escape(identificador)}_?(?!\d)", " ", resto)
    return " ".join(resto.split()).strip("-._ ")


class _Leitor:
    """Reads entries one after another, remembering the accepted ones to know a repeated one."""

    def __init__(
        self, tribunais: Mapping[str, str], portal: str | None, ano_maximo: int, identificador: re.Pattern[str]
    ) -> None:
        self.tribunais = tribunais
        self.portal = portal
        self.ano_maximo = ano_maximo
        self.identificador = identificador
        self.tribunais_extra = frozenset(tribunais) - cnj.TRIBUNAIS.keys()
        self.vistos: dict[str, str] = {}

    def linha(self, ordem: int, entrada: Entrada) -> Linha:
        try:
            return self._aceitar(ordem, entrada)
        except (_Rejeitada, PdfIlegivel) as recusa:
            return Linha(ordem, _mostravel(_base(entrada.nome)) or str(SEM_NOME), erro=str(recusa))

    def _aceitar(self, ordem: int, entrada: Entrada) -> Linha:
        nome = _nome_conferido(entrada)
        achado, avisos = self._numero(nome, entrada.conteudo)
        self._conferir_portal(achado.numero)
        identificador = self._identificador_em(nome, achado.numero)
        sha256 = hashlib.sha256(entrada.conteudo).hexdigest() if entrada.conteudo is not None else ""
        self._conferir_repeticao(nome, sha256 if entrada.conteudo else "")
        avisos += [f"{achado.numero}: {aviso}." for aviso in achado.avisos]
        if not identificador:
            avisos.append(str(SEM_IDENTIFICADOR))
        if entrada.conteudo is not None and not parece_pdf(entrada.conteudo):
            avisos.append(_("O conteúdo do arquivo não parece ser um PDF."))
        return Linha(ordem, nome, achado.numero, identificador, tuple(avisos), "", entrada.conteudo, sha256)

    def _numero(self, nome: str, conteudo: bytes | None) -> tuple[cnj.Achado, list[str]]:
        """The name decides if it holds any number, even a wrong one: the text may cite other cases."""
        achados = self._encontrar(nome)
        avisos: list[str] = []
        if conteudo is not None and not (achados.validos or achados.invalidos):
            achados = self._encontrar(texto_das_primeiras_paginas(conteudo))
            avisos.append(_("Número do processo lido do texto do PDF."))
        if len(achados.validos) > 1:
            raise _Rejeitada(
                _("Há mais de um número de processo no arquivo (%(numeros)s). Renomeie com o número correto.")
                % {"numeros": _enumerar(achados)}
            )
        if achados.validos:
            return achados.validos[0], avisos + [
                _("Ignorado: %(motivo)s") % {"motivo": _digito_invalido(i)} for i in achados.invalidos
            ]
        if achados.invalidos:
            raise _Rejeitada(_("%(motivo)s Confira a digitação.") % {"motivo": _digito_invalido(achados.invalidos[0])})
        raise _Rejeitada(SEM_NUMERO)

    def _encontrar(self, texto: str) -> cnj.Achados:
        return cnj.encontrar(texto, ano_maximo=self.ano_maximo, tribunais_extra=self.tribunais_extra)

    def _conferir_portal(self, numero: str) -> None:
        codigo = cnj.tribunal(numero)
        slug = self.tribunais.get(codigo)
        nome = cnj.nome_tribunal(codigo)
        rotulo = _("tribunal %(codigo)s") % {"codigo": codigo} if nome == codigo else f"{nome} ({codigo})"
        if slug is None:
            raise _Rejeitada(_("Nenhum portal configurado para o %(rotulo)s.") % {"rotulo": rotulo})
        if self.portal is not None and slug != self.portal:
            raise _Rejeitada(
                _("O %(rotulo)s é atendido por outro portal (%(slug)s).") % {"rotulo": rotulo, "slug": slug}
            )

    def _identificador_em(self, nome: str, numero: str) -> str:
        """The identifier that touches the case number, else the last one after it, else "".

        Each piece between case numbers is searched alone, so that none of them lends its court number.
        """
        ultimo = ""
        for pedaco in cnj.partir(nome, numero)[1:]:
            for outro in self._encontrar(pedaco).invalidos:
                pedaco = pedaco[: outro.inicio] + " " * (outro.fim - outro.inicio) + pedaco[outro.fim :]
            posicao = 0
            while m := self.identificador.search(pedaco, posicao):
                ultimo = "_".join(g for g in m.groups() if g) or m[0].strip("_")
                if m.start() == 0:
                    return ultimo
                posicao = m.start() + 1
        return ultimo

    def _conferir_repeticao(self, nome: str, sha256: str) -> None:
        chaves = [chave for chave in (f"nome:{_chave_do_nome(nome)}", sha256) if chave]
        for chave in chaves:
            if chave in self.vistos:
                raise _Rejeitada(
                    _("Arquivo repetido neste lote (igual a %(nome)s).") % {"nome": _mostravel(self.vistos[chave])}
                )
        self.vistos.update(dict.fromkeys(chaves, nome))


def _nome_conferido(entrada: Entrada) -> str:
    """The base name, stripped and NFC, or _Rejeitada."""
    if entrada.erro:
        raise _Rejeitada(entrada.erro)
    if entrada.conteudo is not None and len(entrada.conteudo) > LIMITE_BYTES:
        raise _Rejeitada(arquivo_grande())
    nome = _base(entrada.nome)
    if len(nome) > LIMITE_DO_NOME:
        raise _Rejeitada(
            _("Nome de arquivo longo demais (%(n)s caracteres; o limite é %(limite)s): «%(nome)s».")
            % {"n": len(nome), "limite": LIMITE_DO_NOME, "nome": _mostravel(nome)}
        )
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in nome):
        raise _Rejeitada(_("O nome do arquivo tem caracteres de controle. Renomeie o arquivo."))
    extensao = os.path.splitext(nome)[1].lower().lstrip(". ")
    if extensao in EXTENSOES_ESTRANGEIRAS:
        raise _Rejeitada(_("Formato .%(extensao)s não aceito. Envie PDF.") % {"extensao": extensao})
    return nome or str(SEM_NOME)


def _base(nome: str) -> str:
    visivel = "".join(c for c in unicodedata.normalize("NFC", nome) if unicodedata.category(c) != "Cf")
    return re.split(r"[/\\]", visivel.strip().rstrip("/\\"))[-1].strip()


def _chave_do_nome(nome: str) -> str:
    return " ".join(_EXTENSAO_PDF.sub("", nome).casefold().split())


def _mostravel(nome: str) -> str:
    limpo = "".join("\ufffd" if unicodedata.category(c) in {"Cc", "Cs"} else c for c in nome)
    return limpo if len(limpo) <= LIMITE_MOSTRADO else limpo[: LIMITE_MOSTRADO - 1] + "…"


def _digito_invalido(invalido: cnj.Invalido) -> str:
    return _("O número %(numero)s tem dígito verificador inválido (esperado %(esperado)s).") % {
        "numero": invalido.numero,
        "esperado": invalido.esperado,
    }


def _enumerar(achados: cnj.Achados) -> str:
    numeros = [achado.numero for achado in achados.validos]
    resto = len(numeros) - NUMEROS_MOSTRADOS
    shown = ", ".join(numeros[:NUMEROS_MOSTRADOS])
    return _("%(numeros)s e mais %(n)d") % {"numeros": shown, "n": resto} if resto > 0 else shown
