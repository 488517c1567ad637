"""What only the page of a new execution says."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from executions import cnj
from executions.formatos import momento
from executions.intake import nome_sem_chaves
from executions.models import Credencial, LinhaConferida
from executions.templatetags.itens import segundos
from executions.views.opcoes import EscolhaDeRobos, Opcoes

register = template.Library()


@register.filter
def nome_da_linha(linha: LinhaConferida) -> str:
    """The name without the keys that the next columns show; whole when it was refused, or nothing is left."""
    rest = nome_sem_chaves(linha.nome, linha.numero, linha.identificador) if linha.numero else ""
    return f"…{rest}" if rest else linha.nome


@register.filter
def tribunal(numero: str) -> str:
    """ "TJGO (8.09)"; "8.99" for a court without a name; "" without a number."""
    if not numero:
        return ""
    code = cnj.tribunal(numero)
    name = cnj.nome_tribunal(code)
    return code if name == code else f"{name} ({code})"


@register.simple_tag
def dica_da_credencial(opcoes: Opcoes, credencial: Credencial) -> str:
    """How many sessions it takes at the same time, who uses them now, and whether the portal lets it in."""
    if credencial.livre_em and opcoes.bloqueada(credencial):
        return _("O portal a bloqueou por alguns minutos: livre às %(hora)s.") % {"hora": _hora(credencial.livre_em)}
    n = credencial.max_sessions
    text = _("Sem limite próprio de sessões") if n is None else ngettext(
        "Aceita %(n)d sessão ao mesmo tempo", "Aceita %(n)d sessões ao mesmo tempo", n
    ) % {"n": n}  # fmt: skip
    using = ", ".join(f"#{execucao.pk}" for execucao in opcoes.em_uso(credencial))
    return f"{text}; {_('em uso pela')} {using}." if using else f"{text}; {_('nenhum robô a usa agora')}."


@register.simple_tag
def previsao_da_escolha(escolha: EscolhaDeRobos) -> SafeString | str:
    if escolha.fora:
        return _("Acima das sessões ou dos lugares de agora")
    p = escolha.previsao
    if p is None or p.fim is None or p.de is None or p.ate is None:
        return _("Sem previsão ainda")
    between = _("%(de)s a %(ate)s") % {"de": _hora(p.de), "ate": _hora(p.ate)}
    return format_html('<b>{}</b> <span class="xs quiet">{}</span>', _hora(p.fim), between)


@register.simple_tag
def demora_da_escolha(escolha: EscolhaDeRobos, escolhas: list[EscolhaDeRobos]) -> SafeString:
    """How long this number of robots takes, of the longest: a bar for the eye; the words beside it say when."""
    longest = max((_demora(other) for other in escolhas), default=0.0)
    if not _demora(escolha):
        return mark_safe("<span></span>")
    part = f"{_demora(escolha) / longest * 100:.0f}"
    return format_html('<progress max="100" value="{}" aria-hidden="true"></progress>', part)


def _demora(escolha: EscolhaDeRobos) -> float:
    p = escolha.previsao
    return p.faltam * p.amostra.media / p.robos if p and p.fim and p.robos else 0.0


@register.simple_tag
def dica_da_previsao(opcoes: Opcoes, escolhas: list[EscolhaDeRobos]) -> str:
    known = next((e.previsao for e in escolhas if e.previsao and e.previsao.fim), None)
    if known is None:
        if len(opcoes.alvos) > 1:
            return _("O máximo vale para cada execução.")
        return _("A previsão aparece depois dos primeiros itens verificados neste portal.")
    text = ngettext("%(n)d item a %(s)s.", "%(n)d itens a %(s)s cada, em média.", known.faltam)
    return (
        text % {"n": known.faltam, "s": segundos(known.amostra.media)} + " " + _("Conta a partir de agora, sem a fila.")
    )


def _hora(at: datetime) -> str:
    local = timezone.localtime(at)
    return momento(local, "hora_e_minuto" if local.date() == timezone.localdate() else "curto")
