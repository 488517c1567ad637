"""The parts of a progress bar. An item counts once, in exactly one of them; their sum is the total."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from executions.formatos import contados
from executions.itens import A_CONFERIR, PARA_CONFERIR, Filtro
from executions.models import Execucao, JobItem
from executions.results import ErroClasse, Resultado

INACABADAS = 3  # parts: failures, running, pending
Linhas = Sequence[tuple[str, str, str, int]]  # (status, result, class of failure, n)


@dataclass(frozen=True)
class Parte:
    """`filtro`: the query string of the list of exactly these."""

    n: int
    tom: str
    icone: str
    texto: str  # what ngettext chose, with the number at its %(n)s
    filtro: str = ""

    @property
    def palavras(self) -> str:
        return contados(self.texto, self.n)


@dataclass(frozen=True)
class Grupo:
    """The failures of one class with one message (its beginning)."""

    classe: str
    nome: str
    mensagem: str
    n: int

    @property
    def id(self) -> str:
        """The same wherever the group comes in the list, so that a poll leaves the focus on this one."""
        return f"falha-{crc32(f'{self.classe} {self.mensagem}'.encode()):x}"

    @property
    def filtro(self) -> str:
        return urlencode({"situacao": "failed", "erro": self.classe, "mensagem": self.mensagem})


def partes_da_lista(execucao: Execucao) -> list[Parte]:
    """Of one read `com_respostas`: by result; where those were too many to count, from the counters alone."""
    answers = respostas_de(execucao)
    if answers is None:
        n = execucao.n_done
        done = [Parte(n, "ok", "check", ngettext("%(n)s respondido", "%(n)s respondidos", n), "situacao=done")]
    else:
        done = Contagem(answers, ()).respondidas
    return [*done, *_inacabadas(execucao.n_failed, execucao.n_running, execucao.n_pending)]


def respostas_de(execucao: Execucao) -> Linhas | None:
    """(status, result, class of failure, n) of its ended items; None when they were not counted."""
    if not execucao.n_done + execucao.n_failed:
        return []
    lines = vars(execucao).get("respostas")
    return None if lines is None else [(status, resultado, classe, n) for status, resultado, classe, n in lines]


def _inacabadas(failed: int, running: int, pending: int) -> list[Parte]:
    return [
        Parte(failed, "bad", "falha", ngettext("%(n)s falha", "%(n)s falhas", failed), "situacao=failed"),
        Parte(running, "run", "rodando", _("%(n)s em andamento"), "situacao=running"),
        Parte(pending, "idle", "relogio", ngettext("%(n)s pendente", "%(n)s pendentes", pending), "situacao=pending"),
    ]


def maior_falha(execucao: Execucao) -> Grupo | None:
    """The failures of the class that most of them have, whatever their message."""
    failed = [(n, classe) for status, _, classe, n in respostas_de(execucao) or () if status == JobItem.Status.FAILED]
    if not failed:
        return None
    n, classe = max(failed)
    return Grupo(classe, str(dict(ErroClasse.choices).get(classe, classe)), "", n)


class Contagem:
    """All counts of one execution's page, from one grouped query, so that they agree with each other."""

    def __init__(self, linhas: Linhas, falhas: Sequence[tuple[str, str, int]]) -> None:
        """`linhas`: (status, resultado, erro_classe, n); `falhas`: (class, beginning of the message, n)."""
        self.linhas, self._falhas = linhas, falhas

    def por_status(self, status: str) -> int:
        return sum(n for s, _, _, n in self.linhas if s == status)

    def por_resultado(self) -> dict[str, int]:
        done = [(resultado, n) for s, resultado, _, n in self.linhas if s == JobItem.Status.DONE]
        return {value: sum(n for resultado, n in done if resultado == value) for value in Resultado.values}

    @property
    def total(self) -> int:
        return sum(n for *_, n in self.linhas)

    @property
    def verificados(self) -> int:
        return self.por_status(JobItem.Status.DONE) + self.por_status(JobItem.Status.FAILED)

    @property
    def por_cento(self) -> int:
        """Rounded down: 100 % only when nothing is open."""
        return self.verificados * 100 // self.total if self.total else 0

    @property
    def a_conferir(self) -> list[Parte]:
        """What asks for a person's eyes, by result, without the empty ones."""
        counted = self.por_resultado()
        words = [(v, str(v.label).lower()) for v in PARA_CONFERIR if counted[v]]
        return [Parte(counted[v], "warn", "olho", f"%(n)s {word}", f"resultado={v}") for v, word in words]

    @property
    def respondidas(self) -> list[Parte]:
        """Of the answered ones, by result."""
        counted = self.por_resultado()
        filed, absent = counted[Resultado.PROTOCOLADA], counted[Resultado.NAO_LOCALIZADA]
        return [
            Parte(filed, "ok", "ok", ngettext("%(n)s protocolada", "%(n)s protocoladas", filed),
                  "resultado=protocolada"),
            Parte(absent, "neg", "nao", ngettext("%(n)s não localizada", "%(n)s não localizadas", absent),
                  "resultado=nao_localizada"),
            Parte(sum(parte.n for parte in self.a_conferir), "warn", "olho", _("%(n)s a conferir"),
                  "resultado=a_conferir"),
        ]  # fmt: skip

    @property
    def partes(self) -> list[Parte]:
        return [*self.respondidas, *_inacabadas(*(self.por_status(s) for s in ("failed", "running", "pending")))]

    @property
    def falhas(self) -> list[Grupo]:
        """Failures by class and message, the biggest group first; of very many groups the first."""
        names = dict(ErroClasse.choices)
        return [Grupo(classe, str(names.get(classe, classe)), text, n) for classe, text, n in self._falhas]

    def de(self, filtro: Filtro) -> int | None:
        """How many items a filter has; None when these counts cannot tell."""
        if not filtro.contavel:
            return None
        if filtro.mensagem is not None:
            wanted = (filtro.erro, filtro.mensagem)
            known = next((n for classe, text, n in self._falhas if (classe, text) == wanted), None)
            return known if not filtro.resultado and filtro.situacao in ("", JobItem.Status.FAILED) else None
        results = PARA_CONFERIR if filtro.resultado == A_CONFERIR else [filtro.resultado]
        return sum(
            n
            for status, resultado, classe, n in self.linhas
            if filtro.situacao in ("", status)
            if not filtro.resultado or status == JobItem.Status.DONE and resultado in results
            if not filtro.erro or status == JobItem.Status.FAILED and classe == filtro.erro
        )
