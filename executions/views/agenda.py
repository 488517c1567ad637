"""The schedules: when each fires, the next times, and what came of the last ones."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from executions import agenda as regras
from executions import clock, cron
from executions.models import Agendamento, Disparo
from executions.views.acesso import acao, pagina_de, quem
from executions.views.fragmento import RITMO_PARADO_MS, RITMO_RODANDO_MS, responder

PROXIMOS, ULTIMOS = 5, 5
NIVEL = {
    Disparo.Desfecho.MANUAL: messages.SUCCESS, Disparo.Desfecho.INICIANDO: messages.INFO,
    Disparo.Desfecho.PULADO: messages.WARNING,
}  # fmt: skip


@dataclass(frozen=True)
class Linha:
    """One schedule; `proximos` are those after a resume when it is paused."""

    agendamento: Agendamento
    proximos: list[datetime]
    ultimos: list[Disparo]
    pode_iniciar: bool


@pagina_de("view_agendamento")
def agenda(request: HttpRequest) -> HttpResponse:
    """Two queries (one more for the database's clock), whatever the number of schedules and of their firings."""
    agora = clock.db_now()
    slots = {f"disparo_{n}": Subquery(_disparos().values("pk")[n : n + 1]) for n in range(ULTIMOS)}
    rows = list(Agendamento.objects.select_related("script", "portal", "usuario").annotate(**slots))
    fired = Disparo.objects.select_related("processo", "execucao", "usuario").in_bulk(
        [pk for row in rows for name in slots if (pk := vars(row)[name])]
    )
    linhas = [
        Linha(row, _proximos(row, agora), [fired[pk] for name in slots if (pk := vars(row)[name]) in fired],
              row.pode_ser_iniciado_por(quem(request)))
        for row in rows
    ]  # fmt: skip
    starting = any(disparo.desfecho == Disparo.Desfecho.INICIANDO for disparo in fired.values())
    contexto = {
        "linhas": linhas,
        "proximo": next(iter(sorted((row for row in rows if row.proximo_em), key=_hora)), None),
    }
    return responder(
        request, "pagina_agenda", contexto, ritmo=RITMO_RODANDO_MS if starting else RITMO_PARADO_MS
    )  # fmt: skip


@acao("change_agendamento")
def pausar(request: HttpRequest, pk: int) -> HttpResponse:
    agendamento = get_object_or_404(Agendamento, pk=pk)
    if agendamento.pausar(quem(request)):
        return _dizer(request, messages.SUCCESS, _("%(nome)s: pausado. Não dispara até ser retomado."), agendamento)
    return _dizer(request, messages.INFO, _("Nada mudou: %(nome)s já estava pausado."), agendamento)


@acao("change_agendamento")
def retomar(request: HttpRequest, pk: int) -> HttpResponse:
    agendamento = get_object_or_404(Agendamento, pk=pk)
    if agendamento.retomar(quem(request)):
        return _dizer(request, messages.SUCCESS, _("%(nome)s: retomado."), agendamento)
    return _dizer(request, messages.INFO, _("Nada mudou: %(nome)s não estava pausado."), agendamento)


@acao("change_agendamento")
def executar(request: HttpRequest, pk: int) -> HttpResponse:
    """Fires it now. Twice is two firings; the second is skipped while the first still runs."""
    agendamento = get_object_or_404(Agendamento.objects.select_related("script"), pk=pk)
    if not agendamento.pode_ser_iniciado_por(quem(request)):
        raise PermissionDenied
    disparo = regras.executar_agora(agendamento, quem(request))
    level = NIVEL.get(Disparo.Desfecho(disparo.desfecho), messages.ERROR)
    messages.add_message(request, level, f"{agendamento}: {disparo.em_palavras}")
    return redirect("executions:agenda")


def _disparos() -> "QuerySet[Disparo]":
    return Disparo.objects.filter(agendamento=OuterRef("pk")).order_by("-id")


def _hora(row: Agendamento) -> datetime:
    assert row.proximo_em is not None
    return row.proximo_em


def _proximos(row: Agendamento, agora: datetime) -> list[datetime]:
    try:
        return cron.proximos(row.cron, agora, PROXIMOS)
    except cron.CronInvalido:
        return []


def _dizer(request: HttpRequest, nivel: int, texto: str, agendamento: Agendamento) -> HttpResponse:
    messages.add_message(request, nivel, texto % {"nome": agendamento})
    return redirect("executions:agenda")
