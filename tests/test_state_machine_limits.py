"""The limits that cross batches, against a model: turns, places, sessions, a breaker for all, the end of everything.

Three batches at one portal, two of them by one credential. What one of them may have depends on what the others have.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from executions import clock, robos
from executions.models import Execucao, JobItem, Portal, Processo
from executions.panorama import RECUO_COM_A_VEZ, Panorama
from tests.conftest import Tempo
from tests.factories import contadores, nova_credencial, nova_execucao, novo_host, novo_portal, por_para_rodar
from tests.test_mutants import MUTANTE, sem_devolver, so_com
from tests.test_state_machine import CURTO, ESCRITAS, SEGUNDOS, Robo, escrever, limpar, tentativas_sem
from workers.watchdog import expired

pytestmark = pytest.mark.django_db(transaction=True)

LOTES, ITENS, MAXIMO, LUGARES, SONDA = 3, 4, 2, (1, 3), timedelta(seconds=60)


class Limites(RuleBasedStateMachine):
    tempo: Tempo
    ajustes: Any

    @initialize(
        turnos=st.sampled_from([2, 3, 1]),
        no_portal=st.sampled_from([None, 3, 2]),
        na_credencial=st.sampled_from([None, 2, 1]),
    )
    def comecar(self, turnos: int, no_portal: int | None, na_credencial: int | None) -> None:
        limpar()
        self.ajustes.EXECUCOES_SIMULTANEAS = turnos
        self.portal = novo_portal(max_sessions=no_portal)
        self.credenciais = [nova_credencial(self.portal, max_sessions=n) for n in (na_credencial, None)]
        self.hosts = [novo_host(places=n) for n in LUGARES]
        logins = [self.credenciais[n // 2] for n in range(LOTES)]
        self.lotes = [nova_execucao(ITENS, credencial=login, max_robots=MAXIMO) for login in logins]
        self.robos: list[Robo] = []
        self.donos: dict[int, tuple[int, int]] = {}
        self.serie: Counter[int] = Counter()
        self.fora, self.sonda = False, clock.db_now()

    # ---- what the rules know of the whole -----------------------------------------------------------------------
    def vivos(self, **quais: Any) -> int:
        return Processo.objects.vivos().filter(**quais).count()

    def com_robos(self, menos: Execucao | None = None) -> set[int]:
        """The open batches that hold a turn by a robot that is not asked to die."""
        rows = Execucao.objects.abertas().filter(processos__in=Processo.objects.vivos().filter(kill_requested_at=None))
        return set(rows.exclude(pk=menos.pk if menos else None).values_list("pk", flat=True))

    def a_espera_da_vez(self, menos: Execucao) -> set[int]:
        """The open batches that may hold a turn by an item whose backoff ends soon, or by a robot that dies."""
        agora = clock.db_now()
        soon = JobItem.objects.pendentes().filter(available_at__gt=agora, available_at__lte=agora + RECUO_COM_A_VEZ)
        dying = Execucao.objects.abertas().filter(processos__in=Processo.objects.vivos())
        open_ones = Execucao.objects.abertas().filter(itens__in=soon) | dying
        return set(open_ones.exclude(pk=menos.pk).values_list("pk", flat=True))

    def esperado(self, lote: Execucao) -> tuple[int, int]:
        """(at least, at most) how many robots T2 gives this batch now."""
        lote, agora = Execucao.objects.get(pk=lote.pk), clock.db_now()
        mine = self.vivos(execucao=lote)
        ready = lote.itens.pendentes().filter(available_at__lte=agora).count()
        limits = [min(lote.max_robots, lote.n_running + ready) - mine]
        limits.append(sum(max(0, host.places - self.vivos(host=host)) for host in self.hosts))
        if self.portal.max_sessions is not None:
            limits.append(self.portal.max_sessions - self.vivos(execucao__portal=self.portal))
        if lote.credencial.max_sessions is not None:
            limits.append(lote.credencial.max_sessions - self.vivos(execucao__credencial=lote.credencial))
        if self.fora:  # one probe, when nobody is there and its minute is over
            limits.append(0 if self.vivos() or agora < self.sonda else 1)
        turns = self.ajustes.EXECUCOES_SIMULTANEAS
        most = max(0, min(limits)) if lote.aberta and len(self.com_robos(lote)) < turns else 0
        others = self.com_robos(lote) | self.a_espera_da_vez(lote)
        return (most if len(others) < turns else 0), most

    def pedidos(self) -> int:
        """Starts what was asked for; returns how many."""
        asked = list(Processo.objects.filter(status="requested"))
        for processo in asked:
            self.robos.append(Robo(por_para_rodar(processo)))
            processo.logou()
        if asked and self.fora:
            assert len(asked) == 1, "more than a probe was sent"
            self.sonda = clock.db_now() + SONDA
        return len(asked)

    def que(self, *, com_item: bool | None = None) -> list[Robo]:
        return [robo for robo in self.robos if robo.existe and com_item in (None, robo.item is not None)]

    def algum(self, data: st.DataObject, robos: list[Robo]) -> Robo:
        return robos[data.draw(st.integers(0, len(robos) - 1))]

    # ---- T2 -----------------------------------------------------------------------------------------------------
    @rule(n=st.integers(0, LOTES - 1))
    def pedir(self, n: int) -> None:
        least, most = self.esperado(self.lotes[n])
        given = robos.pedir_robos(self.lotes[n].pk).robos
        assert robos.pedir_robos(self.lotes[n].pk).robos == 0, "asked again for what it had"
        assert least <= given <= most, f"{given} robots, not {least} to {most}"
        assert self.pedidos() == given

    @rule()
    def agendador(self) -> None:
        """Two schedulers: after the first, nobody may have any more."""
        given = robos.pedir_em_ordem()
        assert robos.pedir_em_ordem() == 0
        assert self.pedidos() == given
        assert [self.esperado(lote)[0] for lote in self.lotes] == [0] * LOTES, "a robot was kept back"

    # ---- robots -------------------------------------------------------------------------------------------------
    @rule()
    @precondition(lambda self: self.que(com_item=False))
    def cada_um_toma(self) -> None:
        for robo in self.que(com_item=False):
            batch = Execucao.objects.get(pk=robo.processo.execucao_id)
            asked_to_die = Processo.objects.filter(pk=robo.processo.pk).exclude(kill_requested_at=None).exists()
            may = batch.aberta and not self.fora and not asked_to_die and robo.processo.pk in self.rodando()
            may = may and batch.n_running < MAXIMO and batch.itens.disponiveis(clock.db_now()).exists()
            item = JobItem.objects.tentar_iniciar(batch, robo.processo)
            assert (item is not None) == may, "the gate gave what it must not, or kept what it must give"
            if item:
                self.donos[item.pk], robo.item = (robo.processo.pk, item.token), item

    def rodando(self) -> set[int]:
        return set(Processo.objects.filter(status="running").values_list("pk", flat=True))

    @rule(data=st.data(), verbo=st.sampled_from(sorted(ESCRITAS)))
    @precondition(lambda self: self.que(com_item=True))
    def largar(self, data: st.DataObject, verbo: str) -> None:
        self.largar_o_de(self.algum(data, self.que(com_item=True)), verbo)

    def largar_o_de(self, robo: Robo, verbo: str) -> None:
        assert robo.item
        escrever(self.donos, robo.item, verbo)
        robo.item = None

    @rule(data=st.data())
    @precondition(lambda self: any(robo.existe for robo in self.robos))
    def acabar(self, data: st.DataObject) -> None:
        self.ver_acabar(self.algum(data, self.que()))

    def ver_acabar(self, robo: Robo) -> None:
        """Its process is gone; its supervisor says so."""
        robo.existe = False
        robo.processo.terminar("killed", motivo="falha", item="expirar")
        self.donos = {item: dono for item, dono in self.donos.items() if dono[0] != robo.processo.pk}

    @rule()
    @precondition(lambda self: any(not self.aberta(robo) for robo in self.robos if robo.existe))
    def sair_das_que_terminaram(self) -> None:
        for robo in [robo for robo in self.robos if robo.existe and not self.aberta(robo)]:
            self.ver_acabar(robo)

    def aberta(self, robo: Robo) -> bool:
        return Execucao.objects.abertas().filter(pk=robo.processo.execucao_id).exists()

    @rule(segundos=SEGUNDOS)
    def passar_vigiado(self, segundos: int) -> None:
        """Time, in which nobody renews, and two watchdogs: what is past goes back, and once."""
        self.tempo.avancar(segundos)
        for host in self.hosts:
            host.bater()
        for credencial in self.credenciais:
            credencial.aceitar()
        agora = clock.db_now()
        past = set(JobItem.objects.vencidos(agora).values_list("pk", flat=True))
        assert (expired(agora), expired(agora)) == (len(past), 0)
        self.donos = {item: dono for item, dono in self.donos.items() if item not in past}

    # ---- the portal, one breaker for all ------------------------------------------------------------------------
    @rule()
    @precondition(lambda self: self.que(com_item=True))
    def ninguem_responde(self) -> None:
        """Each robot at work meets the silence: of whichever batch it is, it counts at the portal."""
        for robo in self.que(com_item=True):
            item = robo.item
            assert item
            valid = self.donos.get(item.pk) == (item.processo_id, item.token)
            self.largar_o_de(robo, "tentar_de_novo")
            if not valid:
                continue
            self.serie[item.pk] += 1
            due = tentativas_sem(self.serie)
            if self.portal.contar_falha(f"{item.execucao_id} {item.numero_processo}", item.pk, ITENS):
                assert [self.portal.abrir_disjuntor(), self.portal.abrir_disjuntor()] == [True, False]
                self.fora, self.sonda = True, clock.db_now() + SONDA
            if self.fora:
                assert tentativas_sem(Counter()) == due, "not just the attempts of the portal's fault were given back"
                self.serie.clear()

    @rule()
    @precondition(lambda self: self.fora)
    def o_portal_voltou(self) -> None:
        self.portal.fechar_disjuntor()
        self.fora = False

    # ---- the operator -------------------------------------------------------------------------------------------
    @rule()
    def encerrar_todos(self) -> None:
        """Nobody may write or claim any more, in any batch, and the second one has nothing to end."""
        there = Execucao.objects.abertas().count()
        assert [robos.encerrar_todos(), robos.encerrar_todos()] == [there, 0]
        self.donos = {}
        assert not Execucao.objects.abertas().exists() and not JobItem.objects.abertos().exists()
        assert not Processo.objects.vivos().filter(kill_requested_at=None).exists()

    @rule(n=st.integers(0, LOTES - 1))
    def reabrir(self, n: int) -> None:
        """When its robots are gone, as an operator would: one that has not left yet would go on, without a turn."""
        for robo in self.robos:
            if robo.existe and robo.processo.execucao_id == self.lotes[n].pk and not self.aberta(robo):
                self.ver_acabar(robo)
        failed = self.lotes[n].itens.falhados().count()
        assert self.lotes[n].reabrir() == failed

    # ---- what must hold after every step ------------------------------------------------------------------------
    @invariant()
    def nenhum_limite_e_passado(self) -> None:
        if not hasattr(self, "lotes"):
            return
        assert all(self.vivos(host=host) <= host.places for host in self.hosts), "a place was given twice"
        assert self.vivos() <= (self.portal.max_sessions or 99), "more sessions than the portal allows"
        for credencial in self.credenciais:
            held = self.vivos(execucao__credencial=credencial)
            assert held <= (credencial.max_sessions or 99), "more sessions than the credential allows"
        assert len(self.com_robos()) <= self.ajustes.EXECUCOES_SIMULTANEAS, "a turn was given twice"
        for lote in self.lotes:
            assert contadores(lote)[1] <= MAXIMO
            assert self.vivos(execucao=lote) <= MAXIMO
        running = JobItem.objects.em_andamento().values_list("pk", "processo", "token")
        assert {pk: (processo, token) for pk, processo, token in running} == self.donos


@pytest.fixture
def limites(tempo: Tempo, settings: Any, transactional_db: None) -> type[Limites]:
    return type("Limites", (Limites,), {"tempo": tempo, "ajustes": settings})


def test_no_sequence_breaks_a_limit_that_crosses_batches(limites: Any) -> None:
    run_state_machine_as_test(limites, settings=settings(CURTO, max_examples=6))


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_no_long_search_breaks_a_limit_that_crosses_batches(limites: Any) -> None:
    run_state_machine_as_test(
        limites, settings=settings(settings.get_profile("slow"), max_examples=1000, print_blob=True)
    )


# ---- teeth ----------------------------------------------------------------------------------------------------------
def sem_vez(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch has its turn."""
    monkeypatch.setattr(Panorama, "tem_vez", lambda self, execucao: True)


def sem_sessoes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential's sessions are counted batch by batch."""
    contar = Panorama._robos.func  # type: ignore[attr-defined]

    def mutante(self: Panorama) -> Counter[Any]:
        found = contar(self)
        return Counter({key: n for key, n in found.items() if key[0] != "credencial"})

    monkeypatch.setattr(Panorama, "_robos", property(mutante))


def sem_pedir_a_morte(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "Encerrar todos" ends the batches and forgets the processes."""
    monkeypatch.setattr(Processo.objects.none().__class__, "pedir_morte", lambda self, agora, usuario=None: 0)


def sonda_de_cada_lote(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks may send a probe."""

    def mutante(self: Portal, agora: datetime) -> bool:
        return True

    monkeypatch.setattr(Portal, "ganhar_sonda", mutante)


# Each with the rules that its fault needs: the whole set finds most of them too, only not in seconds.
CALADO = {"pedir", "cada_um_toma", "ninguem_responde"}
MUTANTES: list[Any] = [
    (sem_vez, {"pedir"}),
    (sem_sessoes, {"pedir"}),
    (sem_pedir_a_morte, {"pedir", "encerrar_todos"}),
    (sem_devolver, CALADO),
    pytest.param(sonda_de_cada_lote, CALADO | {"acabar"}, marks=pytest.mark.slow),
]


@pytest.mark.once
@pytest.mark.parametrize(("mutar", "regras"), MUTANTES)
def test_the_search_falsifies_a_limit_that_does_not_hold(
    mutar: Any, regras: set[str], limites: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutar(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(seed(6)(so_com(limites, regras)), settings=MUTANTE)
