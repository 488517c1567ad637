"""The pictures and words of the home page and of the list of executions."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from executions.formatos import contados, numero
from executions.hoje import GRUPOS, Hoje
from executions.models import Execucao
from executions.panorama import Espera
from executions.previsao import Previsao
from executions.templatetags.paginas import barra, em_destaque, icone, milhar
from executions.templatetags.previsao import as_horas, momento, motivo
from executions.templatetags.processos import em_palavras
from executions.views.progresso import Parte

if TYPE_CHECKING:
    from executions.alertas import Alerta
    from executions.views.painel import Linha

register = template.Library()
# group of the day -> (tone, icon)
TONS = {"protocolada": ("ok", "ok"), "nao_localizada": ("neg", "nao"), "a_conferir": ("warn", "olho"),
        "falha": ("bad", "falha")}  # fmt: skip
# icon of a part -> the heading of its column
NOMES = {"ok": gettext_lazy("Protocoladas"), "nao": gettext_lazy("Não localizadas"), "olho": gettext_lazy("A conferir")}
LARGURA, BASE, ALTURA = 320, 83, 70
COMECA = {
    Espera.PAUSADA: gettext_lazy("quando for retomada"),
    Espera.PORTAL: gettext_lazy("quando o portal voltar"),
    Espera.CREDENCIAL: gettext_lazy("quando o portal liberar a credencial"),
    Espera.SEM_MAQUINA: gettext_lazy("quando uma máquina for ligada"),
    Espera.SEM_DISCO: gettext_lazy("quando houver espaço em disco"),
    Espera.SEM_LUGAR: gettext_lazy("quando houver lugar"),
    Espera.ENTRADA: gettext_lazy("em um minuto"),
    Espera.SESSOES: gettext_lazy("quando uma sessão terminar"),
    Espera.LOGIN: gettext_lazy("depois do primeiro login"),
    Espera.RECUO: gettext_lazy("na hora da nova tentativa"),
    Espera.NADA: gettext_lazy("em instantes"),
}


def texto_do_grupo(grupo: str, n: int) -> str:
    """With %(n)s where the number goes."""
    texts = {
        "protocolada": ngettext("%(n)s protocolada", "%(n)s protocoladas", n),
        "nao_localizada": ngettext("%(n)s não localizada", "%(n)s não localizadas", n),
        "a_conferir": _("%(n)s a conferir"),
        "falha": ngettext("%(n)s falha", "%(n)s falhas", n),
    }
    return texts[grupo]


def partes_de_hoje(hoje: Hoje) -> list[Parte]:
    counted = {grupo: hoje.do_grupo(grupo) for grupo in GRUPOS}
    return [Parte(n, *TONS[grupo], texto_do_grupo(grupo, n)) for grupo, n in counted.items()]


@register.simple_tag
def barra_de_hoje(hoje: Hoje) -> SafeString:
    return barra(partes_de_hoje(hoje))


@register.simple_tag
def legenda_de_hoje(hoje: Hoje) -> SafeString:
    """Each number leads to the list that counts the same items."""
    url = reverse("executions:execucoes")
    return _legenda(
        (parte, f"hoje-{grupo}", f"{url}?{urlencode({'resultado': grupo, 'desde': 'hoje'})}")
        for grupo, parte in zip(GRUPOS, partes_de_hoje(hoje), strict=True)
    )


@register.simple_tag
def legenda_da_linha(linha: "Linha") -> SafeString:
    """Of one execution: each number leads to exactly its items."""
    pk = linha.execucao.pk
    url = reverse("executions:execucao", args=[pk])
    return _legenda((parte, f"{slugify(parte.filtro)}-{pk}", f"{url}?{parte.filtro}#itens") for parte in linha.partes)


def _legenda(partes: Iterable[tuple[Parte, str, str]]) -> SafeString:
    """Of parts, each with the id and the address of its link."""
    shown = [(parte, name, url) for parte, name, url in partes if parte.n]
    rows = format_html_join(
        "", '<li class="is-{}"><a id="{}" href="{}">{}{}</a></li>',
        ((p.tom, name, url, icone(p.icone), em_destaque(p)) for p, name, url in shown),
    )  # fmt: skip
    return format_html('<ul class="legend">{}</ul>', rows)


@register.simple_tag
def grafico_de_hoje(hoje: Hoje) -> SafeString:
    """A bar an hour, stacked by group; positions are attributes, so no inline style."""
    hours = hoje.horas
    if not hours:
        return SafeString()
    top = max(hour.total for hour in hours)
    step = min(49.0, (LARGURA - 20) / len(hours))
    wide = step * 0.7
    every = 1 + len(hours) // 9  # labels that do not touch
    bars = []
    for n, hour in enumerate(hours):
        x, y, rects = 20 + step * n + (step - wide) / 2, float(BASE), []
        for grupo, count in zip(GRUPOS, hour.grupos, strict=True):
            high = count / top * ALTURA if top else 0
            y -= high
            if count:
                rects.append((TONS[grupo][0], f"{x:.1f}", f"{y:.1f}", f"{wide:.1f}", f"{high:.1f}"))
        text = '<text x="{}" y="{}" text-anchor="middle">{}</text>'
        labels = [format_html(text, f"{x + wide / 2:.1f}", 98, f"{hour.hora}h")] if n % every == 0 else []
        if hour.total and every == 1:
            labels.append(format_html(text, f"{x + wide / 2:.1f}", f"{y - 3:.1f}", hour.total))
        rect = '<rect class="fill is-{}" x="{}" y="{}" width="{}" height="{}"/>'
        bars.append((format_html_join("", rect, rects), format_html_join("", "{}", ((label,) for label in labels))))
    label = _("Itens por hora: ") + ", ".join(
        _("%(n)s às %(hora)sh") % {"n": numero(hour.total), "hora": hour.hora} for hour in hours
    )
    return format_html(
        '<svg class="chart" viewBox="0 0 320 102" role="img" aria-label="{}"><path class="axis" d="M20 84.5h300"/>{}'
        "</svg>", label, format_html_join("", "<g>{}{}</g>", bars),
    )  # fmt: skip


@register.simple_tag
def inicio_previsto(linha: "Linha", agora: datetime) -> SafeString:
    """About when a queued one starts, or what has to happen first."""
    p = linha.previsao
    if p.inicio:
        return format_html(_("por volta de {}"), momento(p.inicio, agora))
    # What it waits for when those before it have been served: nothing of its own may be missing, but the turn.
    words = COMECA.get(p.espera or linha.espera, _("sem previsão"))
    return format_html('<span class="quiet">{}</span>', words)


@register.simple_tag
def resumo_dos_itens(n: int) -> str:
    return ngettext("%(n)s item aguarda", "%(n)s itens aguardam", n) % {"n": milhar(n)}


@register.simple_tag
def numeros(pks: list[int]) -> str:
    """ "#127 e #131", at most three of them."""
    names = [f"#{pk}" for pk in pks[:3]]
    if len(pks) > 3:
        return ", ".join(names) + " " + _("e mais %(n)d") % {"n": len(pks) - 3}
    return _(" e ").join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


@register.filter
def primeiros(alertas: "list[Alerta]", n: int) -> "list[Alerta]":
    return alertas[:n]


@register.simple_tag
def fim_ou_previsao(execucao: Execucao, previsao: Previsao | None, agora: datetime) -> SafeString:
    """The last column of the list: how it ended, or when it will, or begins."""
    if execucao.finished_at:
        words = _("terminou {}") if execucao.status == Execucao.Status.DONE else _("parou {}")
        return format_html(words, as_horas(execucao.finished_at, agora))
    if previsao and previsao.inicio:
        return format_html(_("começa por volta de {}"), momento(previsao.inicio, agora))
    if previsao and previsao.fim:
        return format_html(_("pronta por volta de {}"), momento(previsao.fim, agora))
    why = motivo(previsao) if previsao else ""
    return format_html('<span class="quiet">{}</span>', _("sem previsão: %(motivo)s") % {"motivo": why})


@register.simple_tag
def endereco(consulta: dict[str, str]) -> str:
    """The list's address with these choices."""
    query = urlencode(consulta)
    return reverse("executions:execucoes") + (f"?{query}" if query else "")


@register.simple_tag
def soma_de_hoje(grupo: str, itens: int, execucoes: int) -> str:
    """ "48 protocoladas hoje, em 3 execuções"."""
    where = ngettext("em %(n)d execução", "em %(n)d execuções", execucoes) % {"n": execucoes}
    return _("%(itens)s hoje, %(onde)s") % {"itens": contados(texto_do_grupo(grupo, itens), itens), "onde": where}


@register.filter
def nome_da_parte(parte: Parte) -> str:
    """The heading of its number, where a narrow screen has no columns: "Protocoladas"."""
    return str(NOMES.get(parte.icone) or _("Respondidos"))


@register.filter
def tempo_total(execucao: Execucao) -> str:
    """From its first claim to its end; empty while it has none of both."""
    if not execucao.started_at or not execucao.finished_at:
        return ""
    return em_palavras((execucao.finished_at - execucao.started_at).total_seconds())
