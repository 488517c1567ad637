"""The page of a new execution: what was handed over, how each line was read, and the options to start it with."""

import csv
from collections.abc import Iterator
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from executions import clock, conferencias
from executions.exports import sem_formula
from executions.models import Conferencia, LinhaConferida, Portal
from executions.models.conferencia import LinhaQuerySet
from executions.views.acesso import View, pagina, quem
from executions.views.opcoes import Opcoes

POR_PAGINA = 25
NOMES_MOSTRADOS = 500  # more pasted names than these are kept, and not sent back into the page
EXPIRADA = _("A conferência não existe mais: ela vale 1 hora. Confira de novo para iniciar.")

ABAS = {
    "todos": (_("Todos"), "total"),
    "recusados": (_("Recusados"), "recusadas"),
    "avisos": (_("Com aviso"), "com_aviso"),
    "aceitos": (_("Sem aviso"), "sem_aviso"),
}
TIPO = {
    "recusados": LinhaConferida.Tipo.RECUSADA,
    "avisos": LinhaConferida.Tipo.AVISO,
    "aceitos": LinhaConferida.Tipo.LIMPA,
}


def com_rascunho(view: View) -> View:
    """Gives the view this person's draft of the address; when it is not there any more, or another's: `expirada`."""

    @wraps(view)
    def given(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
        mine = Conferencia.objects.de(quem(request), clock.db_now()).select_related("portal")
        draft = mine.filter(pk=uuid).first()
        return view(request, draft) if draft else expirada(request, uuid)

    return given


def expirada(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """To the executions that it became, or to the empty page with the reason."""
    made = conferencias.iniciadas(uuid, quem(request))
    if made:
        return redirect("executions:execucao", pk=made[0].pk)
    messages.warning(request, EXPIRADA)
    return redirect("executions:nova")


@never_cache
@pagina("enfileirar")
def nova(request: HttpRequest) -> HttpResponse:
    """The empty page, with the way back to what this person has checked already."""
    anteriores = [
        (draft, draft.linhas.all().contar(), conferencias.iniciadas(draft.pk, quem(request)))
        for draft in Conferencia.objects.de(quem(request), clock.db_now()).exclude(conferida_em=None)
    ]
    return render(request, "executions/nova.html", _entrada(None) | {"anteriores": anteriores})


@never_cache
@pagina("enfileirar")
@com_rascunho
def conferencia(request: HttpRequest, draft: Conferencia) -> HttpResponse:
    if draft.iniciada_em:
        return expirada(request, draft.pk)
    return mostrar(request, draft, Opcoes(draft, quem(request), request.GET or None))


def mostrar(request: HttpRequest, draft: Conferencia, opcoes: Opcoes, *, status: int = 200) -> HttpResponse:
    """The draft's page: one page of its lines, the counts, the options."""
    aba = request.GET.get("v", "todos")
    aba = aba if aba in ABAS else "todos"
    contagem = draft.linhas.all().contar()
    contexto = _entrada(draft) | {
        "contagem": contagem,
        "aba": aba,
        "abas": [(nome, texto, getattr(contagem, campo)) for nome, (texto, campo) in ABAS.items()],
        "opcoes": opcoes,
        **_pagina(draft, aba, request.GET.get("apos", "")),
    }
    return render(request, "executions/nova.html", contexto, status=status)


def _entrada(draft: Conferencia | None) -> dict[str, Any]:
    """What the first card shows."""
    names = draft.nomes if draft else ""
    n = sum(1 for name in names.splitlines() if name.strip())
    files = draft.arquivos.count() if draft else 0
    return {
        "conferencia": draft,
        "anteriores": [],
        "conferida_em": draft.conferida_em if draft else None,
        "portal_id": draft.portal_id if draft else None,
        "nomes": names if n <= NOMES_MOSTRADOS else None,
        "n_nomes": n,
        "n_arquivos": files,
        "portais": list(Portal.objects.all()),
        "limite_bytes": settings.UPLOAD_MAX_BYTES,
        "limite_mb": settings.UPLOAD_MAX_BYTES // 2**20,
        "limite_arquivos": settings.DATA_UPLOAD_MAX_NUMBER_FILES,
    }


def _pagina(draft: Conferencia, aba: str, apos: str) -> dict[str, Any]:
    """One page of lines by key: the lines after the order `apos`."""
    rows: LinhaQuerySet = draft.linhas.all().para_tabela()
    if aba in TIPO:
        rows = rows.filter(tipo=TIPO[aba])
    after = int(apos) if apos.isdecimal() and len(apos) < 10 else 0
    found = list(rows.filter(ordem__gt=after)[: POR_PAGINA + 1])
    return {
        "linhas": found[:POR_PAGINA],
        "apos": after,
        "proximas": found[POR_PAGINA - 1].ordem if len(found) > POR_PAGINA else 0,
    }


@pagina("enfileirar")
@com_rascunho
def recusados(request: HttpRequest, draft: Conferencia) -> StreamingHttpResponse:
    """The refused lines and why, as a Brazilian Excel opens it. Until the draft expires, also once it was started."""
    rows = draft.linhas.all().recusadas().order_by("ordem").values_list("ordem", "nome", "erro").iterator()
    response = StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="recusados.csv"'
    response["Cache-Control"] = "no-store"
    return response


class _Eco:
    def write(self, text: str) -> str:
        return text


def _csv(rows: Iterator[tuple[int, str, str]]) -> Iterator[str]:
    writer = csv.writer(_Eco(), delimiter=";")
    yield "\ufeff" + writer.writerow(("linha", "arquivo", "motivo"))
    for ordem, nome, erro in rows:
        yield writer.writerow((ordem, sem_formula(nome), sem_formula(erro)))
