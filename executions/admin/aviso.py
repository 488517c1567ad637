from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from executions.admin.base import SomenteLeitura
from executions.models import Aviso


@admin.register(Aviso)
class AvisoAdmin(SomenteLeitura):
    """What was told to whom, and what is still to be sent."""

    list_display = ("assunto", "destino", "attempts", "next_at", "sent_at", "falhou_em", "erro")
    list_filter = ("destino", "sent_at", "falhou_em")
    list_select_related = ("destino",)
    search_fields = ("assunto", "destino__nome", "erro")
    search_help_text = _("Assunto, destino ou erro")
