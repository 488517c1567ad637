"""A script's output as lines for a page: what came after a point, at most so many at a time."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Length

from executions.models import Processo, Saida

LINHAS = 500  # an answer
NA_PAGINA = 2000
# What one answer reads at most: it never grows with the log.
PEDACOS = 500
CARACTERES = 2_000_000
LARGURA = 2000
ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
LETRA = {Saida.Canal.OUT: "o", Saida.Canal.ERR: "e"}


@dataclass(frozen=True)
class Ponto:
    """How far a page has read: the chunks up to `n`; of that one only `ate` characters, when that is not None.

    `abertas`: the channels (o, e) whose last line has not ended yet. As text: "12", "12.340", "12oe".
    """

    n: int = 0
    ate: int | None = None
    abertas: str = ""

    @classmethod
    def ler(cls, texto: str) -> "Ponto":
        """Anything else than a point is the beginning."""
        match = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?([oe]{0,2})", texto)
        return cls(int(match[1]), int(match[2]) if match[2] else None, match[3]) if match else cls()

    def __str__(self) -> str:
        return f"{self.n}{'' if self.ate is None else f'.{self.ate}'}{self.abertas}"


@dataclass
class Linha:
    """A line, or (`segue`) the rest of the channel's line before."""

    at: datetime
    canal: str
    bruto: str
    segue: bool = False

    @property
    def texto(self) -> str:
        """Without colour codes; of what a carriage return overwrote, only the last."""
        text = ANSI.sub("", self.bruto.rstrip("\r\n")).rsplit("\r", 1)[-1]
        return text if len(text) <= LARGURA else f"{text[:LARGURA]}…"


@dataclass(frozen=True)
class Leitura:
    """`mais`: there is more to ask for at once. `pulou`: what lies before these lines was left out."""

    linhas: list[Linha]
    ponto: Ponto
    mais: bool = False
    pulou: bool = False


@dataclass(frozen=True)
class Pedaco:
    saida: Saida
    fim: int
    texto: str


def ler(processo: Processo, ponto: Ponto | None) -> Leitura:
    """The lines after the point, at most LINHAS; without a point, the last ones.

    A page holds NA_PAGINA lines, so one that is further behind gets the last ones, and `pulou`. Two queries.
    """
    start = ponto or Ponto()
    saidas, missed = _ultimas(processo, start.n if start.ate is None else start.n - 1)
    pieces = list(_pedacos(saidas, start))
    behind = missed or len(pieces) > NA_PAGINA
    if ponto is None or behind:
        shown, start = pieces[-LINHAS:], Ponto(start.n, start.ate)
        pulou = behind or len(pieces) > LINHAS
    else:
        shown, pulou = pieces[:LINHAS], False
    linhas, abertas = _linhas(shown, set(start.abertas))
    return Leitura(linhas, _fim(shown, start, abertas), mais=shown[-1:] != pieces[-1:], pulou=pulou)


def _ultimas(processo: Processo, depois: int) -> tuple[list[Saida], bool]:
    """The last chunks after this number, as many as one answer may read, and whether there are others before them."""
    rows = Saida.objects.filter(processo=processo).depois(depois)
    sizes = list(rows.reverse().values_list("n", Length("texto"))[: PEDACOS + 1])
    room, first = CARACTERES, None
    for n, size in sizes[:PEDACOS]:
        room -= size
        if room < 0 and first is not None:
            break
        first = n
    if first is None:
        return [], False
    return list(rows.filter(n__gte=first, n__lte=sizes[0][0])), sizes[-1][0] != first


def _pedacos(saidas: Iterable[Saida], ponto: Ponto) -> Iterator[Pedaco]:
    for saida in saidas:
        begin = (ponto.ate or 0) if saida.n == ponto.n else 0
        while begin < len(saida.texto):
            end = saida.texto.find("\n", begin) + 1 or len(saida.texto)
            yield Pedaco(saida, end, saida.texto[begin:end])
            begin = end


def _linhas(pedacos: list[Pedaco], abertas: set[str]) -> tuple[list[Linha], set[str]]:
    """The pieces joined to lines, channel by channel, and the channels left in the middle of one."""
    linhas: list[Linha] = []
    last: dict[str, Linha] = {}
    for piece in pedacos:
        canal = piece.saida.canal
        letter = LETRA.get(Saida.Canal(canal), "")
        if not letter and not piece.texto.strip():
            continue
        if letter in abertas and canal in last:
            last[canal].bruto += piece.texto
        else:
            follows = letter in abertas and "\r" not in piece.texto
            last[canal] = Linha(piece.saida.at, canal, piece.texto, follows)
            linhas.append(last[canal])
        if not letter:
            abertas.clear()
        elif piece.texto.endswith("\n"):
            abertas.discard(letter)
        else:
            abertas.add(letter)
    return linhas, abertas


def _fim(pedacos: list[Pedaco], antes: Ponto, abertas: set[str]) -> Ponto:
    letters = "".join(sorted(abertas, reverse=True))
    if not pedacos:
        return Ponto(antes.n, antes.ate, letters)
    last = pedacos[-1]
    whole = last.fim == len(last.saida.texto)
    return Ponto(last.saida.n, None if whole else last.fim, letters)
