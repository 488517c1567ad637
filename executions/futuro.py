"""The forecasts: the scheduler's own rule (`Panorama`) played forward in memory, from one end of a batch to the next.

So no batch is promised a robot that the ticks to come would not give it: priority, arrival, turns, sessions, places,
pauses, blocks and backoffs are judged in one place. What is down or paused stays so: nobody knows for how long.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from math import floor

from executions.models import Credencial, Execucao, Processo
from executions.panorama import Panorama
from executions.previsao import Amostra, Previsao, amostra_de, com_amostras, efetivos, simular

POR_VIR = 50  # of those that wait so many are played forward, the first ones; of the others nobody says


def olhar(agora: datetime) -> Panorama:
    """A look from which `previsoes` can be told. One query; robots and hosts are asked for when they are needed."""
    rows = Execucao.objects.abertas().com_espera(agora).com_nomes().em_ordem()
    return Panorama(agora, list(com_amostras(rows, agora)))


def previsoes(look: Panorama) -> dict[int, Previsao]:
    """The forecast of each open execution of this look (read `com_amostras`), by its number."""
    return _Futuro(look).prever()


def segundos(look: Panorama, execucao_id: int) -> float | None:
    """Seconds to the end of this one; None when it is not open, or nobody can say."""
    found = previsoes(look).get(execucao_id)
    return max(0.0, (found.fim - look.agora).total_seconds()) if found and found.fim else None


class _Futuro(Panorama):
    """A look whose time moves on. Robots are given and taken in memory, and each login succeeds."""

    def __init__(self, look: Panorama) -> None:
        super().__init__(look.agora, look.abertas)
        self.processos, self.hosts, self.hosts_vivos = list(look.processos), look.hosts, look.hosts_vivos
        self.todas, self.inicial = look.abertas, look
        self.sem_portal = set()  # in time it will be reached
        self._amostras: dict[int, Amostra] = {}
        self.previstas: dict[int, Previsao] = {}
        self.efetivos: dict[int, float] = {}  # of those at work whose end is known
        self.momentos: list[datetime] = []  # at which one that waits may go on by itself, the next one last

    def prever(self) -> dict[int, Previsao]:
        for execucao in self.abertas:
            self._servir(execucao)
            self.previstas[execucao.pk] = self._de_agora(execucao)
        self._esquecer_quem_nao_vem()
        while self._avancar():
            for execucao in self.abertas:
                if self._servir(execucao):
                    self.previstas[execucao.pk] = self._ganhou(execucao)
        return self.previstas

    # ---- the rules, in a time to come --------------------------------------------------------------------------------
    def prontos(self, execucao: Execucao) -> int:
        again = execucao.retoma_em
        return execucao.n_pending if again and again <= self.agora else execucao.prontos

    def _aceita_ha_pouco(self, credencial: Credencial) -> bool:
        return True

    # ---- what happens ------------------------------------------------------------------------------------------------
    def _esquecer_quem_nao_vem(self) -> None:
        """Those without a turn that nothing known sets free, and those too far behind, take no part any more."""
        without_turn = [e for e in self.abertas if e.pk not in self.com_a_vez]
        coming = {e.pk for e in [e for e in without_turn if e.liberada][:POR_VIR]}
        self.abertas = [e for e in self.abertas if e.pk in coming | self.com_a_vez]
        times = {at for e in self.abertas for at in (e.retoma_em, e.credencial.livre_em) if at and at > self.agora}
        self.momentos = sorted(times, reverse=True)

    def _servir(self, execucao: Execucao) -> bool:
        """As a tick does; a probe of a portal that is down is no work. Did it get a robot?"""
        n = self.vagas(execucao)[0] if execucao.liberada and self.tem_vez(execucao) else 0
        for given in range(n):
            host = self.lugar_para(execucao)
            if host is None:
                return given > 0
            self.contar(Processo(tipo=Processo.Tipo.ROBO, execucao=execucao, host=host))
        return n > 0

    def _avancar(self) -> bool:
        """On to the next end, or to the next time when somebody may go on. False: nothing more is known."""
        ends = [(fim, pk) for pk in self.efetivos if (fim := self.previstas[pk].fim)]
        end = min(ends, default=None)
        if self.momentos and (end is None or self.momentos[-1] < end[0]):
            self.agora = self.momentos.pop()
        elif end is None:
            return False
        else:
            self.agora = max(self.agora, end[0])
            self._terminar(end[1])
        self._recontar()
        return True

    def _terminar(self, pk: int) -> None:
        del self.efetivos[pk]
        self.abertas = [execucao for execucao in self.abertas if execucao.pk != pk]
        self.processos = [processo for processo in self.processos if processo.execucao_id != pk]

    # ---- what it means for one ---------------------------------------------------------------------------------------
    def _de_agora(self, execucao: Execucao) -> Previsao:
        if not execucao.liberada or not self._robos["execucao", execucao.pk]:
            espera = self.inicial.espera_de(execucao) or self.espera_de(execucao)
            return Previsao(_faltam(execucao), Amostra(), espera=espera)
        amostra = self._amostra(execucao)
        # From the last end on, so that it moves with what is done and not with each second; a stall moves it as well.
        base = max(amostra.ultimo or self.agora, self.agora - timedelta(seconds=floor(amostra.media)))
        return self._trabalhar(execucao, amostra, base)

    def _ganhou(self, execucao: Execucao) -> Previsao:
        """It got robots later than now: its first, or some more."""
        before = self.previstas[execucao.pk]
        if not before.robos:
            started = self._trabalhar(execucao, self._amostra_emprestada(execucao), self.agora)
            return replace(started, espera=before.espera, inicio=self.agora)
        if execucao.pk not in self.efetivos:
            return before
        fewer, now = self.efetivos[execucao.pk], self._efetivos(execucao, before.amostra)
        self.efetivos[execucao.pk] = now
        return before.acelerar(self.agora, fewer / now).depois_de(execucao.ultima_em)

    def _trabalhar(self, execucao: Execucao, amostra: Amostra, desde: datetime) -> Previsao:
        robos = self._efetivos(execucao, amostra)
        if amostra.basta:
            self.efetivos[execucao.pk] = robos
        return simular(_faltam(execucao), amostra, robos, desde).depois_de(execucao.ultima_em)

    def _efetivos(self, execucao: Execucao, amostra: Amostra) -> float:
        n = min(execucao.max_robots, self._robos["execucao", execucao.pk])
        return min(efetivos(n, amostra, execucao.portal.min_interval_s), float(max(1, _faltam(execucao))))

    def _amostra(self, execucao: Execucao) -> Amostra:
        if execucao.pk not in self._amostras:
            self._amostras[execucao.pk] = amostra_de(execucao, self.inicial.agora)
        return self._amostras[execucao.pk]

    def _amostra_emprestada(self, execucao: Execucao) -> Amostra:
        """Its own, else that of another open one at the same portal."""
        own = self._amostra(execucao)
        others = (self._amostra(e) for e in self.todas if e.portal_id == execucao.portal_id and e.progress)
        return own if own.basta else next((sample for sample in others if sample.basta), own)


def _faltam(execucao: Execucao) -> int:
    return execucao.n_pending + execucao.n_running
