"""The items of an execution as a person looks at them: filtered, searched, sorted, a page at a time by key."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _

from executions import busca
from executions.models import Execucao, JobItem, Tentativa
from executions.models.job_item_queryset import Inicio
from executions.results import ErroClasse, Resultado

if TYPE_CHECKING:
    from executions.models.job_item import JobItemQuerySet

POR_PAGINA = 25
A_CONFERIR = "a_conferir"
PARA_CONFERIR = [r for r in Resultado if r not in (Resultado.PROTOCOLADA, Resultado.NAO_LOCALIZADA)]
# name in the address -> (column, may be empty)
COLUNAS = {
    "": ("ordem", False),
    "arquivo": ("nome_arquivo", False),
    "processo": ("numero_processo", False),
    "situacao": ("status", False),
    "protocolada": ("protocolada_em", True),
}


@dataclass(frozen=True)
class Filtro:
    """What the table shows. `mensagem`: how a failure's text begins. `robo`: a process that had the item once.

    `ordem`: a key of COLUNAS, "-" before it for the other direction. `apos`, `antes`: the key of the page.
    """

    situacao: str = ""
    resultado: str = ""
    erro: str = ""
    mensagem: str | None = None
    robo: int | None = None
    q: str = ""
    ordem: str = ""
    apos: int | None = None
    antes: int | None = None

    @classmethod
    def ler(cls, dados: Mapping[str, str]) -> "Filtro":
        """From a query string or a form. What cannot be understood is left out."""

        def one_of(name: str, known: Any) -> str:
            value = dados.get(name, "")
            return value if value in known else ""

        erro = one_of("erro", ErroClasse.values)
        ordem = dados.get("ordem", "")
        return cls(
            situacao=one_of("situacao", JobItem.Status.values), resultado=one_of("resultado", [*Resultado, A_CONFERIR]),
            erro=erro, mensagem=dados.get("mensagem", "")[:160] if erro and "mensagem" in dados else None,
            robo=_numero(dados.get("robo", "")), q=dados.get("q", "").replace("\0", "").strip()[:100],
            ordem=ordem if ordem.removeprefix("-") in COLUNAS else "",
            apos=_numero(dados.get("apos", "")), antes=_numero(dados.get("antes", "")),
        )  # fmt: skip

    @classmethod
    def exato(cls, dados: Mapping[str, str]) -> "Filtro | None":
        """As `ler`, for an act: None when anything was not understood, for it would apply to more than was meant."""
        found = cls.ler(dados)
        names = ("situacao", "resultado", "erro", "mensagem", "q", "robo")
        return None if any(dados.get(name) and name not in found.escolhas for name in names) else found

    @property
    def escolhas(self) -> dict[str, str]:
        """What narrows the list down, as a query string has it."""
        chosen = {"situacao": self.situacao, "resultado": self.resultado, "erro": self.erro, "q": self.q}
        chosen |= {"robo": str(self.robo or "")}
        found = {name: value for name, value in chosen.items() if value}
        return found if self.mensagem is None else found | {"mensagem": self.mensagem}

    @property
    def endereco(self) -> dict[str, str]:
        """The query string of exactly this page."""
        rest = {"ordem": self.ordem, "apos": str(self.apos or ""), "antes": str(self.antes or "")}
        return self.escolhas | {name: value for name, value in rest.items() if value}

    def falhas(self) -> "Filtro":
        """The failures of it: what may be done again."""
        return replace(self, situacao=JobItem.Status.FAILED, apos=None, antes=None)

    @property
    def contavel(self) -> bool:
        """Do the execution's own counts say how many these are?"""
        return not self.q and self.robo is None

    def condicao(self) -> Q:
        found = Q()
        if self.situacao:
            found &= Q(status=self.situacao)
        if self.resultado:
            values = PARA_CONFERIR if self.resultado == A_CONFERIR else [self.resultado]
            found &= Q(status=JobItem.Status.DONE, resultado__in=values)
        if self.erro:
            found &= Q(status=JobItem.Status.FAILED, erro_classe=self.erro)
        if self.mensagem is not None:
            found &= Q(Exact(Inicio("erro"), self.mensagem))
        if self.robo is not None:
            found &= Q(pk__in=Tentativa.objects.filter(processo=self.robo).values("item"))
        return found & busca.condicao(self.q) if self.q else found

    def itens(self, execucao: Execucao) -> "JobItemQuerySet":
        return execucao.itens.filter(self.condicao())

    def em_palavras(self) -> str:
        """What it narrows down, as a phrase; empty when it does not."""
        words = []
        if self.situacao:
            words.append(_("situação: {nome}").format(nome=JobItem.Status(self.situacao).label))
        if self.resultado:
            name = _("a conferir") if self.resultado == A_CONFERIR else str(Resultado(self.resultado).label).lower()
            words.append(_("resultado: {nome}").format(nome=name))
        if self.erro:
            words.append(_("falha: {nome}").format(nome=str(ErroClasse(self.erro).label).lower()))
        if self.mensagem:
            words.append(_("mensagem: “{texto}”").format(texto=self.mensagem))
        if self.robo is not None:
            words.append(_("por um só robô"))
        if self.q:
            words.append(_("busca: “{texto}”").format(texto=self.q))
        return "; ".join(words)


@dataclass(frozen=True)
class Pagina:
    """Some items in their order, and the keys of the pages before and after (None: there is none)."""

    itens: list[JobItem]
    antes: int | None
    apos: int | None


def pagina(execucao: Execucao, filtro: Filtro) -> Pagina:
    """One query, and one for the key's value when the order is not the file's: one row more than is shown is read."""
    column, nullable = COLUNAS[filtro.ordem.removeprefix("-")]
    back = filtro.antes is not None
    down = filtro.ordem.startswith("-") != back
    key = filtro.antes or filtro.apos
    rows = filtro.itens(execucao)
    if key:
        value: Any = key
        if column != "ordem":
            value = execucao.itens.values_list(column, flat=True).filter(ordem=key).first()
        rows = rows.filter(_alem(column, value, key, down=down, back=back, nullable=nullable))
    by: Any = F(column).desc(nulls_last=not back or None, nulls_first=back or None) if down else None
    by = by or F(column).asc(nulls_last=not back or None, nulls_first=back or None)
    order = [by if nullable else f"{'-' if down else ''}{column}", f"{'-' if down else ''}ordem"]
    found = list(rows.para_tabela().order_by(*order[: 1 if column == "ordem" else 2])[: POR_PAGINA + 1])
    shown = found[:POR_PAGINA]
    more, came = len(found) > POR_PAGINA, bool(key and shown)
    if back:
        shown.reverse()
        more, came = came, more
    return Pagina(shown, shown[0].ordem if came else None, shown[-1].ordem if more else None)


def _alem(column: str, value: Any, key: int, *, down: bool, back: bool, nullable: bool) -> Q:
    """The rows after this one in the order that is read; those without a value are always the list's last."""
    way = "lt" if down else "gt"
    if column == "ordem":
        return Q(**{f"ordem__{way}": key})
    if value is None:
        same = Q(**{f"{column}__isnull": True, f"ordem__{way}": key})
        return same | Q(**{f"{column}__isnull": False}) if back else same
    beyond = Q(**{f"{column}__{way}e": value}) & (Q(**{f"{column}__{way}": value}) | Q(**{f"ordem__{way}": key}))
    return beyond | Q(**{f"{column}__isnull": True}) if nullable and not back else beyond


def _numero(texto: str) -> int | None:
    return int(texto) if texto.isdecimal() and len(texto) < 10 else None
