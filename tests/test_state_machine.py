"""The real verbs, on the real database, against a model of who owns what: no sequence of faults breaks an invariant.

The model below knows only what a robot or an operator could know: which claims were given and taken away. After every
step the whole database is compared with it.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from executions import clock
from executions.errors import StaleClaim
from executions.models import Credencial, Execucao, Host, JobItem, Portal, Processo, Registro, Tentativa
from executions.models.job_item import MAX_SNOOZES
from executions.robos import pedir_robos
from tests.conftest import Tempo
from tests.factories import RESPOSTA, contadores, nova_credencial, nova_execucao, novo_host, por_para_rodar, retrato

pytestmark = pytest.mark.django_db(transaction=True)

ITENS, CASOS, LUGARES = 6, 3, 4
SEGUNDOS = st.sampled_from([1, 11, 59, 61, 91])  # about a backoff, a lease and a snooze
CURTO = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
TERMINAIS = ("done", "failed")
DESFECHOS = {
    "concluir": RESPOSTA.resultado, "falhar": "layout_mudou", "tentar_de_novo": "tempo_esgotado", "adiar": "bloqueado",
    "devolver": "parada",
}  # fmt: skip
ESCRITAS: dict[str, Callable[[JobItem], None]] = {
    "concluir": lambda item: item.concluir(RESPOSTA),
    "falhar": lambda item: item.falhar("layout_mudou", "mudou"),
    "tentar_de_novo": lambda item: item.tentar_de_novo("tempo_esgotado", "esgotou"),
    "adiar": lambda item: item.adiar("bloqueado", "bloqueio", 90),
    "devolver": lambda item: item.devolver(),
}


def limpar() -> None:
    from django_q.models import OrmQ  # noqa: PLC0415

    Host.objects.update(exclusiva=None)
    for model in (Registro, Tentativa, JobItem, Processo, Host, Execucao, Credencial, Portal, OrmQ):
        rows = model._default_manager.all()
        rows._raw_delete(rows.db)


class Robo:
    """The operating system's side of a Processo, and what its Python believes."""

    def __init__(self, processo: Processo) -> None:
        self.processo = processo
        self.item: JobItem | None = None  # the claim in hand, valid or not
        self.soltos: list[JobItem] = []  # claims that it has let go of
        self.existe, self.congelado = True, False

    @property
    def anda(self) -> bool:
        return self.existe and not self.congelado


def escrever(donos: dict[int, tuple[int, int]], item: JobItem, verbo: str) -> None:
    """A robot writes with a claim: it counts exactly when the claim is valid, else nothing at all is written."""
    valido = donos.get(item.pk) == (item.processo_id, item.token)
    antes = retrato(item.execucao)
    try:
        ESCRITAS[verbo](item)
    except StaleClaim:
        assert not valido, f"a valid claim was refused {verbo}"
        assert retrato(item.execucao) == antes, "a refused verb wrote something"
        return
    if valido:
        del donos[item.pk]
        return
    assert retrato(item.execucao) == antes, f"{verbo} wrote with an old token"
    tentativa = Tentativa.objects.get(item=item.pk, token=item.token)
    assert (tentativa.ended is not None, tentativa.outcome) == (True, DESFECHOS[verbo]), (
        f"an old token was told {verbo} is ok"
    )


def tentativas_sem(serie: Counter[int]) -> dict[int, int]:
    """The items' attempts, less those of these failures where an item may be tried again and was not spared too often
    before. One that was reopened began again with none."""
    rows = JobItem.objects.values_list("pk", "attempts", "status", "snoozes")
    return {
        pk: max(0, n - serie[pk]) if status == "pending" and snoozes < MAX_SNOOZES else n
        for pk, n, status, snoozes in rows
    }


class Maquina(RuleBasedStateMachine):
    tempo: Tempo
    ate_o_fim = True  # every example ends by working its batch off

    @initialize(max_robots=st.sampled_from([2, 3, 1]))
    def comecar(self, max_robots: int) -> None:
        limpar()
        self.credencial = nova_credencial()
        self.host = novo_host(places=LUGARES)
        self.lote = nova_execucao(ITENS, CASOS, credencial=self.credencial, max_robots=max_robots)
        self.robos: list[Robo] = []
        self.donos: dict[int, tuple[int, int]] = {}  # item -> (processo, token): the claims that are valid
        self.vistos: list[JobItem] = []  # what a watchdog has read, and may act on later
        self.antes: dict[int, dict[str, Any]] = {}
        self.geracao, self.reabriu, self.fora = 1, False, False
        self.serie: Counter[int] = Counter()  # failures of each item since the portal was last known to be up or down
        self.pedir()
        self.olhar()

    # ---- helpers ------------------------------------------------------------------------------------------------
    def linha(self) -> Execucao:
        return Execucao.objects.get(pk=self.lote.pk)

    def soltar_do(self, robo: Robo) -> None:
        self.donos = {item: dono for item, dono in self.donos.items() if dono[0] != robo.processo.pk}

    def olhar(self) -> None:
        """What the rules' preconditions ask of, read once a step."""
        self.foto = self.linha()
        self.vivos = set(Processo.objects.vivos().values_list("pk", flat=True))
        self.ha_vencidos = JobItem.objects.vencidos(clock.db_now()).exists()

    def vencidos(self) -> list[JobItem]:
        return list(JobItem.objects.vencidos(clock.db_now()))

    def algum(self, data: st.DataObject, robos: list[Robo]) -> Robo:
        return robos[data.draw(st.integers(0, len(robos) - 1))]

    def que(self, *, anda: bool | None = None, com_item: bool | None = None, vivo: bool | None = None) -> list[Robo]:
        return [
            robo
            for robo in self.robos
            if anda in (None, robo.anda)
            and com_item in (None, robo.item is not None)
            and vivo in (None, robo.processo.pk in self.vivos)
        ]

    # ---- robots -------------------------------------------------------------------------------------------------
    @rule()
    @precondition(lambda self: len(self.vivos) < self.foto.max_robots)
    def pedir(self) -> None:
        """T2 by two schedulers, one after the other, before the supervisors start what was asked for."""
        self.inteira = False
        self.host.bater()
        self.credencial.aceitar()
        antes = Processo.objects.vivos().filter(execucao=self.lote).count()
        pedido = pedir_robos(self.lote.pk)
        assert pedir_robos(self.lote.pk).robos == 0, "the second scheduler asked again"
        vivos = Processo.objects.vivos().filter(execucao=self.lote).count()
        linha = self.linha()
        assert vivos == antes + pedido.robos
        assert not pedido.robos or (vivos <= linha.max_robots and linha.aberta and not linha.pausada)
        assert vivos <= LUGARES
        assert not (self.fora and pedido.robos) or (antes, pedido.robos) == (0, 1), "more than a probe was sent"
        for processo in Processo.objects.filter(execucao=self.lote, status="requested"):
            self.robos.append(Robo(por_para_rodar(processo)))
            processo.logou()
        self.olhar()

    @rule(data=st.data())
    @precondition(lambda self: self.que(anda=True, com_item=False))
    def tomar(self, data: st.DataObject) -> None:
        self.tomar_com(self.algum(data, self.que(anda=True, com_item=False)))

    @rule()
    @precondition(lambda self: self.que(anda=True, com_item=False))
    def a_metade_toma(self) -> None:
        """Some stay idle, ready for what others lose."""
        livres = self.que(anda=True, com_item=False)
        for robo in livres[: (len(livres) + 1) // 2]:
            self.tomar_com(robo)

    def tomar_com(self, robo: Robo) -> None:
        """T3 gives an item exactly when the rules allow one."""
        self.inteira = False
        linha = self.linha()
        processo = Processo.objects.get(pk=robo.processo.pk)
        pode = (
            linha.aberta
            and not linha.pausada
            and not self.fora
            and linha.n_running < linha.max_robots
            and processo.status == "running"
            and processo.kill_requested_at is None
            and linha.itens.disponiveis(clock.db_now()).exists()
        )
        item = JobItem.objects.tentar_iniciar(self.lote, robo.processo)
        assert (item is not None) == pode, "the gate gave what it must not, or kept what it must give"
        if item:
            assert item.pk not in self.donos, "the item has an owner"
            self.donos[item.pk], robo.item = (robo.processo.pk, item.token), item
            linha = self.linha()
            assert linha.n_running <= linha.max_robots

    @rule(data=st.data(), verbo=st.sampled_from(sorted(ESCRITAS)))
    @precondition(lambda self: self.que(anda=True, com_item=True))
    def largar(self, data: st.DataObject, verbo: str) -> None:
        self.largar_o_de(self.algum(data, self.que(anda=True, com_item=True)), verbo)

    @rule()
    @precondition(lambda self: self.que(anda=True, com_item=True))
    def cada_um_conclui(self) -> None:
        for robo in self.que(anda=True, com_item=True):
            self.largar_o_de(robo, "concluir")

    def largar_o_de(self, robo: Robo, verbo: str) -> None:
        self.inteira = False
        assert robo.item
        escrever(self.donos, robo.item, verbo)
        robo.soltos, robo.item = [*robo.soltos, robo.item], None

    @rule(data=st.data(), verbo=st.sampled_from(sorted(ESCRITAS)))
    @precondition(lambda self: any(robo.soltos for robo in self.que(anda=True)))
    def escrever_de_novo(self, data: st.DataObject, verbo: str) -> None:
        """A reply was lost, or a zombie woke up: a robot writes with a claim it has let go of."""
        self.inteira = False
        robo = self.algum(data, [robo for robo in self.que(anda=True) if robo.soltos])
        escrever(self.donos, robo.soltos[data.draw(st.integers(0, len(robo.soltos) - 1))], verbo)

    @rule(data=st.data())
    @precondition(lambda self: self.que(anda=True, com_item=True))
    def renovar(self, data: st.DataObject) -> None:
        self.inteira = False
        robo = self.algum(data, self.que(anda=True, com_item=True))
        item = robo.item
        assert item
        assert item.renovar() == (self.donos.get(item.pk) == (item.processo_id, item.token))
        assert robo.processo.bater("consultando", 0) == Processo.objects.get(pk=robo.processo.pk).vivo

    @rule(data=st.data())
    @precondition(lambda self: self.que(anda=True, com_item=False))
    def sair_se_excedente(self, data: st.DataObject) -> None:
        self.inteira = False
        robo = self.algum(data, self.que(anda=True, com_item=False))
        ficam = Processo.objects.filter(execucao=self.lote, status="running", kill_requested_at=None)
        antes = ficam.count()
        saiu = robo.processo.sair_se_excedente()
        maximo = self.linha().max_robots
        assert not saiu or antes > maximo
        assert ficam.count() >= min(antes, maximo)

    # ---- the operating system -----------------------------------------------------------------------------------
    @rule(data=st.data(), mata=st.booleans())
    @precondition(lambda self: len(self.que(anda=True)) > 1 or self.que(anda=True, com_item=True))
    def sigkill_ou_sigstop(self, data: st.DataObject, mata: bool) -> None:
        robo = self.algum(data, self.que(anda=True))
        robo.existe, robo.congelado = not mata, not mata

    @rule(data=st.data())
    @precondition(lambda self: any(robo.congelado for robo in self.robos))
    def sigcont(self, data: st.DataObject) -> None:
        self.algum(data, [robo for robo in self.robos if robo.congelado]).congelado = False

    # ---- supervisors and watchdogs ------------------------------------------------------------------------------
    def terminar(self, robo: Robo, status: str, motivo: str, item: str) -> None:
        self.inteira = False
        vivo = Processo.objects.get(pk=robo.processo.pk).vivo
        antes = retrato(self.lote)
        assert robo.processo.terminar(status, motivo=motivo, item=item) == vivo
        if vivo:
            self.soltar_do(robo)
            self.pedir()  # T16: then T2 at once
        else:
            assert retrato(self.lote) == antes

    @rule(data=st.data(), item=st.sampled_from(["expirar", "expirar", "devolver"]))
    @precondition(lambda self: any(not robo.existe for robo in self.que(vivo=True)))
    def ver_a_morte(self, data: st.DataObject, item: str) -> None:
        """By the supervisor, and then by its host's watchdog."""
        robo = self.algum(data, [robo for robo in self.que(vivo=True) if not robo.existe])
        self.terminar(robo, "killed", "falha", item)
        self.terminar(robo, "lost", "perdido", "expirar")

    @rule(data=st.data(), perdido=st.booleans())
    @precondition(lambda self: self.que(vivo=True))
    def sem_progresso_ou_perdido(self, data: st.DataObject, perdido: bool) -> None:
        """Killed for making no progress; or its host looked dead from elsewhere: then it may wake up again."""
        robo = self.algum(data, self.que(vivo=True))
        if perdido:
            self.terminar(robo, "lost", "perdido", "expirar")
        else:
            robo.existe = False
            self.terminar(robo, "killed", "sem_progresso", "tentar_de_novo")

    @rule()
    @precondition(lambda self: self.ha_vencidos and not self.vistos)
    def olhar_vencidos(self) -> None:
        self.vistos += self.vencidos()

    @rule()
    @precondition(lambda self: self.vistos)
    def expirar_o_que_foi_visto(self) -> None:
        """Perhaps long after it looked: only a claim that is still the same, and still past, is taken away."""
        self.inteira = False
        visto = self.vistos.pop()
        atual = JobItem.objects.get(pk=visto.pk)
        vale = (
            self.donos.get(visto.pk) == (visto.processo_id, visto.token)
            and atual.lease_until is not None
            and atual.lease_until < clock.db_now()
        )
        antes = retrato(self.lote)
        try:
            visto.expirar(dono_morto=False)
        except StaleClaim:
            assert not vale
            assert retrato(self.lote) == antes
        else:
            assert vale, "a live claim was taken away"
            del self.donos[visto.pk]

    @rule(segundos=SEGUNDOS)
    def passar(self, segundos: int) -> None:
        self.tempo.avancar(segundos)

    @rule(segundos=SEGUNDOS)
    def passar_vigiado(self, segundos: int) -> None:
        """Time. A watchdog takes away what was not renewed, and idle robots claim it: its owner does not know."""
        self.tempo.avancar(segundos)
        self.vistos += self.vencidos()
        while self.vistos:
            self.expirar_o_que_foi_visto()
        for robo in self.que(anda=True, com_item=False):
            self.tomar_com(robo)

    @rule()
    @precondition(lambda self: self.ha_vencidos)
    def dois_watchdogs(self) -> None:
        """Both read before either acts: each claim is taken away once."""
        self.vistos += self.vencidos() + self.vencidos()
        while self.vistos:
            self.expirar_o_que_foi_visto()
        vivos = Processo.objects.vivos().filter(execucao=self.lote).exists()
        assert not (self.lote.voltar_a_fila() and vivos)

    # ---- the portal ---------------------------------------------------------------------------------------------
    @rule(data=st.data())
    @precondition(lambda self: self.que(anda=True, com_item=True))
    def sem_resposta(self, data: st.DataObject) -> None:
        """A case without an answer; two robots may see at once that the portal is down, and one opens the breaker.

        That gives back exactly the attempts of this run of failures, and later the one of who notices last.
        """
        robo = self.algum(data, self.que(anda=True, com_item=True))
        item = robo.item
        assert item
        valido = self.donos.get(item.pk) == (item.processo_id, item.token)
        self.largar_o_de(robo, "tentar_de_novo")
        if not valido:
            return
        self.inteira = False
        self.serie[item.pk] += 1
        devidas = tentativas_sem(self.serie)
        portal = self.lote.portal
        suspeito = portal.contar_falha(item.numero_processo, item.pk, CASOS)
        assert not (self.fora and suspeito)
        if suspeito:
            assert [portal.abrir_disjuntor(), portal.abrir_disjuntor()] == [True, False]
            self.fora = True
        if self.fora:
            assert tentativas_sem(Counter()) == devidas, "not just the attempts of the portal's fault were given back"
            self.serie.clear()

    @rule()
    @precondition(lambda self: self.fora)
    def o_portal_voltou(self) -> None:
        self.lote.portal.fechar_disjuntor()
        self.fora = False

    # ---- the operator -------------------------------------------------------------------------------------------
    @rule(encerra=st.booleans())
    def mandar(self, encerra: bool) -> None:
        self.inteira = False
        linha = self.linha()
        if encerra:
            self.encerrar()
        else:
            assert self.lote.pausar() == (linha.aberta and not linha.pausada)

    @rule(data=st.data(), encerra=st.booleans())
    @precondition(lambda self: self.que(vivo=True))
    def mandar_no_robo(self, data: st.DataObject, encerra: bool) -> None:
        self.inteira = False
        robo = self.algum(data, self.que(vivo=True))
        if encerra:
            self.encerrar_robo(robo)
        elif robo.processo.reiniciar():
            self.soltar_do(robo)

    def encerrar(self) -> None:
        aberta = self.linha().aberta
        assert self.lote.encerrar() == aberta
        if aberta:
            self.donos, self.geracao = {}, self.geracao + 1
            assert self.linha().status == "error"

    def encerrar_robo(self, robo: Robo) -> None:
        antes = self.linha()
        if not robo.processo.encerrar():
            return
        self.soltar_do(robo)
        depois = self.linha()
        assert depois.max_robots <= antes.max_robots
        if antes.aberta and depois.status == "error":
            self.donos, self.geracao = {}, self.geracao + 1

    @rule()
    @precondition(lambda self: self.foto.pausada)
    def retomar(self) -> None:
        assert self.lote.retomar() is True

    @rule(maximo=st.integers(1, 3))
    def definir_max_robots(self, maximo: int) -> None:
        self.lote.definir_max_robots(maximo)

    @rule(classe=st.sampled_from(["", "", "layout_mudou", "veneno", "encerrado"]))
    @precondition(lambda self: self.foto.n_failed)
    def reabrir(self, classe: str) -> None:
        self.inteira = False
        aberta = self.linha().aberta
        falhados = self.lote.itens.falhados()
        n = (falhados.filter(erro_classe=classe) if classe else falhados).count()
        assert self.lote.reabrir(classe=classe) == n
        self.reabriu = True
        self.geracao += bool(n and not aberta)

    # ---- what must hold after every step ------------------------------------------------------------------------
    @invariant()
    def o_modelo_confere(self) -> None:
        if not hasattr(self, "lote"):
            return
        self.inteira = False
        linha = self.linha()
        itens = {item["pk"]: item for item in self.lote.itens.values("pk", *CAMPOS)}
        contadores(linha)
        assert linha.geracao == self.geracao
        assert linha.aberta == (linha.n_pending + linha.n_running > 0), "closed and open items do not agree"
        assert not linha.n_running or linha.status == "running", "items run in a batch that is queued"
        assert linha.recontar() == {}
        em_andamento = {pk: (i["processo"], i["token"]) for pk, i in itens.items() if i["status"] == "running"}
        assert em_andamento == self.donos, "the database and the model differ on who owns what"
        assert len({dono for dono, _ in em_andamento.values()}) == len(em_andamento), "a robot holds two items"
        abertas = Tentativa.objects.filter(item__execucao=self.lote, ended=None).values_list(
            "item", "processo", "token"
        )
        assert {item: (processo, token) for item, processo, token in abertas} == self.donos
        self.conferir_itens(itens)
        self.olhar()
        self.antes, self.reabriu, self.inteira = itens, False, True

    def conferir_itens(self, itens: dict[int, dict[str, Any]]) -> None:
        for pk, item in itens.items():
            assert item["attempts"] <= 3 and item["crashes"] <= 3 and item["snoozes"] <= 5
            assert item["status"] != "running" or item["attempts"] >= 1, "an attempt that does not count"
            antes = self.antes.get(pk)
            if antes is None:
                continue
            assert item["token"] >= antes["token"], "a token went back"
            reaberto = self.reabriu and antes["status"] == "failed" and item["status"] == "pending"
            if antes["status"] in TERMINAIS and not reaberto:
                assert item == antes, "a terminal item changed within its generation"

    def teardown(self) -> None:
        """Liveness: one robot lives and the portal is up, so the batch ends."""
        if not (self.ate_o_fim and getattr(self, "inteira", False)):
            return
        for robo in self.que(vivo=True):
            robo.existe = False
            robo.processo.terminar("killed", motivo="encerrado", item="devolver")
        self.lote.retomar()
        self.lote.portal.fechar_disjuntor()
        self.fora = False
        self.olhar()
        for _ in range(ITENS):
            if not self.linha().aberta:
                break
            self.pedir()
            for robo in self.que(vivo=True):
                while item := JobItem.objects.tentar_iniciar(self.lote, robo.processo):
                    item.concluir(RESPOSTA)
            self.tempo.avancar(91)
        assert not self.linha().aberta, "the batch does not end"
        contadores(self.lote)


CAMPOS = (
    "status", "processo", "token", "attempts", "crashes", "snoozes", "erro_classe", "erro", "resultado", "finished_at",
)  # fmt: skip


@pytest.fixture
def maquina(tempo: Tempo, transactional_db: None) -> type[Maquina]:
    return type("Maquina", (Maquina,), {"tempo": tempo})


def test_no_sequence_of_faults_breaks_an_invariant(maquina):
    run_state_machine_as_test(maquina, settings=CURTO)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_no_long_search_finds_a_sequence_that_breaks_an_invariant(maquina):
    run_state_machine_as_test(
        maquina, settings=settings(settings.get_profile("slow"), max_examples=2000, print_blob=True)
    )
