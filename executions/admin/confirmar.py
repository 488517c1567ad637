"""The page between an admin action and an act that kills."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from executions.views.baixas import Baixas

CAMPO = "confirmado"


def confirmado(request: HttpRequest) -> bool:
    return request.POST.get(CAMPO) == "sim"


def pedir_confirmacao(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: "QuerySet[Any]", *,
    acao: str, titulo: str, botao: str, aviso: str = "", baixas: Baixas | None = None, linhas: list[str] | None = None,
    manter: str = "", vistos: dict[str, str] | None = None,
) -> TemplateResponse:  # fmt: skip
    """Says what dies and posts the same action back, confirmed. The act itself reads the rows anew.

    `manter`: the words of the way out. `vistos`: more that is posted back, so that the act can tell whether what was
    shown still holds.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        "title": titulo,
        "subtitle": None,
        "opts": model_admin.model._meta,
        "acao": acao,
        "botao": botao,
        "aviso": aviso,
        "baixas": baixas,
        "linhas": linhas or [],
        "manter": manter or gettext("Manter rodando"),
        "vistos": (vistos or {}).items(),
        "escolhidos": list(queryset.values_list("pk", flat=True)),
        "campo_de_selecao": ACTION_CHECKBOX_NAME,
        "campo_confirmado": CAMPO,
    }
    return TemplateResponse(request, "admin/executions/confirmar.html", context)
