"""What an act would kill, named before it is done: executions, open items, processes with PID and host."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from executions.models import Execucao, Processo


@dataclass(frozen=True)
class Baixas:
    execucoes: list[Execucao]
    processos: list[Processo]

    @classmethod
    def de_execucoes(cls, escolhidas: "QuerySet[Execucao]") -> "Baixas":
        """Those of the chosen ones that are still open, and their live processes."""
        execucoes = [execucao for execucao in escolhidas.order_by("id") if execucao.aberta]
        return cls(execucoes, list(Processo.objects.vivos().filter(execucao__in=execucoes).com_item()))

    @classmethod
    def de_tudo(cls) -> "Baixas":
        return cls(list(Execucao.objects.abertas().em_ordem()), list(Processo.objects.vivos().com_item()))

    @property
    def itens_abertos(self) -> int:
        return sum(execucao.n_pending + execucao.n_running for execucao in self.execucoes)

    @property
    def itens_em_maos(self) -> int:
        return sum(execucao.n_running for execucao in self.execucoes)

    @property
    def vazia(self) -> bool:
        return not self.execucoes and not self.processos


@dataclass(frozen=True)
class BaixaDeRobo:
    """What becomes of one robot's item and batch when it is ended (T11)."""

    robo: Processo
    outros: int

    @classmethod
    def de(cls, robo: Processo, *, com: Iterable[Processo] = ()) -> "BaixaDeRobo":
        """`com`: the robots that are ended together with it; they take nobody's place."""
        going = {robo.pk, *(other.pk for other in com)}
        others = Processo.objects.em_servico().filter(execucao=robo.execucao_id).exclude(pk__in=going)
        return cls(robo, others.count())

    @property
    def encerravel(self) -> bool:
        return self.robo.vivo and self.robo.kill_requested_at is None

    @property
    def ultimo(self) -> bool:
        """The last robot's end is the batch's, when that is still open."""
        return not self.outros and bool(self.robo.execucao and self.robo.execucao.aberta)

    @property
    def itens_abertos(self) -> int:
        batch = self.robo.execucao
        return batch.n_pending + batch.n_running if batch else 0

    @property
    def novo_maximo(self) -> int | None:
        """The maximum of robots afterwards, when it goes down."""
        batch = self.robo.execucao
        return self.outros if batch and 0 < self.outros < batch.max_robots else None
