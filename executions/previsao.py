"""How fast batches go, from their last items, and when so many robots would be ready with the rest.

An item costs its robot the seconds from its claim to its end; what one visit to a case cost is shared by the items
that it answered, so a batch of many items a case is not believed to be free. Remaining items times the mean cost,
divided by the robots that can work at once, is the forecast: where a few items take most of the time, only the mean
tells their sum. The quartiles give its range. The median is what people are shown as the cost of an item.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import fmean, quantiles
from typing import Any

from django.db import models
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONArray

from executions.linhas import Linhas, momento
from executions.models import Execucao, JobItem, Portal
from executions.panorama import Espera
from executions.results import ErroClasse

AMOSTRA = 50
MINIMO = 5
JANELA = timedelta(minutes=5)
SEM_MEDIDA = (ErroClasse.SESSAO_EXPIRADA, ErroClasse.ENCERRADO)  # their time says nothing of the next item's
EXECUCOES_DO_PORTAL = 5


@dataclass(frozen=True)
class Amostra:
    """What the last items say. `media`, `mediana`, `q1`, `q3`: seconds of one robot an item. `por_minuto`: all robots'.

    `por_visita`: items answered by one visit to a case, on the average.
    """

    n: int = 0
    media: float = 0.0
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
    """Ready by about `fim`, between `de` and `ate`, by so many `robos` that work at once; or nobody can say.

    `espera`: what keeps it from work now; `inicio`: about when that is over, when that can be said. Without `fim` and
    with robots, too few items were measured.
    """

    faltam: int
    amostra: Amostra
    robos: float = 0.0
    fim: datetime | None = None
    de: datetime | None = None
    ate: datetime | None = None
    espera: Espera = Espera.NADA
    inicio: datetime | None = None

    def acelerar(self, agora: datetime, razao: float) -> "Previsao":
        """From this moment on the rest takes only this part of its time."""
        fim, de, ate = (
            at and (agora + (at - agora) * razao if at > agora else at) for at in (self.fim, self.de, self.ate)
        )
        return replace(self, fim=fim, de=de, ate=ate)

    def depois_de(self, at: datetime | None) -> "Previsao":
        """Nothing is ready before its last waiting item may be tried again, and has been."""
        if at is None or self.fim is None or self.de is None or self.ate is None:
            return self
        last = at + timedelta(seconds=self.amostra.media)
        return replace(self, fim=max(self.fim, last), de=max(self.de, at), ate=max(self.ate, last))


# ---- the figures ---------------------------------------------------------------------------------------------------
def com_amostras(execucoes: "models.QuerySet[Execucao]", agora: datetime) -> "models.QuerySet[Execucao]":
    """With what `amostra_de` reads: the times of the last AMOSTRA measured items, and how many ended in JANELA."""
    ended = JobItem.objects.filter(execucao=OuterRef("pk")).terminados()
    last = ended.filter(started_at__isnull=False).exclude(erro_classe__in=SEM_MEDIDA)
    line = JSONArray(F("started_at"), F("finished_at"), F("numero_processo"))
    recent = ended.filter(finished_at__gt=agora - JANELA).order_by().values("execucao")
    return execucoes.annotate(
        ultimos=Linhas(last.annotate(linha=line).values("linha")[:AMOSTRA]),
        recentes=Coalesce(Subquery(recent.annotate(n=Count("pk")).values("n")), 0),
    )


def amostra_de(execucao: Execucao, agora: datetime) -> Amostra:
    """What its last items say (read `com_amostras`)."""
    row: Any = execucao
    return _ler(row.ultimos or [], row.recentes, agora, execucao.started_at)


def amostra_do_portal(portal: Portal, agora: datetime) -> Amostra:
    """What the portal's latest executions say, for one that does not exist yet. One query."""
    latest = Execucao.objects.filter(portal=portal, n_done__gt=0).order_by("-id").values("pk")[:EXECUCOES_DO_PORTAL]
    rows = com_amostras(Execucao.objects.filter(pk__in=list(latest.values_list("pk", flat=True))), agora)
    samples = [amostra_de(execucao, agora) for execucao in rows.order_by("-id")]
    return max(samples, key=lambda sample: sample.basta, default=Amostra())


def _ler(linhas: Sequence[Sequence[str]], recentes: int, agora: datetime, inicio: datetime | None) -> Amostra:
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
    return Amostra(len(costs), fmean(costs), median, q1, q3, len(costs) / len(visits), por_minuto, max(ends))


# ---- the forecast ----------------------------------------------------------------------------------------------------
def efetivos(robos: int, amostra: Amostra, intervalo_s: float) -> float:
    """Robots that are never idle: more of them than the portal's minimum interval feeds only wait."""
    if not intervalo_s or not amostra.media:
        return float(robos)
    return min(float(robos), max(1.0, amostra.media * amostra.por_visita / intervalo_s))


def simular(faltam: int, amostra: Amostra, robos: float, agora: datetime) -> Previsao:
    """What if so many robots (some) work on so many items from now on? No forecast from fewer than MINIMO items."""
    robos = min(robos, float(max(1, faltam)))
    if not amostra.basta:
        return Previsao(faltam, amostra, robos)
    costs = (amostra.media, min(amostra.q1, amostra.media), max(amostra.q3, amostra.media))
    fim, de, ate = (agora + timedelta(seconds=faltam * cost / robos) for cost in costs)
    return Previsao(faltam, amostra, robos, fim, de, ate)
