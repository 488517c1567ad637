"""Downloads of an execution: its items, as the page's filter shows them, and its log."""

import tempfile
from collections.abc import Iterator

from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone

from executions import exports
from executions.itens import Filtro
from executions.models import Execucao, Registro
from executions.views.acesso import pagina

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
POR_VEZ = 1000  # lines of a log
EM_MEMORIA = 2_000_000  # bytes of a workbook before it goes to the disk


@pagina()
def em_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    execucao = get_object_or_404(Execucao, pk=pk)
    rows = exports.do_filtro(execucao, Filtro.ler(request.GET))
    return StreamingHttpResponse(
        exports.em_csv(rows), content_type="text/csv; charset=utf-8", headers=anexo(f"execucao-{pk}.csv")
    )


@pagina()
def em_xlsx(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A workbook is a zip file, whose directory comes last: it is written to a temporary file, then sent from there."""
    execucao = get_object_or_404(Execucao, pk=pk)
    book = tempfile.SpooledTemporaryFile(max_size=EM_MEMORIA)  # noqa: SIM115 (the response closes it)
    exports.em_xlsx(exports.do_filtro(execucao, Filtro.ler(request.GET)), book)
    book.seek(0)
    return FileResponse(book, content_type=XLSX, headers=anexo(f"execucao-{pk}.xlsx"))


@pagina()
def log(request: HttpRequest, pk: int) -> HttpResponseBase:
    execucao = get_object_or_404(Execucao, pk=pk)
    return StreamingHttpResponse(
        _linhas(execucao), content_type="text/plain; charset=utf-8", headers=anexo(f"execucao-{pk}.log")
    )


def _linhas(execucao: Execucao) -> Iterator[bytes]:
    """In the order of time: a robot writes its lines with its next heartbeat, so a thousand wait for late ones."""
    last, waiting = 0, list[Registro]()
    while some := Registro.objects.do_log(execucao, "", last, POR_VEZ):
        last = some[-1].pk
        lines = sorted(waiting + some, key=lambda row: (row.at, row.pk))
        waiting = lines[-POR_VEZ:]
        yield from map(_linha, lines[:-POR_VEZ])
    yield from map(_linha, waiting)


def _linha(row: Registro) -> bytes:
    at = timezone.localtime(row.at).isoformat(timespec="seconds")
    return f"{at} {row.level.upper():7} {row.autor:12} {' '.join(row.mensagem.split())}\n".encode()


def anexo(nome: str) -> dict[str, str]:
    """The headers of a download under this name."""
    return {
        "Content-Disposition": f'attachment; filename="{nome}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
