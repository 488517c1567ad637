"""The processes that ended, filtered, a page at a time by key; and those that live, as the pages read them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions.models import Processo, Script
from executions.paginacao import data, meia_noite, numero, pagina_por_chave

POR_PAGINA = 30
CAMPOS = ("o_que", "desfecho", "de", "ate")
TODOS = {"scripts": _("Todos os scripts"), "robos": _("Robôs"), "tudo": _("Scripts e robôs")}
Motivo = Processo.Motivo
DESFECHOS = {
    Motivo.CONCLUIDO: _("Concluiu"),
    Motivo.FALHA: _("Falhou"),
    Motivo.ENTRADA: _("Pediu uma entrada"),
    Motivo.TEMPO: _("Tempo esgotado"),
    Motivo.CANCELADO: _("Cancelado"),
    Motivo.ENCERRADO: _("Encerrado"),
    Motivo.MEMORIA: _("Limite de memória"),
    Motivo.SEM_MEMORIA: _("Faltou memória"),
    Motivo.PROCESSOS: _("Limite de processos"),
    Motivo.RECUSADO: _("Não pôde ser iniciado"),
    Motivo.PARADA: _("Parada da máquina"),
    Motivo.PERDIDO: _("Perdido"),
}


@dataclass(frozen=True)
class Filtro:
    """What the history shows. `o_que`: a key of TODOS, or a script's number. `antes`, `apos`: the key of the page."""

    o_que: str = "scripts"
    desfecho: str = ""
    de: date | None = None
    ate: date | None = None
    antes: int | None = None
    apos: int | None = None
    erros: dict[str, str] = field(default_factory=lambda: dict.fromkeys(CAMPOS, ""))

    @classmethod
    def ler(cls, dados: Mapping[str, str]) -> "Filtro":
        """From a query string. What cannot be understood is left out, with a sentence in `erros`."""
        erros = dict.fromkeys(CAMPOS, "")
        o_que = dados.get("o_que", "") or "scripts"
        if o_que not in TODOS and not numero(o_que):
            erros["o_que"], o_que = gettext("Escolha um da lista."), "scripts"
        desfecho = dados.get("desfecho", "")
        if desfecho and desfecho not in DESFECHOS:
            erros["desfecho"], desfecho = gettext("Escolha um da lista."), ""
        dates = {name: data(name, dados.get(name, ""), erros) for name in ("de", "ate")}
        return cls(
            o_que, desfecho, **dates, antes=numero(dados.get("antes", "")), apos=numero(dados.get("apos", "")),
            erros=erros,
        )  # fmt: skip

    @property
    def escolhas(self) -> dict[str, str]:
        """As a query string has them, without the page."""
        chosen = {"o_que": "" if self.o_que == "scripts" else self.o_que, "desfecho": self.desfecho}
        dates = {name: at.isoformat() for name, at in (("de", self.de), ("ate", self.ate)) if at}
        return {name: value for name, value in chosen.items() if value} | dates

    @property
    def endereco(self) -> dict[str, str]:
        """The query string of exactly this page."""
        keys = {name: str(key) for name, key in (("antes", self.antes), ("apos", self.apos)) if key}
        return self.escolhas | keys

    def processos(self) -> "QuerySet[Processo]":
        rows: Any = Processo.objects.exclude(status__in=Processo.LIVE)
        if self.o_que == "robos":
            rows = rows.robos()
        elif self.o_que != "tudo":
            rows = rows.scripts()
        if self.o_que.isdecimal():
            rows = rows.filter(script=int(self.o_que))
        if self.desfecho:
            rows = rows.filter(motivo=self.desfecho)
        if self.de:
            rows = rows.filter(requested_at__gte=meia_noite(self.de))
        if self.ate:
            rows = rows.filter(requested_at__lt=meia_noite(self.ate + timedelta(days=1)))
        return rows.select_related("script", "usuario", "execucao", "host").defer("amostras")


@dataclass(frozen=True)
class Pagina:
    """A page of the history, the newest first, and the keys of its neighbours (None: there is none)."""

    processos: list[Processo]
    antes: int | None
    apos: int | None


def pagina(filtro: Filtro) -> Pagina:
    """One query: one row more than is shown tells whether there are others."""
    return Pagina(*pagina_por_chave(filtro.processos(), POR_PAGINA, antes=filtro.antes, apos=filtro.apos))


def scripts_com_ultimo(usuario: Any) -> list[Script]:
    """The scripts that this person may run, with their schedules and `ultimo`: the number of the last process."""
    last = Processo.objects.filter(script=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    rows = Script.objects.permitidos(usuario).annotate(ultimo=Subquery(last)).order_by("nome")
    return list(rows.prefetch_related("agendamentos"))


def vivos_e(pks: Iterable[int]) -> list[Processo]:
    """The living processes and these, with what a page names them by; robots with the item in hand and its start."""
    rows = Processo.objects.com_item().filter(Q(status__in=Processo.LIVE) | Q(pk__in=list(pks)))
    return list(rows.select_related("host", "execucao", "script", "usuario"))
