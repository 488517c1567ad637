"""The words of a forecast: never a promise, always with its range or its reason."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from executions import formatos
from executions.panorama import Espera
from executions.previsao import Previsao
from executions.resumo import Ponto

register = template.Library()
LARGURA, BASE = 900, 44  # of the chart
MOTIVOS = {
    Espera.NADA: gettext_lazy("menos de 5 itens verificados"),
    Espera.PAUSADA: gettext_lazy("a execução está pausada"),
    Espera.RECUO: gettext_lazy("os itens restantes esperam a hora da nova tentativa"),
    Espera.VEZ: gettext_lazy("aguarda a vez"),
    Espera.PORTAL: gettext_lazy("o portal não responde"),
    Espera.CREDENCIAL: gettext_lazy("a credencial está bloqueada por ora"),
    Espera.ENTRADA: gettext_lazy("o portal não respondeu ao último robô que tentou entrar"),
    Espera.SESSOES: gettext_lazy("todas as sessões permitidas estão em uso"),
    Espera.SEM_MAQUINA: gettext_lazy("nenhuma máquina de robôs está ligada"),
    Espera.SEM_DISCO: gettext_lazy("as máquinas ligadas têm 5 % ou menos do disco livre"),
    Espera.SEM_LUGAR: gettext_lazy("nenhuma máquina tem lugar para um robô"),
}


@register.simple_tag
def previsao(p: Previsao, agora: datetime) -> SafeString:
    """ "Pronta por volta de 14:41 (14:40 a 14:45)", or "Sem previsão: o portal não responde", without full stop.

    Before that, of one that waits, "Começa por volta de 14:30".
    """
    start = format_html(_("Começa por volta de {}"), momento(p.inicio, agora)) if p.inicio else SafeString()
    if p.fim is None:
        why = format_html('<span class="quiet">{}</span>', _("Sem previsão: {motivo}").format(motivo=motivo(p)))
        return start or why
    ready = format_html(_("Pronta por volta de {}"), format_html("<strong>{}</strong>", momento(p.fim, agora)))
    span = faixa(p, agora)
    words = format_html('{} <span class="quiet sm">({})</span>', ready, span) if span else ready
    return format_html("{} · {}", start, words) if start else words


def motivo(p: Previsao) -> str:
    """Why nobody can say when it is ready."""
    return str(MOTIVOS.get(p.espera, p.espera.label))


@register.simple_tag
def faixa(p: Previsao, agora: datetime) -> SafeString:
    """ "14:40 a 14:45"; nothing when both are the same minute."""
    if p.de is None or p.ate is None or _minuto(p.de) == _minuto(p.ate):
        return SafeString()
    return format_html(_("{} a {}"), momento(p.de, agora), momento(p.ate, agora))


@register.simple_tag
def momento(at: datetime, agora: datetime) -> SafeString:
    """A `<time>` to the minute: "14:41", or on another day "26/11 às 14:41". What is past is a fact: not rounded."""
    local = timezone.localtime(_minuto(at) if at > agora else at)
    words = formatos.momento(local, "hora_e_minuto")
    if local.date() != timezone.localtime(agora).date():
        words = _("{dia} às {hora}").format(dia=formatos.momento(local, "dia"), hora=words)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="minutes"), words)


@register.simple_tag
def as_horas(at: datetime | None, agora: datetime) -> SafeString:
    """As `momento`, after a word: "às 14:41", "em 26/11 às 14:41"."""
    if at is None:
        return SafeString()
    today = timezone.localtime(at).date() == timezone.localtime(agora).date()
    return format_html(_("às {}") if today else _("em {}"), momento(at, agora))


def _minuto(at: datetime) -> datetime:
    """The nearest minute."""
    return (at + timedelta(seconds=30)).replace(second=0, microsecond=0)


@register.simple_tag
def grafico(pontos: list[Ponto]) -> SafeString:
    """Items a minute since the start, as an area with its line; nothing for fewer than two columns."""
    if len(pontos) < 2:
        return SafeString()
    top = max(0.1, *(ponto.por_minuto for ponto in pontos))
    step = LARGURA / (len(pontos) - 1)
    line = " L".join(
        f"{n * step:.1f} {BASE - ponto.por_minuto / top * (BASE - 4):.1f}" for n, ponto in enumerate(pontos)
    )
    first, last = (formatos.momento(ponto.inicio, "hora_e_minuto") for ponto in (pontos[0], pontos[-1]))
    peak = max(pontos, key=lambda ponto: ponto.por_minuto)
    words = _("Itens por minuto, das {de} às {ate}: pico de {pico} às {hora}, por último {ultimo}").format(
        de=first, ate=last, pico=_decimal(peak.por_minuto), hora=formatos.momento(peak.inicio, "hora_e_minuto"),
        ultimo=_decimal(pontos[-1].por_minuto),
    )  # fmt: skip
    labels = (first, _("pico de {pico} por minuto").format(pico=_decimal(peak.por_minuto)), last)
    return format_html(
        '<svg class="chart ritmo" viewBox="0 0 {w} {b}" preserveAspectRatio="none" role="img" aria-label="{words}">'
        '<path class="area" d="M0 {b} L{line} L{w} {b}Z"/><path class="line" vector-effect="non-scaling-stroke" '
        'd="M{line}"/></svg><p class="row xs quiet eixo" aria-hidden="true">{labels}</p>',
        w=LARGURA, b=BASE, line=line, words=words,
        labels=format_html_join("", "<span>{}</span>", ((label,) for label in labels)),
    )  # fmt: skip


def _decimal(n: float) -> str:
    return formatos.numero(n, 1)
