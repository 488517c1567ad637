"""The words and pictures of operating-system processes."""

import signal
from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from executions.ajuda import MOTIVO
from executions.formatos import escrito, numero
from executions.historico import DESFECHOS, Filtro
from executions.models import Processo, Saida
from executions.templatetags.paginas import PROCESSO, _marca

register = template.Library()
Motivo = Processo.Motivo
WIDTH, HEIGHT = 100, 20

# motivo -> (tone, icon)
TOM = {
    Motivo.CONCLUIDO: ("ok", "check"),
    Motivo.TEMPO: ("bad", "relogio"),
    Motivo.CANCELADO: ("warn", "parar"),
    Motivo.ENCERRADO: ("warn", "parar"),
    Motivo.PARADA: ("warn", "maquina"),
    Motivo.PAUSA: ("idle", "pausa"),
    Motivo.EXCEDENTE: ("idle", "check"),
    Motivo.RECICLADO: ("idle", "repetir"),
    Motivo.PERDIDO: ("bad", "semrede"),
    Motivo.MEMORIA: ("bad", "alerta"),
    Motivo.PROCESSOS: ("bad", "alerta"),
    Motivo.ENTRADA: ("bad", "chave"),
    Motivo.PORTAL: ("warn", "semrede"),
    Motivo.CREDENCIAL: ("bad", "chave"),
    Motivo.BLOQUEADO: ("warn", "cadeado"),
    Motivo.LOGIN: ("warn", "chave"),
    Motivo.CERCADO: ("idle", "migrado"),
    Motivo.SEM_BANCO: ("warn", "semrede"),
    Motivo.SEM_MEMORIA: ("bad", "alerta"),
    Motivo.SEM_DISCO: ("warn", "alerta"),
    Motivo.SEM_PROGRESSO: ("bad", "relogio"),
}
CANAL = {
    Saida.Canal.OUT: ("idle", gettext_lazy("saída")),
    Saida.Canal.ERR: ("bad", gettext_lazy("erros")),
    Saida.Canal.AVISO: ("warn", gettext_lazy("aviso")),
}


@register.simple_tag
def estado_do_processo(processo: Processo, classe: str = "state") -> SafeString:
    """A living one's state or an ended one's outcome: a word, an icon and a tone."""
    if not processo.vivo:
        return desfecho(processo, classe)
    if processo.kill_requested_at:
        return _marca(classe, "warn", "parar", _("Sendo encerrado"))
    if processo.cancel_requested_at:
        return _marca(classe, "warn", "parar", _("Sendo cancelado"))
    tone, icon, said = PROCESSO[Processo.Status(processo.status)]
    word: str | Promise = said
    if processo.status == Processo.Status.REQUESTED and processo.script_id:
        word = _("Na fila") if processo.host_id is None else _("Pedido")
    return _marca(classe, tone, icon, word)


@register.simple_tag
def desfecho(processo: Processo, classe: str = "state") -> SafeString:
    """How it ended: a script's exit status or its signal's name when it ended by itself, else why it ended."""
    code, motivo, script = processo.exit_code, processo.motivo, processo.tipo == Processo.Tipo.SCRIPT
    if script and code is not None and motivo in ("", Motivo.CONCLUIDO, Motivo.FALHA):
        if code == 0:
            return _marca(classe, "ok", "check", _("%(codigo)s · concluiu") % {"codigo": code})
        return _marca(classe, "bad", "falha", _("%(codigo)s · falhou") % {"codigo": _codigo(code)})
    if not motivo:
        return _marca(classe, "idle", "check", _("Terminou"))
    tone, icon = TOM.get(Motivo(motivo), ("bad", "falha"))
    words = (script and DESFECHOS.get(Motivo(motivo))) or processo.get_motivo_display().capitalize()
    return _marca(classe, tone, icon, words)


@register.filter
def por_que_saiu(robo: Processo) -> str:
    """Why a robot left, as sentences: what its end means, and its last words."""
    return " ".join(filter(None, [str(MOTIVO[Motivo(robo.motivo)]) if robo.motivo else "", robo.erro]))


def _codigo(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else str(code)
    except ValueError:
        return _("sinal %(numero)s") % {"numero": -code}


@register.filter
def nome_do_canal(canal: str) -> SafeString:
    return format_html('<span class="lv is-{}">{}</span>', *CANAL[Saida.Canal(canal)])


@register.filter
def em_palavras(segundos: float | None) -> str:
    """ "44 s", "1 min 30 s", "12 min", "1 h 04", "3 dias"."""
    if segundos is None:
        return ""
    s = int(segundos)
    if s < 60:
        return _("%(n)d s") % {"n": s} if s else _("menos de 1 s")
    if s < 3600:
        minutes = _("%(n)d min") % {"n": s // 60}
        return f"{minutes} {_('%(n)d s') % {'n': s % 60}}" if s < 600 and s % 60 else minutes
    if s < 48 * 3600:
        hours = _("%(n)d h") % {"n": s // 3600}
        return f"{hours} {s % 3600 // 60:02d}" if s % 3600 // 60 else hours
    days = s // 86400
    return ngettext("%(n)d dia", "%(n)d dias", days) % {"n": days}


@register.filter
def duracao(processo: Processo) -> str:
    """Of an ended one, from its start."""
    if not processo.ended_at or not processo.started_at:
        return ""
    return em_palavras(max(timedelta(), processo.ended_at - processo.started_at).total_seconds())


@register.filter
def quem(processo: Processo) -> str:
    """Who started it."""
    if processo.execucao_id:
        return f"#{processo.execucao_id}"
    user = processo.usuario
    return (user.get_full_name() or user.get_username()) if user else _("sistema")


@register.filter
def tamanho(caracteres: int) -> str:
    """ "1.234 caracteres", "2,1 milhões de caracteres"."""
    if caracteres >= 1_000_000:
        millions = round(caracteres / 1_000_000, 1)
        text = ngettext("%(n)s milhão de caracteres", "%(n)s milhões de caracteres", int(millions))
        return text % {"n": numero(millions, 1)}
    return ngettext("%(n)s caractere", "%(n)s caracteres", caracteres) % {"n": numero(caracteres)}


@register.simple_tag
def decorrido(inicio: datetime | None, limite: int | None = None) -> SafeString:
    """Time since the start, against its limit. The text stands still; processos.js makes it run, and the bar."""
    if inicio is None:
        return SafeString()
    local = timezone.localtime(inicio)
    since = _("desde %(hora)s") % {"hora": escrito(local, "hora")}
    at = format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), since)
    if not limite:
        return format_html('<span class="tempo" data-decorrido><span class="xs nb">{}</span></span>', at)
    return format_html(
        '<span class="tempo" data-decorrido data-limite="{}" data-texto="{}"><span class="xs nb">{}, {}</span>'
        '<progress max="{}" value="0" aria-label="{}"></progress></span>',
        limite, _("{n} de {limite}"), at, _("limite %(tempo)s") % {"tempo": em_palavras(limite)}, limite,
        _("Tempo decorrido, do limite"),
    )  # fmt: skip


@register.simple_tag
def faisca(processo: Processo, o_que: str) -> SafeString:
    """The samples of `cpu` (of 100 % or more) or `memoria` (of their highest), as a line; nothing for a single one."""
    column, least = (1, 100.0) if o_que == "cpu" else (2, 1.0)
    samples = processo.amostras
    if len(samples) < 2:
        return SafeString()
    begin, end = samples[0][0], samples[-1][0]
    top = max(least, *(sample[column] for sample in samples))
    span = (end - begin) or 1
    points = " ".join(
        f"{(sample[0] - begin) / span * WIDTH:.1f},{HEIGHT - 1 - sample[column] / top * (HEIGHT - 2):.1f}"
        for sample in samples
    )
    peak = max(sample[column] for sample in samples)
    label = (
        _("CPU, até %(peak)s%%") % {"peak": f"{peak:.0f}"}
        if o_que == "cpu"
        else _("Memória, até %(valor)s MB") % {"valor": f"{peak / 1_000_000:.0f}"}
    )
    return format_html(
        '<svg class="chart faisca" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<polyline class="line" vector-effect="non-scaling-stroke" points="{}"/></svg>',
        WIDTH, HEIGHT, label, points,
    )  # fmt: skip


@register.simple_tag
def consulta(filtro: Filtro, **pagina: int) -> str:
    """The query string of another page of this filter."""
    return urlencode(filtro.escolhas | {name: str(key) for name, key in pagina.items()})


@register.filter
def sinal(exit_code: int | None) -> str:
    """The signal that a negative exit status stands for; nothing for the others."""
    return _codigo(exit_code) if exit_code is not None and exit_code < 0 else ""
