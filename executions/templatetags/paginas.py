"""The words, icons and tones of the pages: a state is always a word, an icon and a colour together."""

from datetime import datetime
from typing import TYPE_CHECKING

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from executions import formatos
from executions.formatos import numero
from executions.intake import nome_sem_chaves
from executions.models import Disparo, Execucao, JobItem, Processo, Registro
from executions.panorama import Espera
from executions.results import Resultado

if TYPE_CHECKING:
    from executions.views.progresso import Parte

register = template.Library()

AMBER_AGE_SECONDS = 30
CNJ_DIGITS = 20

# state -> (tone, icon, word)
EXECUCAO = {
    Execucao.Status.QUEUED: ("idle", "fila", gettext_lazy("Na fila")),
    Execucao.Status.RUNNING: ("run", "rodando", gettext_lazy("Em execução")),
    Execucao.Status.DONE: ("ok", "check", gettext_lazy("Concluída")),
    Execucao.Status.ERROR: ("bad", "falha", gettext_lazy("Erro")),
}
ITEM = {
    JobItem.Status.PENDING: ("idle", "relogio", gettext_lazy("Pendente")),
    JobItem.Status.RUNNING: ("run", "rodando", gettext_lazy("Em andamento")),
    JobItem.Status.DONE: ("ok", "check", gettext_lazy("Concluído")),
    JobItem.Status.FAILED: ("bad", "falha", gettext_lazy("Falhou")),
}
RESULTADO = {
    Resultado.PROTOCOLADA: ("ok", "ok"),
    Resultado.NAO_LOCALIZADA: ("neg", "nao"),
    Resultado.POSSIVEL: ("warn", "olho"),
    Resultado.PROCESSO_NAO_ENCONTRADO: ("warn", "semprocesso"),
    Resultado.SEGREDO_JUSTICA: ("warn", "cadeado"),
    Resultado.MIGRADO: ("warn", "migrado"),
    Resultado.AMBIGUA: ("warn", "duvida"),
}
PROCESSO = {
    Processo.Status.REQUESTED: ("idle", "espera", gettext_lazy("Pedido")),
    Processo.Status.STARTING: ("run", "rodando", gettext_lazy("Iniciando")),
    Processo.Status.RUNNING: ("run", "rodando", gettext_lazy("Rodando")),
    Processo.Status.STOPPING: ("warn", "parar", gettext_lazy("Parando")),
}
# What a living robot is doing.
TRABALHO = {
    "trabalhando": ("run", "rodando", gettext_lazy("Trabalhando")),
    "entrando": ("run", "chave", gettext_lazy("Entrando")),
    "sem_item": ("idle", "espera", gettext_lazy("Sem item")),
    "sem_sinal": ("warn", "pulso", gettext_lazy("Sem sinal")),
    "encerrando": ("warn", "parar", gettext_lazy("Sendo encerrado")),
}
NIVEL = {
    Registro.Level.DEBUG: ("idle", gettext_lazy("DETALHE")),
    Registro.Level.INFO: ("idle", gettext_lazy("INFO")),
    Registro.Level.WARNING: ("warn", gettext_lazy("AVISO")),
    Registro.Level.ERROR: ("bad", gettext_lazy("ERRO")),
}
ESPERA = {
    Espera.PAUSADA: "pausa",
    Espera.RECUO: "relogio",
    Espera.VEZ: "fila",
    Espera.PORTAL: "semrede",
    Espera.ENTRADA: "semrede",
    Espera.CREDENCIAL: "chave",
    Espera.LOGIN: "chave",
    Espera.SEM_MAQUINA: "maquina",
    Espera.SEM_DISCO: "maquina",
    Espera.SEM_LUGAR: "maquina",
}
DISPARO = {
    Disparo.Desfecho.INICIANDO: ("run", "rodando"),
    Disparo.Desfecho.INICIADO: ("ok", "check"),
    Disparo.Desfecho.PULADO: ("warn", "alerta"),
    Disparo.Desfecho.RECUSADO: ("bad", "falha"),
    Disparo.Desfecho.MANUAL: ("ok", "iniciar"),
}
MENSAGEM = {"success": ("ok", "ok"), "info": ("run", "info"), "warning": ("warn", "alerta"), "error": ("bad", "falha")}


@register.filter
def milhar(n: int) -> str:
    """ "1.234"."""
    return numero(n)


@register.simple_tag
def em_destaque(parte: "Parte") -> SafeString:
    """Its words, the number in bold."""
    before, _n, after = parte.texto.partition("%(n)s")
    return format_html("{}<b>{}</b>{}", before, milhar(parte.n), after)


@register.simple_tag
def icone(nome: str) -> SafeString:
    spin = " spin" if nome == "rodando" else ""
    return format_html(
        '<svg class="i{}" aria-hidden="true"><use href="{}#{}"/></svg>', spin, static("icons.svg"), nome
    )  # fmt: skip


def _marca(classe: str, tom: str, nome: str, texto: "str | Promise") -> SafeString:
    return format_html('<span class="{} is-{}">{}{}</span>', classe, tom, icone(nome), texto)


@register.simple_tag
def estado(execucao: Execucao) -> SafeString:
    """The badge of an execution; paused is a state of its own for the reader."""
    if execucao.aberta and execucao.pausada:
        return _marca("badge", "warn", "pausa", _("Pausada"))
    return _marca("badge", *EXECUCAO[Execucao.Status(execucao.status)])


@register.simple_tag
def estado_do_item(item: JobItem) -> SafeString:
    tone, icon, said = ITEM[JobItem.Status(item.status)]
    word: str | Promise = said
    if item.status == JobItem.Status.FAILED:
        word = _("Falhou: %(por_que)s") % {"por_que": item.get_erro_classe_display().lower()}
    return _marca("state", tone, icon, word)


@register.simple_tag
def resultado(item: JobItem) -> SafeString:
    """The answer's badge; a failure is "sem resposta", never an answer."""
    if item.resultado:
        value = Resultado(item.resultado)
        return _marca("badge", *RESULTADO[value], str(value.label))
    if item.status == JobItem.Status.FAILED:
        return format_html('<span class="quiet">{}</span>', _("sem resposta"))
    return SafeString()


@register.filter
def silencioso(processo: Processo, agora: datetime) -> bool:
    """No heartbeat for longer than is healthy."""
    return processo.heartbeat_at is not None and (agora - processo.heartbeat_at).total_seconds() > AMBER_AGE_SECONDS


@register.simple_tag
def trabalho(robo: Processo, agora: datetime, classe: str = "badge") -> SafeString:
    """What a living robot, read `com_item`, is doing."""
    if not robo.kill_requested_at and robo.status != Processo.Status.RUNNING:
        return _marca(classe, *PROCESSO[Processo.Status(robo.status)])
    if robo.kill_requested_at:
        state = "encerrando"
    elif silencioso(robo, agora):
        state = "sem_sinal"
    elif robo.caso:
        state = "trabalhando"
    else:
        state = "sem_item" if robo.login_em else "entrando"
    return _marca(classe, *TRABALHO[state])


@register.simple_tag
def estado_do_disparo(disparo: Disparo) -> SafeString:
    value = Disparo.Desfecho(disparo.desfecho)
    return _marca("state", *DISPARO[value], str(value.label).capitalize())


@register.simple_tag
def nivel(registro: Registro) -> SafeString:
    return format_html('<span class="lv is-{}">{}</span>', *NIVEL[Registro.Level(registro.level)])


@register.filter
def icone_da_espera(espera: Espera) -> str:
    return ESPERA.get(espera, "espera")


@register.filter
def espera_visivel(espera: Espera | None) -> bool:
    """Having all the robots that it needs is no wait."""
    return bool(espera) and espera != Espera.COMPLETA


@register.simple_tag
def mensagem(tags: str) -> dict[str, str]:
    tone, icon = MENSAGEM.get(tags.split()[-1] if tags else "info", ("run", "info"))
    return {"tom": tone, "icone": icon}


@register.simple_tag
def quando(at: datetime | None, formato: str = "minuto") -> SafeString:
    """A `<time>` in the local zone, with its offset; nothing for no time."""
    if at is None:
        return SafeString()
    local = timezone.localtime(at)
    iso = local.isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', iso, formatos.escrito(local, formato))


@register.simple_tag
def medidor(nome: str, valor: float | None) -> SafeString:
    """A percentage of a machine as a meter: amber from 75, red from 90. Goes into a `gauges` block."""
    if valor is None:
        return format_html('<span>{}</span><span></span><span class="quiet nb">{}</span>', nome, _("sem medida"))
    return format_html(
        '<span>{}</span><meter min="0" max="100" low="75" high="90" optimum="0" value="{}" aria-label="{}">{}%</meter>'
        '<span class="quiet nb">{}%</span>',
        nome, f"{valor:.0f}", nome, f"{valor:.0f}", f"{valor:.0f}",
    )  # fmt: skip


@register.simple_tag
def idade(at: datetime | None, agora: datetime, limite: float = AMBER_AGE_SECONDS) -> SafeString:
    """The age of a sign: amber above so many seconds. The text is the time; tick.js turns it into "há 12 s".

    So the fragment changes with the sign, not with every second that passes.
    """
    if at is None:
        return format_html('<span class="beat is-idle xs">{}</span>', _("sem sinal ainda"))
    local = timezone.localtime(at)
    tone = "warn" if (agora - at).total_seconds() > limite else "ok"
    text = '<span class="beat is-{} xs">{}<time datetime="{}" data-idade>{}</time></span>'
    return format_html(text, tone, icone("pulso"), local.isoformat(timespec="seconds"), formatos.escrito(local, "hora"))


@register.filter
def nome_curto(item: JobItem) -> str:
    """The file's name without the keys that the next column shows; the whole name when nothing is left."""
    number = item.numero_processo if sum(map(str.isdigit, item.numero_processo)) == CNJ_DIGITS else ""
    rest = nome_sem_chaves(item.nome_arquivo, number, item.identificador) if number else ""
    return f"…{rest}" if rest else item.nome_arquivo


@register.filter
def megabytes(rss: int | None) -> str:
    """ "612 MB", "1.957 MB"."""
    return f"{milhar(rss // 1_000_000)} MB" if rss else ""


@register.filter
def por_cento(value: float | None) -> str:
    return f"{value:.0f}%" if value is not None else ""


@register.filter
def pinos(maximo: int, acesos: int) -> list[bool]:
    """One a robot, at most a dozen: more are only told in words."""
    return [n < acesos for n in range(maximo)] if maximo <= 12 else []


@register.simple_tag
def barra(partes: "list[Parte]", classe: str = "") -> SafeString:
    """The segmented bar: widths are attributes, so no inline style."""
    total = sum(parte.n for parte in partes) or 1
    label = ", ".join(parte.palavras for parte in partes if parte.n) or _("nenhum item")
    gap = total * 0.003
    rows, x = [], 0
    for parte in partes:
        if parte.n:
            wide = parte.n if x + parte.n == total else max(parte.n - gap, parte.n * 0.5)
            rows.append((parte.tom, x, f"{wide:.6g}"))
            x += parte.n
    rects = format_html_join("", '<rect class="fill is-{}" x="{}" width="{}" height="8"/>', rows)
    return format_html(
        '<svg class="seg {}" viewBox="0 0 {} 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        classe, total, label, rects,
    )  # fmt: skip
