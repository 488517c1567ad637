"""Which lines of an execution's log a page has, so that a poll asks for those that it has not.

Not "those after the last": a transaction that took its line's number first may be the last to end, on PostgreSQL.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

LEMBRADAS = 50  # the last ones: a line that is later than so many of its execution's is seen at the next load


def escrever(linhas: Iterable[int]) -> str:
    """The numbers, rising, each as its distance to the one before: short in an address."""
    return ".".join(str(b - a) for a, b in pairwise([0, *linhas]))


def ler(texto: str) -> list[int]:
    """Back; nothing when it is something else."""
    if not re.fullmatch(rf"[0-9]{{1,18}}(\.[0-9]{{1,9}}){{0,{LEMBRADAS - 1}}}", texto):
        return []
    return list(accumulate(map(int, texto.split("."))))


def depois_de(vistas: Sequence[int]) -> int:
    """The number after which a line that is not one of these may still come."""
    return vistas[0] if len(vistas) == LEMBRADAS else 0


def ultimas(vistas: Iterable[int]) -> list[int]:
    return sorted(vistas)[-LEMBRADAS:]
