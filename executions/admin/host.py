from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.admin.base import SomenteLeitura
from executions.models import Host, Processo


@admin.register(Host)
class HostAdmin(SomenteLeitura):
    """A machine. Its agent writes the row; `runrobots` starts it and Ctrl-C stops it."""

    list_display = (
        "nome",
        "viva",
        "robos",
        "places",
        "script_places",
        "cpu",
        "memory",
        "heartbeat_at",
        "draining_at",
        "versao",
    )
    search_fields = ("nome",)
    exclude = ("exclusiva",)
    readonly_fields = ("atende",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Host]:
        live = Q(processos__status__in=Processo.LIVE, processos__tipo=Processo.Tipo.ROBO)
        rows = super().get_queryset(request).com_vida(clock.db_now())  # type: ignore[attr-defined]
        return rows.annotate(robos_vivos=Count("processos", filter=live))

    @admin.display(description=_("ligada"), boolean=True)
    def viva(self, obj: Host) -> bool:
        return obj.ligado

    @admin.display(description=_("atende"))
    def atende(self, obj: Host) -> str:
        return (
            gettext("só a execução %(exclusiva_id)s") % {"exclusiva_id": obj.exclusiva_id}
            if obj.exclusiva_id
            else gettext("qualquer execução")
        )

    @admin.display(description=_("robôs"))
    def robos(self, obj: Host) -> int:
        return obj.robos_vivos  # type: ignore[attr-defined]
