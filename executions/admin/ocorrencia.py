from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from executions.admin.base import SomenteLeitura
from executions.models import Ocorrencia


@admin.register(Ocorrencia)
class OcorrenciaAdmin(SomenteLeitura):
    """Each time that an alarm went off, from its beginning to its end."""

    list_display = ("mensagem", "alarme", "alvo", "aberta_em", "vista_em", "fechada_em")
    list_filter = ("alarme", "aberta_em", "fechada_em")
    search_fields = ("mensagem", "alvo")
    search_help_text = _("Mensagem ou alvo")
