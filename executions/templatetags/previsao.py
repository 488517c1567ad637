"""The words of a forecast: never a promise, always with its range or its reason."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from executions.previsao import Previsao

register = template.Library()


@register.simple_tag
def previsao(p: Previsao, agora: datetime) -> SafeString:
    """ "Pronta por volta de 14:41 (14:40 a 14:45)", or "Sem previsão: o portal não responde", without full stop."""
    if p.fim is None or p.de is None or p.ate is None:
        return format_html('<span class="quiet">{}</span>', _("Sem previsão: {motivo}").format(motivo=p.motivo.label))
    about = format_html("<strong>{}</strong>", momento(p.fim, agora))
    text = format_html(_("Pronta por volta de {}"), about)
    first, last = _minuto(p.de), _minuto(p.ate)
    if first == last:
        return text
    span = format_html(_("{} a {}"), momento(p.de, agora), momento(p.ate, agora))
    return format_html('{} <span class="quiet sm">({})</span>', text, span)


@register.simple_tag
def momento(at: datetime, agora: datetime) -> SafeString:
    """A `<time>` to the minute: "14:41", or on another day "26/11 às 14:41"."""
    local = timezone.localtime(_minuto(at))
    words = f"{local:%H:%M}"
    if local.date() != timezone.localtime(agora).date():
        words = _("{dia} às {hora}").format(dia=f"{local:%d/%m}", hora=words)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="minutes"), words)


def _minuto(at: datetime) -> datetime:
    """The nearest minute."""
    return (at + timedelta(seconds=30)).replace(second=0, microsecond=0)
