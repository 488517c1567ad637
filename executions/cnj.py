"""The CNJ case number, `NNNNNNN-DD.AAAA.J.TR.OOOO` (Resolução CNJ 65/2008), and how to find it in what people type.

N is the sequence, DD the check digits (ISO 7064 MOD 97-10), AAAA the year, J the segment of justice, TR the court of
that segment and OOOO the unit of origin. J.TR ("8.09") is what this project calls the court's code.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext

PRIMEIRO_ANO = 1901

# In the resolution's order: TR 01 to 27.
_UFS = "AC AL AP AM BA CE DF ES GO MA MT MS MG PA PB PR PE PI RJ RN RS RO RR SC SE SP TO"
UFS = tuple(_UFS.split())


def _tribunais_oficiais() -> dict[str, str]:
    """J.TR -> name for every court of Resolução 65, art. 1, §§ 4-5."""
    nomes = {"1.00": "STF", "2.00": "CNJ", "3.00": "STJ", "4.90": "CJF", "5.00": "TST", "5.90": "CSJT", "6.00": "TSE"}
    nomes |= {f"4.{tr:02}": f"TRF{tr}" for tr in range(1, 7)}
    nomes |= {f"5.{tr:02}": f"TRT{tr}" for tr in range(1, 25)}
    nomes |= {f"6.{tr:02}": f"TRE-{uf}" for tr, uf in enumerate(UFS, start=1)}
    nomes |= {"7.00": "STM"} | {f"7.{tr:02}": f"{tr}ª CJM" for tr in range(1, 13)}
    nomes |= {f"8.{tr:02}": f"TJ{uf}" for tr, uf in enumerate(UFS, start=1)} | {"8.07": "TJDFT"}
    return nomes | {"9.13": "TJMMG", "9.21": "TJMRS", "9.26": "TJMSP"}


TRIBUNAIS = _tribunais_oficiais()

_SEPARADOR = r"[-._ \u00a0\u2010-\u2015]{0,3}"
_CAMPOS_FIXOS = _SEPARADOR.join(["", "([0-9]{2})", "([0-9]{4})", "([0-9])", "([0-9]{2})", r"([0-9]{4})(?!\d)"])
# One pattern per length of the sequence, the complete form first. The lookahead lets candidates overlap, so that
# "12 8000131-26…" is not lost to the reading that begins at the 12.
_PADROES = [re.compile(rf"(?<!\d)(?=([0-9]{{{tamanho}}}){_CAMPOS_FIXOS})") for tamanho in range(7, 0, -1)]
_CANONICO = re.compile(r"[0-9]{7}-[0-9]{2}\.[0-9]{4}\.[0-9]\.[0-9]{2}\.[0-9]{4}|[0-9]{20}")


@dataclass(frozen=True)
class Achado:
    """A case number with right check digits: `numero` is formatted, `inicio`/`fim` are its slice of the text."""

    numero: str
    inicio: int
    fim: int
    avisos: tuple[str, ...] = ()


@dataclass(frozen=True)
class Invalido:
    """A well-formed case number with wrong check digits; `esperado` holds the two digits that would be right."""

    numero: str
    inicio: int
    fim: int
    esperado: str


@dataclass(frozen=True)
class Achados:
    """What `encontrar` saw: distinct numbers in the order of the text. No character belongs to two of them."""

    validos: tuple[Achado, ...] = ()
    invalidos: tuple[Invalido, ...] = ()


@dataclass(frozen=True)
class _Candidato:
    digitos: str
    inicio: int
    fim: int
    completo: bool

    @property
    def valido(self) -> bool:
        return _confere(self.digitos)


def digito_verificador(sequencial: int, ano: int, j: int, tr: int, oooo: int) -> int:
    """The check digits as an integer from 2 to 98 (print with two digits): DD = 98 - (N AAAA J TR OOOO 00 mod 97)."""
    return 98 - int(f"{sequencial:07}{ano:04}{j}{tr:02}{oooo:04}00") % 97


def formatar(digits20: str) -> str:
    """The 20 digits as `NNNNNNN-DD.AAAA.J.TR.OOOO`. ValueError if they are not 20 ASCII digits."""
    if not re.fullmatch("[0-9]{20}", digits20):
        raise ValueError("A CNJ case number has 20 digits.")
    d = digits20
    return f"{d[:7]}-{d[7:9]}.{d[9:13]}.{d[13]}.{d[14:16]}.{d[16:]}"


def valido(numero: str, *, ano_maximo: int, tribunais_extra: Collection[str] = frozenset()) -> bool:
    """Whether `numero`, formatted or as 20 bare digits, is a case number of a known court.

    `ano_maximo` is the last year accepted (this year + 1). `tribunais_extra` are court codes outside the official
    table, such as the fictitious "8.99" of the demonstration portal.
    """
    if not _CANONICO.fullmatch(numero):
        return False
    digitos = _so_digitos(numero)
    return _bem_formado(digitos, ano_maximo, tribunais_extra) and _confere(digitos)


def encontrar(texto: str, *, ano_maximo: int, tribunais_extra: Collection[str] = frozenset()) -> Achados:
    """Every case number in `texto`, written with any of `-._ ` or nothing between fields and with lost zeros.

    A candidate needs a plausible year and a known court (see `valido`), and may not be part of a longer run of digits.
    Where readings overlap, right check digits win over wrong ones, then the more complete sequence.
    """
    ocupado = bytearray(len(texto))
    escolhidos: list[_Candidato] = []
    for candidato in sorted(_candidatos(texto, ano_maximo, tribunais_extra), key=lambda c: not c.valido):
        if not any(ocupado[candidato.inicio : candidato.fim]):
            ocupado[candidato.inicio : candidato.fim] = b"\1" * (candidato.fim - candidato.inicio)
            escolhidos.append(candidato)
    escolhidos.sort(key=lambda c: c.inicio)
    validos = _distintos(c for c in escolhidos if c.valido)
    invalidos = _distintos(c for c in escolhidos if not c.valido)
    return Achados(tuple(_achado(c) for c in validos), tuple(_invalido(c) for c in invalidos))


def tribunal(numero: str) -> str:
    """The court's code ("8.09") of a complete case number, formatted or not."""
    digitos = _so_digitos(numero)
    return f"{digitos[13]}.{digitos[14:16]}"


def nome_tribunal(codigo: str) -> str:
    """ "8.13" -> "TJMG"; an unknown code comes back as it is."""
    return TRIBUNAIS.get(codigo, codigo)


def padrao_de(numero: str) -> re.Pattern[str]:
    """A pattern that finds this very number however it was written (see `encontrar`)."""
    digitos = _so_digitos(numero)
    sequencial = digitos[:7].lstrip("0") or "0"
    campos = [digitos[7:9], digitos[9:13], digitos[13], digitos[14:16], digitos[16:]]
    return re.compile(rf"(?<!\d)0{{0,{7 - len(sequencial)}}}" + _SEPARADOR.join([sequencial, *campos]) + r"(?!\d)")


def partir(texto: str, numero: str) -> list[str]:
    """What stands before, between and after the places where `texto` writes this very number.

    `padrao_de(numero).split(texto)` without compiling a pattern a number, which is most of the cost of a long list.
    """
    digitos = _so_digitos(numero)
    pedacos, fim = [], 0
    achados = (m for padrao in _PADROES for m in padrao.finditer(texto))
    for m in sorted(achados, key=lambda m: m.start()):
        if m[1].zfill(7) + "".join(m.groups()[1:]) == digitos and m.start() >= fim:
            pedacos.append(texto[fim : m.start()])
            fim = m.end(6)
    return [*pedacos, texto[fim:]]


def _candidatos(texto: str, ano_maximo: int, tribunais_extra: Collection[str]) -> Iterator[_Candidato]:
    for padrao in _PADROES:
        for m in padrao.finditer(texto):
            digitos = m[1].zfill(7) + "".join(m.groups()[1:])
            if _bem_formado(digitos, ano_maximo, tribunais_extra):
                yield _Candidato(digitos, m.start(), m.end(6), completo=len(m[1]) == 7)


def _bem_formado(digitos: str, ano_maximo: int, tribunais_extra: Collection[str]) -> bool:
    codigo = tribunal(digitos)
    return PRIMEIRO_ANO <= int(digitos[9:13]) <= ano_maximo and (codigo in TRIBUNAIS or codigo in tribunais_extra)


def _confere(digitos: str) -> bool:
    """The resolution's test, N AAAA J TR OOOO DD mod 97 = 1, stated as equality with the one digit pair issued."""
    return digitos[7:9] == _esperado(digitos)


def _esperado(digitos: str) -> str:
    d = digitos
    return f"{digito_verificador(int(d[:7]), int(d[9:13]), int(d[13]), int(d[14:16]), int(d[16:])):02}"


def _distintos(candidatos: Iterator[_Candidato]) -> list[_Candidato]:
    primeiros: dict[str, _Candidato] = {}
    for candidato in candidatos:
        primeiros.setdefault(candidato.digitos, candidato)
    return list(primeiros.values())


def _achado(c: _Candidato) -> Achado:
    return Achado(
        formatar(c.digitos), c.inicio, c.fim, () if c.completo else (gettext("zeros à esquerda restaurados"),)
    )


def _invalido(c: _Candidato) -> Invalido:
    return Invalido(formatar(c.digitos), c.inicio, c.fim, _esperado(c.digitos))


def _so_digitos(numero: str) -> str:
    return re.sub("[^0-9]", "", numero)
