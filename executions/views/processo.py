"""One run of a script: its state and its log, live, and kept afterwards."""

import re
import uuid as uuids
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string

from executions import saida_lida
from executions.models import Processo, Saida, Script
from executions.views.acesso import pagina_de
from executions.views.fragmento import RITMO_RODANDO_MS, responder
from executions.views.quadro import Cartao

RITMO_LENDO_MS = 250  # more of the log is waiting


@pagina_de("view_processo", "view_script")
def processo(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """A script's process. Four queries. To a poll (`depois`: the point it has read to) the new lines are appended.

    The process is read before its log: once it has ended, nothing more is written. Who may not read outputs
    (`view_saida`) sees everything but the log.
    """
    row = get_object_or_404(Processo.objects.select_related("script", "host", "usuario"), uuid=uuid)
    if row.script is None:
        return redirect("executions:execucao", pk=row.execucao_id)
    poll = bool(getattr(request, "htmx", False))
    ponto = saida_lida.Ponto.ler(request.GET.get("depois", "")) if poll else None
    may_read = request.user.has_perms(["executions.view_saida"])
    leitura = saida_lida.ler(row, ponto) if may_read else saida_lida.Leitura([], saida_lida.Ponto())
    lines = {"leitura": leitura, "na_pagina": saida_lida.NA_PAGINA}
    contexto = {
        "processo": row, "script": row.script, "cartao": Cartao(row), "pode_ler": may_read,
        **_atos(request, row.script), **lines,
    }  # fmt: skip
    anexo = render_to_string("executions/_saida_nova.html", lines, request) if poll and leitura.linhas else None
    return responder(
        request, "processo", contexto, ritmo=RITMO_LENDO_MS if leitura.mais else RITMO_RODANDO_MS if row.vivo else None,
        endereco={"depois": str(leitura.ponto)}, anexo=anexo,
    )  # fmt: skip


def _atos(request: HttpRequest, script: Script) -> dict[str, bool]:
    """Which buttons would not be refused: to run it, and to stop it."""
    runner = request.user.has_perms(["executions.executar_script"])
    mine = runner and script.pode(request.user)
    return {"pode_executar": mine, "pode_parar": mine or runner and script.pode_parar(request.user)}


@pagina_de("view_processo", "view_script", "view_saida")
def baixar_log(request: HttpRequest, uuid: uuids.UUID) -> HttpResponseBase:
    """All that was kept of its output, as it came."""
    row = get_object_or_404(Processo.objects.scripts().select_related("script"), uuid=uuid)
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", str(row.script)).strip(".") or "script"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}-{row.pk}.log"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingHttpResponse(_pedacos(row), content_type="text/plain; charset=utf-8", headers=headers)


def _pedacos(row: Processo) -> Iterator[bytes]:
    """A few chunks at a time: no cursor stays open while a slow browser reads."""
    n = 0
    while chunks := list(Saida.objects.filter(processo=row).depois(n)[:20]):
        yield "".join(chunk.texto for chunk in chunks).encode()
        n = chunks[-1].n
