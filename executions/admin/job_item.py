from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from executions.admin.base import SomenteLeitura
from executions.models import JobItem, Tentativa


class TentativaInline(admin.TabularInline):
    model = Tentativa
    fields = readonly_fields = ("n", "geracao", "processo", "began", "ended", "outcome", "erro")
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tentativa]:
        return super().get_queryset(request).select_related("processo")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(JobItem)
class JobItemAdmin(SomenteLeitura):
    """One file of a batch, its answer or its failure, and every attempt."""

    list_display = (
        "nome_arquivo", "execucao", "ordem", "numero_processo", "status", "resultado", "erro_classe", "attempts",
        "finished_at",
    )  # fmt: skip
    list_filter = ("status", "resultado", "erro_classe")
    list_select_related = ("execucao",)
    search_fields = ("=execucao__id", "nome_arquivo", "numero_processo", "identificador", "protocolo")
    search_help_text = _("Número da execução, arquivo, processo, identificador ou protocolo")
    exclude = ("arquivo",)
    inlines = (TentativaInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobItem]:
        return super().get_queryset(request).select_related("execucao", "processo").defer("arquivo")
