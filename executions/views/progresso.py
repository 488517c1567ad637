"""The parts of a progress bar. An item counts once, in exactly one of them; their sum is the total."""

from dataclasses import dataclass

from executions.models import Execucao, JobItem
from executions.results import ErroClasse, Resultado


@dataclass(frozen=True)
class Parte:
    n: int
    tom: str
    icone: str
    um: str
    muitos: str


@dataclass(frozen=True)
class Grupo:
    """The failures of one class."""

    classe: str
    nome: str
    n: int


def partes_da_lista(execucao: Execucao) -> list[Parte]:
    """From the counters alone: a list never counts items."""
    return [
        Parte(execucao.n_done, "ok", "check", "respondido", "respondidos"),
        *_inacabadas(execucao.n_failed, execucao.n_running, execucao.n_pending),
    ]


def _inacabadas(failed: int, running: int, pending: int) -> list[Parte]:
    return [
        Parte(failed, "bad", "falha", "falha", "falhas"),
        Parte(running, "run", "rodando", "em andamento", "em andamento"),
        Parte(pending, "idle", "relogio", "pendente", "pendentes"),
    ]


class Contagem:
    """All counts of one execution's page, from one grouped query, so that they agree with each other."""

    def __init__(self, execucao: Execucao) -> None:
        self.linhas = execucao.itens.contagem()

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
        rest = [value for value in Resultado if value not in (Resultado.PROTOCOLADA, Resultado.NAO_LOCALIZADA)]
        return [Parte(counted[v], "warn", "olho", str(v.label), str(v.label)) for v in rest if counted[v]]

    @property
    def partes(self) -> list[Parte]:
        counted = self.por_resultado()
        return [
            Parte(counted[Resultado.PROTOCOLADA], "ok", "ok", "protocolada", "protocoladas"),
            Parte(counted[Resultado.NAO_LOCALIZADA], "neg", "nao", "não localizada", "não localizadas"),
            Parte(sum(parte.n for parte in self.a_conferir), "warn", "olho", "a conferir", "a conferir"),
            *_inacabadas(*(self.por_status(s) for s in ("failed", "running", "pending"))),
        ]

    @property
    def falhas(self) -> list[Grupo]:
        """Failures by class, the biggest group first."""
        groups: dict[str, int] = {}
        for status, _, classe, n in self.linhas:
            if status == JobItem.Status.FAILED:
                groups[classe] = groups.get(classe, 0) + n
        names = dict(ErroClasse.choices)
        found = [Grupo(classe, str(names.get(classe, classe)), n) for classe, n in groups.items()]
        return sorted(found, key=lambda group: (-group.n, group.nome))
