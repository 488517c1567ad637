"""What an execution's page tells of it beside its own row: counts, failures, pace and events. One statement.

The statement is bounded by indexes: counts and groups are read from an index alone, the rest are the last few rows.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Count, F, Func, IntegerField, OuterRef, Value
from django.db.models.functions import JSONArray
from django.utils.translation import gettext as _

from executions.linhas import Linhas, momento
from executions.models import Execucao, JobItem, Registro

GRUPOS = 12
EVENTOS = 30
COLUNAS_DO_GRAFICO = 60


class _Minuto(Func):
    """Whole minutes since 1970."""

    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / 60)::int"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / 60"
        return self.as_sql(compiler, connection, template=template, **extra)


@dataclass(frozen=True)
class Evento:
    at: datetime
    evento: str
    mensagem: str
    level: str
    por: str


@dataclass(frozen=True)
class Ponto:
    """Items a minute in the `minutos` that begin then."""

    inicio: datetime
    por_minuto: float


@dataclass(frozen=True)
class Resumo:
    """`contagem`: (status, resultado, erro_classe, n). `falhas`: (class, beginning of the message, n)."""

    contagem: list[tuple[str, str, str, int]]
    falhas: list[tuple[str, str, int]]
    pontos: list[Ponto]
    eventos: list[Evento]


def coluna(execucao: Execucao, agora: datetime) -> tuple[int, int]:
    """(the chart's last column, minutes a column): until it changes, the chart stands. 0: there is no chart yet."""
    fim = execucao.finished_at or agora
    largura = _largura(execucao.started_at, fim)
    columns = _colunas(execucao.started_at, fim, largura, ended=not execucao.aberta)
    return columns[-1] if len(columns) > 1 else 0, largura


def ler(execucao: Execucao, agora: datetime, *, grafico: bool = True) -> Resumo:
    """Without `grafico` its points are left out: they cost the most, and change only with `coluna`."""
    mine = JobItem.objects.filter(execucao=OuterRef("pk"))
    fim = execucao.finished_at or agora
    largura = _largura(execucao.started_at, fim)
    ended = mine.filter(finished_at__gte=execucao.started_at or agora, finished_at__lte=fim).order_by()
    minutes = ended.annotate(faixa=_Minuto("finished_at") / largura).values("faixa").annotate(n=Count("pk"))
    events = Registro.objects.filter(execucao=OuterRef("pk")).eventos()
    event = JSONArray(
        F("at"), F("evento"), F("mensagem"), F("level"), F("usuario__first_name"), F("usuario__last_name"),
        F("usuario__username"),
    )  # fmt: skip
    columns = {
        "contados": _de(mine.contagem(), "status", "resultado", "erro_classe", "n"),
        "grupos": _de(mine.por_falha(), "erro_classe", "inicio", "n", limite=GRUPOS),
        "minutos": _de(minutes, "faixa", "n") if grafico else Value(None, output_field=IntegerField()),
        "eventos": Linhas(events.annotate(linha=event).values("linha")[:EVENTOS]),
    }
    rows: Any = Execucao.objects.filter(pk=execucao.pk).order_by().annotate(**columns)
    row = rows.values(*columns).first() or {}
    return Resumo(
        [tuple(line) for line in row.get("contados") or []],
        sorted((tuple(line) for line in row.get("grupos") or []), key=lambda group: (-group[2], group[:2])),
        _pontos(dict(row.get("minutos") or []), execucao.started_at, fim, largura, ended=not execucao.aberta),
        _com_o_fim([_evento(*line) for line in row.get("eventos") or []], execucao),
    )


def _de(rows: Any, *nomes: str, limite: int | None = None) -> Linhas:
    lines = rows.annotate(linha=JSONArray(*(F(nome) for nome in nomes))).values("linha")
    return Linhas(lines[:limite] if limite else lines)


def _largura(inicio: datetime | None, fim: datetime) -> int:
    """Minutes a column of the chart: a long batch gets wider ones, never more than COLUNAS_DO_GRAFICO."""
    minutes = (fim - inicio) / timedelta(minutes=1) if inicio else 0
    return max(1, ceil(minutes / COLUNAS_DO_GRAFICO))


def _pontos(n: dict[int, int], inicio: datetime | None, fim: datetime, largura: int, *, ended: bool) -> list[Ponto]:
    """One a column from the first to the last, empty ones too. The one that still grows is left out."""
    return [
        Ponto(datetime.fromtimestamp(c * largura * 60, tz=fim.tzinfo), n.get(c, 0) / largura)
        for c in _colunas(inicio, fim, largura, ended=ended)
    ]


def _colunas(inicio: datetime | None, fim: datetime, largura: int, *, ended: bool) -> range:
    """The numbers of the columns, counted since 1970."""
    if inicio is None:
        return range(0)
    first, last = (int(at.timestamp()) // 60 // largura for at in (inicio, fim))
    return range(first, last + 1 if ended else last)


def _com_o_fim(eventos: list[Evento], execucao: Execucao) -> list[Evento]:
    """The last answer ends an execution, and no line of the log says so: its own row does."""
    if execucao.status != Execucao.Status.DONE or execucao.finished_at is None:
        return eventos
    end = Evento(execucao.finished_at, "concluida", _("Concluída."), "info", "")
    return sorted([end, *eventos], key=lambda evento: evento.at, reverse=True)


def _evento(at: str, evento: str, mensagem: str, level: str, *nomes: str | None) -> Evento:
    first, last, username = (nome or "" for nome in nomes)
    return Evento(momento(at), evento, mensagem, level, f"{first} {last}".strip() or username)
