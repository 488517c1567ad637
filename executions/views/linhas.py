"""The rows of the items table: which a page has, how each looks, and which look different by now."""

import re
from collections.abc import Iterable, Sequence

from django.template.loader import render_to_string

from executions.itens import POR_PAGINA
from executions.models import Execucao, JobItem, Processo
from executions.views.fragmento import versao

MARCA = 4  # characters of a row's version


def escrever(ordens: Sequence[int]) -> str:
    """ "1-3,7": short in an address, for most pages are runs."""
    runs: list[list[int]] = []
    for ordem in ordens:
        if runs and ordem == runs[-1][1] + 1:
            runs[-1][1] = ordem
        else:
            runs.append([ordem, ordem])
    return ",".join(f"{a}-{b}" if a != b else str(a) for a, b in runs)


def ler(texto: str) -> list[int]:
    """Back, in the same order; never more than a page."""
    found: list[int] = []
    for first, last in re.findall(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", texto):
        found += range(int(first), min(int(last or first), int(first) + POR_PAGINA) + 1)
        if len(found) >= POR_PAGINA:
            break
    return found[:POR_PAGINA]


def conhecidas(execucao: Execucao, ordens: Sequence[int]) -> list[JobItem]:
    """These items, in this order, whatever has become of them. One query."""
    rows = {item.ordem: item for item in execucao.itens.para_tabela().filter(ordem__in=ordens)}
    return [rows[ordem] for ordem in ordens if ordem in rows]


def celulas(itens: Iterable[JobItem], robos: Sequence[Processo]) -> list[str]:
    """The cells of each row that may change, as they are swapped."""
    steps = {robo.pk: robo.passo for robo in robos}
    return [
        render_to_string("executions/_celulas.html", {"item": item, "passo": steps.get(item.processo_id or 0, "")})
        for item in itens
    ]


def versoes(cells: Sequence[str]) -> str:
    return "".join(versao(cell)[:MARCA] for cell in cells)


def mudadas(cells: Sequence[str], antes: str) -> list[str]:
    """Those that are not what the page has."""
    return [
        cell for n, cell in enumerate(cells) if antes[n * MARCA : (n + 1) * MARCA] != versao(cell)[:MARCA]
    ]  # fmt: skip
