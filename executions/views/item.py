"""One item: its answer in words, the evidence, every attempt, and what was logged of it."""

from django.db.models import Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render

from executions.models import JobItem
from executions.views.acesso import pagina
from executions.views.exportar import anexo

LINHAS = 200
TENTATIVAS = 50


@pagina()
def item(request: HttpRequest, pk: int, ordem: int) -> HttpResponse:
    """Five queries, whatever was tried. It does not poll: an item is read, not watched."""
    rows = JobItem.objects.defer("arquivo").select_related(
        "execucao__portal", "execucao__credencial", "execucao__usuario", "processo__host"
    )
    row = get_object_or_404(rows, execucao=pk, ordem=ordem)
    numbered = row.tentativas.annotate(ordem=Window(RowNumber(), order_by="n"))  # a token also counts expiries
    tries = numbered.select_related("processo__host").order_by("-n")[:TENTATIVAS]
    lines = row.registros.select_related("processo", "usuario").order_by("-id")[:LINHAS]
    contexto = {
        "item": row,
        "execucao": row.execucao,
        "tentativas": list(tries),
        "registros": list(lines)[::-1],
        "dados": [(name, value) for name, value in row.dados.items()] if isinstance(row.dados, dict) else [],
        "anterior": _vizinho(row, ordem__lt=ordem),
        "proximo": _vizinho(row, ordem__gt=ordem),
    }
    return render(request, "executions/item.html", contexto)


def _vizinho(row: JobItem, **onde: int) -> int | None:
    """The nearest item there: rejected lines have left gaps."""
    order = "-ordem" if "ordem__lt" in onde else "ordem"
    return row.execucao.itens.filter(**onde).order_by(order).values_list("ordem", flat=True).first()


@pagina()
def evidencia(request: HttpRequest, pk: int, ordem: int) -> HttpResponseBase:
    """The evidence as it was kept, to put it into a file of one's own."""
    row = get_object_or_404(JobItem.objects.exclude(evidencia="").only("evidencia"), execucao=pk, ordem=ordem)
    headers = anexo(f"execucao-{pk}-item-{ordem}-evidencia.txt")
    return HttpResponse(row.evidencia, content_type="text/plain; charset=utf-8", headers=headers)
