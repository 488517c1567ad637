"""How fast batches go and when they will be ready, from their last items: one query, whatever their number and size.

An item costs its robot the seconds from its claim to its end; what one visit to a case cost is shared by the items that
it answered, so a batch of many items a case is not believed to be free. Remaining items times the median cost,
divided by the robots that can work at once, is the forecast; the quartiles give its range.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from statistics import quantiles
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONArray
from django.utils.translation import gettext_lazy as _

from executions.linhas import Linhas, momento
from executions.models import Credencial, Execucao, Host, JobItem, Portal, Processo
from executions.results import ErroClasse

AMOSTRA = 50
MINIMO = 5
JANELA = timedelta(minutes=5)
SEM_MEDIDA = (ErroClasse.SESSAO_EXPIRADA, ErroClasse.ENCERRADO)  # their time says nothing of the next item's
EXECUCOES_DO_PORTAL = 5


class SemPrevisao(models.TextChoices):
    """Why nobody can say when it will be ready."""

    NADA = "", ""
    PAUSADA = "pausada", _("a execução está pausada")
    PORTAL = "portal", _("o portal não responde")
    CREDENCIAL = "credencial", _("a credencial está bloqueada por ora")
    VEZ = "vez", _("aguarda a vez")
    LUGAR = "lugar", _("nenhuma máquina tem lugar para um robô")
    SESSOES = "sessoes", _("todas as sessões permitidas estão em uso")
    POUCOS = "poucos", _("menos de 5 itens verificados")


@dataclass(frozen=True)
class Amostra:
    """What the last items say. `mediana`, `q1`, `q3`: seconds of one robot an item. `por_minuto`: of all robots.

    `por_visita`: items answered by one visit to a case, on the average.
    """

    n: int = 0
    mediana: float = 0.0
    q1: float = 0.0
    q3: float = 0.0
    por_visita: float = 1.0
    por_minuto: float = 0.0
    ultimo: datetime | None = None

    @property
    def basta(self) -> bool:
        return self.n >= MINIMO


@dataclass(frozen=True)
class Previsao:
    """Ready by about `fim`, between `de` and `ate`; or no forecast: `motivo` says why. `robos`: that work at once."""

    faltam: int
    amostra: Amostra
    robos: float = 0.0
    fim: datetime | None = None
    de: datetime | None = None
    ate: datetime | None = None
    motivo: SemPrevisao = SemPrevisao.NADA


# ---- the figures ---------------------------------------------------------------------------------------------------
def anotacoes(agora: datetime) -> dict[str, Any]:
    """What `ler` reads, as columns of a query of executions."""
    ended = JobItem.objects.filter(execucao=OuterRef("pk")).terminados()
    last = ended.filter(started_at__isnull=False).exclude(erro_classe__in=SEM_MEDIDA)
    line = JSONArray(F("started_at"), F("finished_at"), F("numero_processo"))
    recent = ended.filter(finished_at__gt=agora - JANELA).order_by().values("execucao")
    return {
        "ultimos": Linhas(last.annotate(linha=line).values("linha")[:AMOSTRA]),
        "recentes": Coalesce(Subquery(recent.annotate(n=Count("pk")).values("n")), 0),
    }


def amostras(execucoes: "models.QuerySet[Execucao]", agora: datetime) -> dict[int, Amostra]:
    """The last AMOSTRA measured items of each of these, and their rate. One query."""
    rows: Any = execucoes.order_by().annotate(**anotacoes(agora))
    found = rows.values_list("pk", "ultimos", "recentes", "started_at")
    return {pk: ler(lines or [], recent, agora, began) for pk, lines, recent, began in found}


def amostra_do_portal(portal: Portal, agora: datetime) -> Amostra:
    """What the portal's latest executions say, for one that does not exist yet. One query."""
    latest = Execucao.objects.filter(portal=portal, n_done__gt=0).order_by("-id").values("pk")[:EXECUCOES_DO_PORTAL]
    found = amostras(Execucao.objects.filter(pk__in=list(latest.values_list("pk", flat=True))), agora)
    best = max(found.items(), key=lambda one: (one[1].basta, one[0]), default=(0, Amostra()))
    return best[1]


def ler(linhas: Sequence[Sequence[str]], recentes: int, agora: datetime, inicio: datetime | None) -> Amostra:
    """From the columns of `anotacoes` and the time of the start."""
    window = JANELA if inicio is None else min(JANELA, max(timedelta(minutes=1), agora - inicio))
    por_minuto = recentes / (window.total_seconds() / 60)
    visits: dict[str, list[float]] = defaultdict(list)
    ends = []
    for started, finished, caso in linhas:
        end = momento(finished)
        ends.append(end)
        visits[caso].append(max(0.0, (end - momento(started)).total_seconds()))
    costs = [sum(times) / len(times) for times in visits.values() for _time in times]
    if not costs:
        return Amostra(por_minuto=por_minuto)
    q1, median, q3 = quantiles(costs, n=4, method="inclusive") if len(costs) > 1 else costs * 3
    return Amostra(len(costs), median, q1, q3, len(costs) / len(visits), por_minuto, max(ends))


# ---- the robots that can work at once --------------------------------------------------------------------------------
def vagas(
    portal: Portal, credencial: Credencial, robos: Iterable[Processo], hosts: Iterable[Host], execucao_id: int = 0
) -> dict[SemPrevisao, int]:
    """How many robots each limit lets this execution (or a new one) have, those it has already counted in.

    `robos`: the living ones, with their execution; `hosts`: the living ones.
    """
    others = [robo for robo in robos if robo.execucao and robo.execucao_id != execucao_id]
    room: dict[SemPrevisao, int] = {}
    welcome = [h for h in hosts if h.draining_at is None and h.exclusiva_id in (None, execucao_id or None)]
    taken = [robo.host_id for robo in others]
    room[SemPrevisao.LUGAR] = sum(max(0, host.places - taken.count(host.pk)) for host in welcome)
    sessions = []
    if portal.max_sessions is not None:
        sessions.append(portal.max_sessions - sum(r.execucao.portal_id == portal.pk for r in others if r.execucao))
    if credencial.max_sessions is not None:
        mine = sum(robo.execucao.credencial_id == credencial.pk for robo in others if robo.execucao)
        sessions.append(credencial.max_sessions - mine)
    if sessions:
        room[SemPrevisao.SESSOES] = max(0, min(sessions))
    return room


def efetivos(robos: int, amostra: Amostra, intervalo_s: float) -> float:
    """Robots that are never idle: more of them than the portal's minimum interval feeds only wait."""
    if not intervalo_s or not amostra.mediana:
        return float(robos)
    return min(float(robos), max(1.0, amostra.mediana * amostra.por_visita / intervalo_s))


# ---- the forecast ----------------------------------------------------------------------------------------------------
def simular(faltam: int, amostra: Amostra, robos: float, agora: datetime) -> Previsao:
    """What if so many robots work on so many items from now on? Pure. No forecast from fewer than MINIMO items."""
    if not amostra.basta:
        return Previsao(faltam, amostra, robos, motivo=SemPrevisao.POUCOS)
    if robos <= 0:
        return Previsao(faltam, amostra, robos, motivo=SemPrevisao.LUGAR)
    robos = min(robos, float(max(1, faltam)))
    fim, de, ate = (
        agora + timedelta(seconds=faltam * cost / robos) for cost in (amostra.mediana, amostra.q1, amostra.q3)
    )
    return Previsao(faltam, amostra, robos, fim, de, ate)


def previsoes(
    execucoes: Iterable[Execucao],
    agora: datetime,
    robos: Sequence[Processo] | None = None,
    hosts: Sequence[Host] | None = None,
    lidas: dict[int, Amostra] | None = None,
) -> dict[int, Previsao]:
    """The forecast of each open one of these (read `com_nomes`), by its number. One query.

    `robos`: the living robots with their execution (`Processo.objects.vivos().robos().com_item()`); `hosts`: the living
    hosts; `lidas`: the samples. What is not given is asked for, with a query each.
    """
    open_ones = [execucao for execucao in execucoes if execucao.aberta]
    if not open_ones:
        return {}
    if robos is None:
        robos = list(Processo.objects.vivos().robos().com_item())
    if hosts is None:
        hosts = list(Host.objects.vivos(agora))
    if lidas is None:
        lidas = amostras(Execucao.objects.filter(pk__in=[execucao.pk for execucao in open_ones]), agora)
    return {e.pk: _prever(e, lidas.get(e.pk, Amostra()), agora, robos, hosts) for e in open_ones}


def segundos(execucao: Execucao, agora: datetime) -> float | None:
    """Seconds to the end of this one (read `com_nomes`); None when it is not open, or nobody can say."""
    found = previsoes([execucao], agora).get(execucao.pk)
    return max(0.0, (found.fim - agora).total_seconds()) if found and found.fim else None


def _prever(
    execucao: Execucao, amostra: Amostra, agora: datetime, robos: Sequence[Processo], hosts: Sequence[Host]
) -> Previsao:
    faltam = execucao.n_pending + execucao.n_running
    room = vagas(execucao.portal, execucao.credencial, robos, hosts, execucao.pk)
    lacking = _impedimento(execucao, agora, robos)
    if not lacking and amostra.basta:
        lacking = next((reason for reason, n in room.items() if n < 1), SemPrevisao.NADA)
    if lacking:
        return Previsao(faltam, amostra, motivo=lacking)
    most = min(execucao.max_robots, *room.values())
    # From the last end on, so that it moves with what is done and not with each second; a stall moves it all the same.
    base = max(amostra.ultimo or agora, agora - timedelta(seconds=floor(amostra.mediana)))
    return simular(faltam, amostra, efetivos(most, amostra, execucao.portal.min_interval_s), base)


def _impedimento(execucao: Execucao, agora: datetime, robos: Sequence[Processo]) -> SemPrevisao:
    if execucao.pausada:
        return SemPrevisao.PAUSADA
    if execucao.portal.fora_do_ar:
        return SemPrevisao.PORTAL
    if execucao.credencial.livre_em and execucao.credencial.livre_em > agora:
        return SemPrevisao.CREDENCIAL
    at_work = {robo.execucao_id for robo in robos if robo.execucao_id}
    if execucao.pk not in at_work and len(at_work) >= settings.EXECUCOES_SIMULTANEAS:
        return SemPrevisao.VEZ
    return SemPrevisao.NADA
