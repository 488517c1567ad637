"""What the table of items, an item's page and the timeline say."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django import template
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from executions.formatos import numero
from executions.itens import A_CONFERIR, Filtro
from executions.models import Execucao, JobItem, Tentativa
from executions.results import ErroClasse, Resultado
from executions.templatetags.paginas import RESULTADO, _marca, icone
from executions.templatetags.processos import em_palavras

if TYPE_CHECKING:
    from executions.resumo import Evento

register = template.Library()

# evento -> (tone, icon); what is not here is an information
EVENTO = {
    "enfileirada": ("idle", "enviar"),
    "iniciada": ("run", "iniciar"),
    "retomada": ("run", "iniciar"),
    "pausada": ("warn", "pausa"),
    "reaberta": ("run", "repetir"),
    "repetida": ("run", "mais"),
    "max_robots": ("idle", "robo"),
    "encerrado": ("bad", "parar"),
    "concluida": ("ok", "check"),
}


@dataclass(frozen=True)
class Aba:
    valor: str
    nome: str
    n: int
    filtro: str
    atual: bool


@dataclass(frozen=True)
class Coluna:
    """`filtro`: the query string that sorts by it, "" when it cannot; `sentido`: how it is sorted now."""

    nome: str
    filtro: str = ""
    sentido: str = ""
    icone: str = ""
    numero: bool = False


@register.simple_tag
def abas(execucao: Execucao, filtro: Filtro) -> list[Aba]:
    """By situation, with the execution's own counters; the empty ones are left out, the present one never."""
    found = [
        ("", _("Todos"), execucao.total_arquivos),
        ("running", _("Em andamento"), execucao.n_running),
        ("pending", _("Pendentes"), execucao.n_pending),
        ("done", _("Concluídos"), execucao.n_done),
        ("failed", _("Falhas"), execucao.n_failed),
    ]
    return [
        Aba(value, name, n, f"situacao={value}" if value else "", value == filtro.situacao)
        for value, name, n in found
        if n or not value or value == filtro.situacao
    ]


@register.simple_tag
def colunas(filtro: Filtro) -> list[Coluna]:
    return [
        _coluna(filtro, _("Arquivo"), "arquivo"),
        _coluna(filtro, _("Processo"), "processo"),
        _coluna(filtro, _("Situação"), "situacao"),
        Coluna(_("Resultado")),
        _coluna(filtro, _("Protocolada em"), "protocolada"),
        Coluna(_("Tentativas"), numero=True),
        Coluna(_("Duração"), numero=True),
    ]


def _coluna(filtro: Filtro, nome: str, chave: str) -> Coluna:
    """A click sorts by it, a second the other way, a third as the files came."""
    now = filtro.ordem
    following = f"-{chave}" if now == chave else "" if now == f"-{chave}" else chave
    query = urlencode(filtro.escolhas | ({"ordem": following} if following else {}))
    sentido = {chave: "ascending", f"-{chave}": "descending"}.get(now, "")
    return Coluna(nome, query or "ordem=", sentido, "baixo")


@register.simple_tag
def consulta_de(filtro: Filtro, ordem: bool = False, **mais: object) -> str:
    """The query string of this filter, with its order if asked for, and these parameters when they say something."""
    chosen = filtro.escolhas | ({"ordem": filtro.ordem} if ordem and filtro.ordem else {})
    return urlencode(chosen | {name: str(value) for name, value in mais.items() if value})


@register.simple_tag
def resultados() -> list[tuple[str, str]]:
    return [*((value, str(label)) for value, label in Resultado.choices), (A_CONFERIR, _("A conferir"))]


@register.simple_tag
def duracao_entre(inicio: datetime, fim: datetime) -> str:
    return em_palavras(max(0.0, (fim - inicio).total_seconds()))


@register.filter
def segundos(s: float) -> str:
    """ "0,4 s", "44 s", "1 min 30 s"."""
    return _("%(n)s s") % {"n": numero(s, 1)} if s < 10 else em_palavras(s)


@register.simple_tag
def icone_do_evento(evento: "Evento") -> SafeString:
    tone, icon = EVENTO.get(evento.evento, ("bad", "falha") if evento.level == "error" else ("idle", "info"))
    return format_html('<span class="tone is-{}">{}</span>', tone, icone(icon))


@register.simple_tag
def desfecho_da_tentativa(tentativa: Tentativa) -> SafeString:
    """How an attempt ended: with an answer, with a failure, or given back."""
    outcome = tentativa.outcome
    if not tentativa.ended:
        return _marca("state", "run", "rodando", _("Em andamento"))
    if outcome in RESULTADO:
        return _marca("state", *RESULTADO[Resultado(outcome)], str(Resultado(outcome).label))
    if outcome in ErroClasse.values:
        return _marca("state", "bad", "falha", str(ErroClasse(outcome).label))
    given_back = {"parada": _("Devolvido: a máquina parava"), "robo_perdido": _("O robô caiu")}
    return _marca("state", "warn", "alerta", given_back.get(outcome, _("Devolvido: {motivo}").format(motivo=outcome)))


@register.simple_tag
def resposta_em_palavras(item: JobItem) -> str:
    """The result as one sentence."""
    if item.status == JobItem.Status.DONE:
        return {
            Resultado.PROTOCOLADA: _("A petição está no processo."),
            Resultado.NAO_LOCALIZADA: _("O processo foi aberto e lido por inteiro: a petição não está nele."),
            Resultado.POSSIVEL: _("Há um documento parecido, mas nada prova que é este. Confira no portal."),
            Resultado.PROCESSO_NAO_ENCONTRADO: _("O portal não conhece este número de processo."),
            Resultado.SEGREDO_JUSTICA: _("O processo está em segredo de justiça: não pôde ser lido."),
            Resultado.MIGRADO: _("O processo foi migrado para outro sistema: confira lá."),
            Resultado.AMBIGUA: _("Mais de um documento pode ser este. Confira no portal."),
        }[Resultado(item.resultado)]
    return {
        JobItem.Status.PENDING: _("Ainda sem resposta: espera um robô."),
        JobItem.Status.RUNNING: _("Ainda sem resposta: um robô o verifica agora."),
        JobItem.Status.FAILED: _("Sem resposta. Uma falha não quer dizer “não localizada”."),
    }[JobItem.Status(item.status)]
