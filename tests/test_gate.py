"""T3: the gate. Never more than max_robots items of a batch run, whoever competes."""

import threading
from contextlib import nullcontext, suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError

from executions import clock
from executions.locks import locked
from executions.models import Execucao, JobItem, Processo, Tentativa
from executions.models.job_item_queryset import JobItemQuerySet
from executions.robos import encerrar_todos
from tests.factories import (
    RESPOSTA,
    contadores,
    em_postgres,
    in_threads,
    nova_execucao,
    novo_host,
    novo_robo,
    retrato,
    tomado,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_eight_robots_never_run_more_than_max_robots_items():
    lote, host = nova_execucao(24, max_robots=3), novo_host(places=8)
    robos = [novo_robo(lote, host) for _ in range(8)]
    juntos, mudou = threading.Barrier(8), threading.Condition()
    agora, pico, lidos, tomados = 0, 0, [], []

    def tomar(i: int) -> JobItem | None:
        nonlocal agora, pico
        item = JobItem.objects.tentar_iniciar(lote, robos[i])
        if item:
            with mudou:
                agora, pico = agora + 1, max(pico, agora + 1)
            tomados.append(item.pk)
            lidos.append(Execucao.objects.values_list("n_running", flat=True).get(pk=lote.pk))
        return item

    def concluir(item: JobItem) -> None:
        nonlocal agora
        with mudou:
            agora -= 1
        item.concluir(RESPOSTA)
        with mudou:
            mudou.notify_all()

    def trabalhar(i: int) -> None:
        item = tomar(i)
        juntos.wait(30)  # the three winners hold their items until all eight have asked
        while item or JobItem.objects.filter(execucao=lote).abertos().exists():
            if item:
                concluir(item)
            else:
                with mudou:
                    mudou.wait(0.1)
            item = tomar(i)

    in_threads(8, trabalhar)
    assert pico == 3
    assert max(lidos) == 3
    assert sorted(tomados) == list(lote.itens.order_by("pk").values_list("pk", flat=True))
    assert contadores(lote) == (0, 0, 24, 0)
    assert lote.status == "done"
    assert set(lote.itens.values_list("attempts", "token")) == {(1, 1)}
    assert Tentativa.objects.filter(item__execucao=lote, ended__isnull=False).count() == 24


def disputar(monkeypatch: pytest.MonkeyPatch, paciencia: float) -> tuple[int, int]:
    """Two robots and a cap of one, forced to both pass the check before either writes, if nothing stops them.

    The hook stands between the gate's check and its writes. The second robot goes on only when the first has
    finished, so no constraint can stop it. Returns (items running, robots that passed the check before a write).
    """
    lote = nova_execucao(4, max_robots=1)
    robos = [novo_robo(lote) for _ in range(2)]
    conferiram, primeiro_escreveu = threading.Barrier(2), threading.Event()
    vez, mutex, juntos = iter(range(2)), threading.Lock(), []
    escolher = JobItemQuerySet._next

    def gancho(self, batch, agora, caso):
        with mutex:
            ordem = next(vez)
        with suppress(threading.BrokenBarrierError):
            conferiram.wait(paciencia)
            juntos.append(ordem)
            if ordem == 1:
                assert primeiro_escreveu.wait(30)
        return escolher(self, batch, agora, caso)

    monkeypatch.setattr(JobItemQuerySet, "_next", gancho)

    def tomar(i: int) -> None:
        if JobItem.objects.tentar_iniciar(lote, robos[i]):
            primeiro_escreveu.set()

    in_threads(2, tomar)
    monkeypatch.setattr(JobItemQuerySet, "_next", escolher)
    return JobItem.objects.filter(execucao=lote).em_andamento().count(), len(juntos)


def test_the_gate_holds_when_two_robots_are_forced_between_check_and_write(monkeypatch):
    assert disputar(monkeypatch, paciencia=1.0) == (1, 0)


def test_without_its_lock_the_same_interleaving_exceeds_the_cap(monkeypatch):
    """The mutant that shows that the test above has teeth: no row lock, and on SQLite no transaction either."""
    monkeypatch.setattr("executions.models.job_item_queryset.locked", lambda rows: rows)
    if not em_postgres():  # there BEGIN IMMEDIATE is the lock
        monkeypatch.setattr("executions.models.job_item_queryset.transaction", SimpleNamespace(atomic=nullcontext))
    assert disputar(monkeypatch, paciencia=30.0) == (2, 2)


def test_a_row_lock_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="outside a transaction"):
        locked(Execucao.objects.all())


def test_a_gate_without_its_transaction_is_refused_by_the_lock(monkeypatch):
    lote = nova_execucao()
    robo = novo_robo(lote)
    antes = retrato(lote)
    monkeypatch.setattr("executions.models.job_item_queryset.transaction", SimpleNamespace(atomic=nullcontext))
    with pytest.raises(RuntimeError, match="outside a transaction"):
        JobItem.objects.tentar_iniciar(lote, robo)
    assert retrato(lote) == antes


def test_a_claim_takes_the_first_item_and_starts_the_execution(tempo):
    lote = nova_execucao(2)
    robo = novo_robo(lote)
    tempo.avancar(5)
    item = tomado(lote, robo)
    gravado = lote.itens.get(ordem=1)
    assert (item.pk, item.token, item.attempts) == (gravado.pk, 1, 1)
    assert (gravado.status, gravado.processo, gravado.token, gravado.attempts) == ("running", robo, 1, 1)
    assert (gravado.lease_until - tempo.agora).total_seconds() == 60
    assert contadores(lote) == (1, 1, 0, 0)
    assert (lote.status, lote.started_at, lote.heartbeat_at) == ("running", tempo.agora, tempo.agora)
    aberta = Tentativa.objects.get(item=item)
    assert (aberta.token, aberta.n, aberta.geracao, aberta.processo, aberta.ended) == (1, 1, 1, robo, None)
    robo.refresh_from_db()
    assert robo.heartbeat_at == robo.progress_at == tempo.agora


def test_the_first_claim_alone_sets_started_at(tempo):
    lote = nova_execucao(2)
    robo = novo_robo(lote)
    comeco = tempo.agora
    tomado(lote, robo).concluir(RESPOSTA)
    tempo.avancar(30)
    tomado(lote, robo)
    lote.refresh_from_db()
    assert lote.started_at == comeco


def pausar(lote, robo):
    assert lote.pausar()


def terminar_o_lote(lote, robo):
    assert lote.encerrar()
    Processo.objects.filter(pk=robo.pk).update(kill_requested_at=None)  # the batch itself must refuse


def abrir_o_disjuntor(lote, robo):
    assert lote.portal.abrir_disjuntor()


def pedir_a_morte(lote, robo):
    assert Processo.objects.filter(pk=robo.pk).pedir_morte(clock.db_now()) == 1


def encerrar_tudo(lote, robo):
    assert encerrar_todos() == 1


def despedir(lote, robo):
    robo.despedir("excedente")


def voltar_a_iniciando(lote, robo):
    Processo.objects.filter(pk=robo.pk).update(status="starting")


def perder(lote, robo):
    assert robo.terminar("lost", motivo="perdido")


def ocupar_o_maximo(lote, robo):
    tomado(lote)


def adiar_os_itens(lote, robo):
    lote.itens.update(available_at=clock.db_now() + timedelta(seconds=60))


IMPEDIMENTOS = [
    pausar,
    terminar_o_lote,
    abrir_o_disjuntor,
    pedir_a_morte,
    encerrar_tudo,
    despedir,
    voltar_a_iniciando,
    perder,
    ocupar_o_maximo,
    adiar_os_itens,
]


@pytest.mark.parametrize("impedir", IMPEDIMENTOS)
def test_the_gate_gives_nothing_and_changes_no_item_when(impedir):
    lote = nova_execucao(2, max_robots=1)
    robo = novo_robo(lote)
    impedir(lote, robo)
    antes = retrato(lote)[:3]
    assert JobItem.objects.tentar_iniciar(lote, robo) is None
    assert retrato(lote)[:3] == antes


def test_the_gate_opens_again_after_a_pause_and_after_the_breaker_closes():
    lote = nova_execucao(2)
    robo = novo_robo(lote)
    lote.pausar()
    lote.portal.abrir_disjuntor()
    lote.retomar()
    assert JobItem.objects.tentar_iniciar(lote, robo) is None
    lote.portal.fechar_disjuntor()
    assert tomado(lote, robo).ordem == 1


def test_an_item_is_not_claimed_before_its_backoff_ends(tempo):
    lote = nova_execucao(1)
    robo = novo_robo(lote)
    tomado(lote, robo).tentar_de_novo("tempo_esgotado", "")
    disponivel = lote.itens.get().available_at
    tempo.agora = disponivel - timedelta(microseconds=1)
    assert JobItem.objects.tentar_iniciar(lote, robo) is None
    tempo.agora = disponivel
    assert tomado(lote, robo).attempts == 2


def test_the_robots_own_case_comes_first_then_cases_nobody_is_at_then_any():
    lote = nova_execucao(6, casos=2, max_robots=4)  # orders 1, 3, 5 are caso-0 and 2, 4, 6 are caso-1
    primeiro, segundo, terceiro, quarto = (novo_robo(lote) for _ in range(4))
    item = tomado(lote, primeiro)
    assert (item.ordem, item.mais_do_caso) == (1, True)
    item.concluir(RESPOSTA)
    item = tomado(lote, primeiro, caso="caso-0")
    assert item.ordem == 3, "its own case before a lower order"
    assert tomado(lote, segundo).ordem == 2, "a case nobody is at"
    assert tomado(lote, terceiro).ordem == 4, "every case has a robot: the first by order"
    ultimo = tomado(lote, quarto, caso="caso-0")
    assert (ultimo.ordem, ultimo.mais_do_caso) == (5, False)


def test_a_free_case_comes_before_a_lower_order_of_a_busy_one():
    lote = nova_execucao(4, casos=2, max_robots=2)
    lote.itens.filter(ordem=2).update(numero_processo="caso-0")
    assert tomado(lote).ordem == 1
    assert tomado(lote).ordem == 4


def test_a_case_without_items_left_does_not_hold_a_robot_back():
    lote = nova_execucao(2)
    assert tomado(lote, caso="outro-caso").ordem == 1


def test_a_robot_holds_one_item_by_a_constraint():
    lote = nova_execucao(3, max_robots=3)
    robo = novo_robo(lote)
    tomado(lote, robo)
    antes = retrato(lote)
    with pytest.raises(IntegrityError):
        JobItem.objects.tentar_iniciar(lote, robo)
    assert retrato(lote) == antes


def test_batches_do_not_lend_each_other_their_items_or_places():
    um, outro = nova_execucao(1), nova_execucao(1)
    assert tomado(um).execucao_id == um.pk
    assert tomado(outro).execucao_id == outro.pk
    assert contadores(um) == contadores(outro) == (0, 1, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_fresh_cases_come_before_retried_ones_so_that_an_outage_uses_no_items_attempts_up(tempo):
    lote = nova_execucao(12, max_robots=1)
    robo = novo_robo(lote)
    vistos = []
    for _ in range(6):
        item = tomado(lote, robo)
        vistos.append(item.numero_processo)
        item.tentar_de_novo("tempo_esgotado", "sem resposta")
        tempo.avancar(30)  # longer than the first backoff: the retried ones are claimable again
    assert len(set(vistos)) == 6
    assert not lote.itens.filter(attempts__gt=1).exists()
