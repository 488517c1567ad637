"""What was verified today, since 00:00 of the offices' zone: by hour and by the four groups a reader tells apart."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Case, CharField, Count, F, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from executions.models import JobItem
from executions.results import Resultado

GRUPOS = ("protocolada", "nao_localizada", "a_conferir", "falha")
HORAS = 24


def meia_noite(agora: datetime) -> datetime:
    """The last midnight, as the offices' clocks show it."""
    return timezone.localtime(agora).replace(hour=0, minute=0, second=0, microsecond=0)


def do_grupo(grupo: str) -> Q:
    """The items of one of GRUPOS."""
    done, failed = Q(status=JobItem.Status.DONE), Q(status=JobItem.Status.FAILED)
    sure = (Resultado.PROTOCOLADA, Resultado.NAO_LOCALIZADA)
    if grupo == "falha":
        return failed
    return done & (~Q(resultado__in=sure) if grupo == "a_conferir" else Q(resultado=grupo))


def desde(inicio: datetime) -> "QuerySet[JobItem]":
    """Verified since then. What ended with its batch before any robot had it was not."""
    ended = (JobItem.Status.DONE, JobItem.Status.FAILED)
    return JobItem.objects.order_by().filter(finished_at__gte=inicio, status__in=ended, started_at__isnull=False)


def por_execucao(grupo: str, agora: datetime) -> dict[int, int]:
    """Execution -> how many of its items came to this group today. The same items that the day's total counts."""
    rows = desde(meia_noite(agora)).filter(do_grupo(grupo)).values_list("execucao").annotate(n=Count("pk"))
    return dict(rows)


@dataclass(frozen=True)
class Hora:
    """One bar: the hour, and how many of each group, in GRUPOS' order."""

    hora: int
    grupos: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.grupos)


class Hoje:
    """The day so far. One query over an index that holds all it needs."""

    def __init__(self, agora: datetime) -> None:
        self.agora, self.inicio = agora, meia_noite(agora)
        # Comparisons instead of a database function: the hours are the offices', and SQLite has no time zones.
        hour = Case(
            *(When(finished_at__lt=self.inicio + timedelta(hours=h + 1), then=Value(h)) for h in range(HORAS - 1)),
            default=Value(HORAS - 1), output_field=IntegerField(),
        )  # fmt: skip
        group = Case(*(When(do_grupo(name), then=Value(name)) for name in GRUPOS), output_field=CharField())
        groups = desde(self.inicio).annotate(hora=hour, grupo=group).values_list("hora", "grupo")
        rows = groups.annotate(n=Count(F("pk")))
        self._n: dict[tuple[int, str], int] = defaultdict(int)
        for hora, grupo, n in rows:
            self._n[hora, grupo] += n

    def do_grupo(self, grupo: str) -> int:
        return sum(n for (_hour, name), n in self._n.items() if name == grupo)

    @property
    def total(self) -> int:
        return sum(self._n.values())

    @cached_property
    def horas(self) -> list[Hora]:
        """From the first hour with work to the present one; empty before the first item."""
        if not self._n:
            return []
        first = min(hour for hour, _name in self._n)
        last = max(timezone.localtime(self.agora).hour, *(hour for hour, _name in self._n))
        return [Hora(h, tuple(self._n.get((h, name), 0) for name in GRUPOS)) for h in range(first, last + 1)]
