"""The list of executions: what it is narrowed down to, a page at a time by key, and how many each tab counts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, CharField, Count, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from executions.hoje import GRUPOS, por_execucao
from executions.models import Execucao
from executions.models.execucao_queryset import ExecucaoQuerySet
from executions.paginacao import data, meia_noite, numero, pagina_por_chave, parametros

POR_PAGINA = 30
CONTADAS = 3000  # ended items of one execution that a line of the list counts by result
MEUS = "eu"
ESTADOS = {
    "": _("Todas"),
    "na_fila": _("Na fila"),
    "em_execucao": _("Em execução"),
    "pausada": _("Pausadas"),
    "concluida": _("Concluídas"),
    "erro": _("Com erro"),
}
ABERTAS = ("na_fila", "em_execucao", "pausada")
QUEUED, RUNNING, DONE = Execucao.Status.QUEUED, Execucao.Status.RUNNING, Execucao.Status.DONE
# A paused one is in no other tab; each execution is in exactly one.
ESTADO = Case(
    When(pausada_em__isnull=False, status__in=(QUEUED, RUNNING), then=Value("pausada")),
    When(status=QUEUED, then=Value("na_fila")),
    When(status=RUNNING, then=Value("em_execucao")),
    When(status=DONE, then=Value("concluida")),
    default=Value("erro"), output_field=CharField(),
)  # fmt: skip
Contagem = tuple[str, int, str, int | None, str | None, int]


@dataclass(frozen=True)
class Filtro:
    """`estado`: a key of ESTADOS, or "aberta". `usuario`: a number, or "eu". `resultado`: of GRUPOS, with items today.

    `antes`, `apos`: the key of the page.
    """

    estado: str = ""
    q: str = ""
    de: date | None = None
    ate: date | None = None
    portal: int | None = None
    usuario: str = ""
    robo: str = ""
    resultado: str = ""
    antes: int | None = None
    apos: int | None = None
    erros: dict[str, str] = field(default_factory=lambda: dict.fromkeys(("de", "ate"), ""))

    @classmethod
    def ler(cls, dados: Mapping[str, str]) -> "Filtro":
        """From a query string. What cannot be understood is left out, a date with a sentence in `erros`."""
        erros = dict.fromkeys(("de", "ate"), "")
        estado, resultado, usuario = (dados.get(name, "") for name in ("estado", "resultado", "usuario"))
        dates = {name: data(name, dados.get(name, ""), erros) for name in ("de", "ate")}
        return cls(
            estado if estado in (*ESTADOS, "aberta") else "", dados.get("q", "").replace("\0", "").strip()[:100],
            **dates, portal=numero(dados.get("portal", "")),
            usuario=usuario if usuario == MEUS or numero(usuario) else "", robo=dados.get("robo", "")[:40],
            resultado=resultado if resultado in GRUPOS and dados.get("desde") == "hoje" else "",
            antes=numero(dados.get("antes", "")), apos=numero(dados.get("apos", "")), erros=erros,
        )  # fmt: skip

    @property
    def escolhas(self) -> dict[str, str]:
        """As a query string has them, without the page."""
        dates = {name: at.isoformat() if at else "" for name, at in (("de", self.de), ("ate", self.ate))}
        return parametros(
            {"estado": self.estado, "q": self.q, **dates, "portal": self.portal, "usuario": self.usuario,
             "robo": self.robo, "resultado": self.resultado, "desde": "hoje" if self.resultado else ""}
        )  # fmt: skip

    @property
    def endereco(self) -> dict[str, str]:
        return self.escolhas | parametros({"antes": self.antes, "apos": self.apos})

    def com(self, **outras: Any) -> dict[str, str]:
        """The query of another tab or page of the same list."""
        return replace(self, antes=None, apos=None, **outras).endereco

    def texto(self) -> Q:
        """What was searched: a number, with or without #, or a part of the title."""
        found = Q(titulo__icontains=self.q) if self.q else Q()
        pk = numero(self.q.removeprefix("#"))
        return found | Q(pk=pk) if pk else found

    def sem_escolhas(self) -> "ExecucaoQuerySet":
        """Narrowed down by all but the tab, the portal and the person."""
        rows: ExecucaoQuerySet = Execucao.objects.filter(self.texto())
        if self.robo:
            rows = rows.filter(robo=self.robo)
        if self.de:
            rows = rows.filter(created_at__gte=meia_noite(self.de))
        if self.ate:
            rows = rows.filter(created_at__lt=meia_noite(self.ate + timedelta(days=1)))
        return rows


class Lista:
    """One page of it, the tabs' counts, and the portals and people that there are to choose from. Two queries.

    With `resultado` one more: `itens` says of each execution how many of its items came to it today.
    """

    def __init__(self, filtro: Filtro, agora: datetime, eu: int) -> None:
        self.filtro, self.eu = filtro, str(eu) if filtro.usuario == MEUS else filtro.usuario
        rows = filtro.sem_escolhas()
        self.itens = por_execucao(filtro.resultado, agora) if filtro.resultado else {}
        if filtro.resultado:
            rows = rows.filter(pk__in=list(self.itens))
        groups = rows.order_by().annotate(estado=ESTADO).values_list(
            "estado", "portal", "portal__nome", "usuario", "usuario__username"
        )  # fmt: skip
        self._grupos: list[Contagem] = list(groups.annotate(n=Count(F("pk"))))
        chosen: Any = rows.com_nomes().com_respostas(CONTADAS).annotate(estado=ESTADO)
        if filtro.estado:
            chosen = chosen.filter(estado__in=ABERTAS if filtro.estado == "aberta" else (filtro.estado,))
        if filtro.portal:
            chosen = chosen.filter(portal=filtro.portal)
        if self.eu:
            chosen = chosen.filter(usuario=int(self.eu))
        page = pagina_por_chave(chosen, POR_PAGINA, antes=filtro.antes, apos=filtro.apos)
        self.execucoes, self.antes, self.apos = page

    @property
    def abas(self) -> list[tuple[str, Any, int]]:
        """(key, words, how many), of the portal and the person that were chosen."""
        counted: Counter[str] = Counter()
        for estado, portal, _name, usuario, _username, n in self._grupos:
            if self.filtro.portal in (None, portal) and self.eu in ("", str(usuario)):
                counted[estado] += n
        return [(key, words, counted[key] if key else counted.total()) for key, words in ESTADOS.items()]

    @property
    def total(self) -> int:
        """Of the tab that is open."""
        counted = {key: n for key, _words, n in self.abas}
        return sum(counted[key] for key in ABERTAS) if self.filtro.estado == "aberta" else counted[self.filtro.estado]

    @property
    def portais(self) -> list[tuple[int, str]]:
        return sorted({(portal, nome) for _e, portal, nome, *_rest in self._grupos}, key=lambda one: one[1])

    @property
    def pessoas(self) -> list[tuple[int, str]]:
        people = {(pk, nome) for _e, _p, _n, pk, nome, _count in self._grupos if pk and nome}
        return sorted(people, key=lambda one: one[1])
