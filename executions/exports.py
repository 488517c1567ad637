"""The answers of a batch as CSV or XLSX: every input line in its order, the rejected ones too."""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from executions.intake import Linha
from executions.itens import Filtro
from executions.models import Execucao, JobItem
from executions.results import ErroClasse

COLUMNS = (
    "arquivo", "processo", "identificador", "situacao", "resultado", "protocolada_em", "juntada_em", "protocolo",
    "documento", "erro_classe", "detalhes", "tentativas",
)  # fmt: skip
DE_CADA_VEZ = 1000
LARGURAS = (48, 28, 16, 12, 22, 20, 20, 16, 40, 22, 60, 11)
# What XML cannot carry.
_PROIBIDOS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def linhas(execucao: Execucao, rejeitadas: Iterable[Linha] = ()) -> Iterator[tuple[str, ...]]:
    """One row a line of the input, in its order, without the header."""
    # The file's content stays in the database: a batch may hold gigabytes.
    answered = {item.ordem: _item(item) for item in execucao.itens.defer("arquivo", "dados")}
    rejected = {linha.ordem: rejeitada(linha) for linha in rejeitadas}
    for ordem in sorted(answered | rejected):
        yield answered.get(ordem) or rejected[ordem]


def do_filtro(execucao: Execucao, filtro: Filtro) -> Iterator[tuple[str, ...]]:
    """The rows of what a filter shows, in the input's order, a few at a time: no cursor stays open meanwhile."""
    rows, last = filtro.itens(execucao).defer("arquivo", "dados", "evidencia").order_by("ordem"), 0
    while some := list(rows.filter(ordem__gt=last)[:DE_CADA_VEZ]):
        yield from map(_item, some)
        last = some[-1].ordem


def em_csv(rows: Iterable[tuple[str, ...]]) -> Iterator[bytes]:
    """The file's pieces, as `escrever` writes it with `;`."""
    writer = csv.writer(_Eco(), delimiter=";")
    yield "\ufeff".encode() + writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow(tuple(map(sem_formula, row)))


class _Eco:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> bytes:
        return text.encode()


def em_xlsx(rows: Iterable[tuple[str, ...]], arquivo: IO[bytes]) -> None:
    """One sheet, written row by row. Every cell is a text, whatever it begins with: nothing is run as a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Itens")
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFGHIJKL", LARGURAS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([_celula(sheet, name) for name in COLUMNS])
    for row in rows:
        sheet.append([_celula(sheet, cell) if cell.startswith(FORMULA) else _PROIBIDOS.sub("", cell) for cell in row])
    book.save(arquivo)


def _celula(sheet: Any, text: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, _PROIBIDOS.sub("", text))
    cell.data_type = "s"
    return cell


def escrever(path: Path, rows: Iterable[tuple[str, ...]], delimiter: str = ";") -> None:
    """Writes the file: `;` with a BOM, as a Brazilian Excel opens it, or another delimiter in plain UTF-8.

    Cells that a spreadsheet would run as a formula are made text. Raises OSError.
    """
    encoding = "utf-8-sig" if delimiter == ";" else "utf-8"
    with path.open("w", encoding=encoding, newline="") as handle:
        writer = csv.writer(handle, delimiter=delimiter)
        writer.writerow(COLUMNS)
        writer.writerows(tuple(map(sem_formula, row)) for row in rows)


def sem_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _item(item: JobItem) -> tuple[str, ...]:
    details = item.detalhes or item.erro
    return (
        item.nome_arquivo, item.numero_processo, item.identificador, item.status, item.resultado,
        _local(item.protocolada_em), _local(item.juntada_em), item.protocolo, item.documento,
        item.erro_classe if item.status == JobItem.Status.FAILED else "", " ".join([*item.avisos, details]).strip(),
        str(item.attempts),
    )  # fmt: skip


def rejeitada(linha: Linha) -> tuple[str, ...]:
    error = ErroClasse.ENTRADA_INVALIDA
    return (linha.nome, linha.numero, linha.identificador, "rejeitado", *[""] * 5, error, linha.erro, "0")


def _local(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else ""
