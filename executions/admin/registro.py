from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from executions.admin.base import SomenteLeitura
from executions.models import Registro


@admin.register(Registro)
class RegistroAdmin(SomenteLeitura):
    """The log and the history: append-only."""

    list_display = ("at", "level", "evento", "mensagem", "execucao", "processo", "usuario")
    list_filter = ("level", "at", "evento")
    search_fields = ("=execucao__id", "evento", "mensagem", "usuario__username")
    search_help_text = _("Número da execução, evento, mensagem ou pessoa")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Registro]:
        rows = super().get_queryset(request).select_related("execucao", "item", "processo", "usuario")
        return rows.defer("item__arquivo")
