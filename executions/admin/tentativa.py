from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from executions.admin.base import SomenteLeitura, Valores
from executions.models import Tentativa


@admin.register(Tentativa)
class TentativaAdmin(SomenteLeitura):
    list_display = ("id", "item", "n", "processo", "began", "ended", "outcome")
    list_filter = (("outcome", Valores),)
    search_fields = ("=item__execucao__id", "item__nome_arquivo", "item__numero_processo", "=processo__pid", "erro")
    search_help_text = _("Número da execução, arquivo, processo ou PID")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tentativa]:
        return super().get_queryset(request).select_related("item", "processo").defer("item__arquivo")
