"""The answers of a batch as CSV: every input line in its order, the rejected ones too."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from executions.intake import Linha
from executions.models import Execucao, JobItem
from executions.results import ErroClasse

COLUMNS = (
    "arquivo", "processo", "identificador", "situacao", "resultado", "protocolada_em", "juntada_em", "protocolo",
    "documento", "erro_classe", "detalhes", "tentativas",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def linhas(execucao: Execucao, rejeitadas: Iterable[Linha] = ()) -> Iterator[tuple[str, ...]]:
    """One row a line of the input, in its order, without the header."""
    # The file's content stays in the database: a batch may hold gigabytes.
    answered = {item.ordem: _item(item) for item in execucao.itens.defer("arquivo", "dados")}
    rejected = {linha.ordem: rejeitada(linha) for linha in rejeitadas}
    for ordem in sorted(answered | rejected):
        yield answered.get(ordem) or rejected[ordem]


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
