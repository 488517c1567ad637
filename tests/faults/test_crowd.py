"""Rows 12, 17, 23, 24, 25 and 29: poison, messages, kills and outages against a host at work."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from executions.models import JobItem, Portal, Processo
from executions.robos import encerrar_todos, iniciar
from tests import chain, factories
from tests.chain import Machine
from tests.faults.world import Batch, World

pytestmark = pytest.mark.once
Note = Callable[..., None]


@pytest.mark.parametrize(
    ("word", "size"),
    [
        ("MATAROBO", 12),
        pytest.param("SEMMEMORIA", 12, marks=pytest.mark.slow),
        pytest.param("MATAROBO", 1000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_an_item_that_kills_its_robot_three_times_is_poison_and_all_others_are_answered(
    mundo: World, counted: Note, word: str, size: int
) -> None:
    def poisoned(name: str, first: list[str] = []) -> str:  # noqa: B006 (remembers which was the first)
        first.append(name) if not first else None
        return name.removesuffix(".pdf") + f" {word}.pdf" if name == first[0] else name

    batch = mundo.lot(size, max_robots=2, names=poisoned, excused=frozenset({"veneno"}))
    took = mundo.finish(batch, 60 + size)
    bad = batch.execucao.itens.get(status="failed")
    assert (bad.erro_classe, bad.crashes, bad.nome_arquivo.count(word)) == ("veneno", 3, 1)
    assert batch.execucao.itens.filter(status="done", crashes=0, attempts=1).count() == size - 1
    assert batch.execucao.processos.filter(exit_code=-9).count() == 3
    counted(3, [took])


def test_messages_that_come_twice_or_with_a_lock_of_yesterday_start_no_second_robot(
    mundo: World, counted: Note
) -> None:
    with transaction.atomic():
        batch = mundo.lot(4, max_robots=2)
        for row in OrmQ.objects.all():
            OrmQ.objects.create(key=row.key, payload=row.payload, lock=row.lock - timedelta(days=1))
    took = mundo.finish(batch)
    assert mundo.logins(batch) == batch.execucao.processos.filter(login_em__isnull=False).count()
    assert not batch.execucao.itens.exclude(attempts=1).exists()
    counted(2, [took])


@pytest.mark.slow
def test_messages_that_were_lost_are_sent_again(mundo: World, counted: Note) -> None:
    with transaction.atomic():
        batch = mundo.lot(4, max_robots=2)
        assert OrmQ.objects.filter(lock__lte=timezone.now()).delete()[0] >= 2
    took = mundo.finish(batch, 90)
    assert set(batch.execucao.processos.values_list("motivo", flat=True)) == {"perdido", "concluido"}
    counted(2, [took])


@pytest.mark.parametrize("rounds", [1, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
def test_kill_all_while_batches_are_enqueued_started_and_claimed_is_final(
    mundo: World, machine: Machine, counted: Note, rounds: int
) -> None:
    times = []
    for _ in range(rounds):
        old = mundo.lot(20, max_robots=3, ended_by_hand=True)
        old.done(1)
        late: list = []

        def enqueue(late: list = late) -> None:
            late.append(mundo.lot(2, ended_by_hand=True))

        acts = [encerrar_todos, enqueue, lambda old=old: iniciar(old.execucao)]
        struck = time.monotonic()
        factories.in_threads(3, lambda i, acts=acts: acts[i]())
        last = old.execucao.itens.order_by("-finished_at").first().finished_at
        frozen = sorted(old.execucao.itens.values_list("pk", "status", "token"))
        mundo.finish(old, 10)
        times.append(time.monotonic() - struck)
        assert times[-1] < 10, "its robots were not gone in time"
        mundo.finish(late[0], 60)
        assert sorted(old.execucao.itens.values_list("pk", "status", "token")) == frozen
        assert old.execucao.itens.order_by("-finished_at").first().finished_at == last
        assert not Processo.objects.vivos().filter(execucao=old.execucao).exists()
    counted(rounds, times)


def test_lowering_max_robots_under_those_that_work_kills_nobody_and_breaks_nothing(mundo: World, counted: Note) -> None:
    batch = mundo.lot(30, max_robots=3)
    chain.wait_for(lambda: batch.execucao.itens.em_andamento().count() > 1, 30, "robots at work")
    batch.execucao.definir_max_robots(1)
    took = mundo.finish(batch)
    ends = set(batch.execucao.processos.values_list("motivo", flat=True))
    # On a busy machine the watchdog may find one that left before its supervisor has said so.
    assert "excedente" in ends and ends <= {"excedente", "concluido", "perdido"}
    assert not batch.execucao.processos.filter(status="killed").exists()
    assert not batch.execucao.itens.exclude(attempts=1, crashes=0).exists()
    counted(1, [took])


def down(batch: Batch) -> bool:
    return Portal.objects.get(pk=batch.execucao.portal_id).fora_do_ar


def given_up(batch: Batch, seconds: float) -> None:
    """Waits until the breaker is open and the batch's robots have left."""
    chain.wait_for(lambda: down(batch), seconds, "the breaker's opening")
    chain.wait_for(lambda: not batch.execucao.processos.vivos().exists(), 30, "the robots' leaving")


def calm_again(mundo: World, batch: Batch) -> float:
    """The portal answers everything; returns the seconds until the batch has ended."""
    mundo.portal.set_fora_do_ar(False)
    mundo.portal.set_mudos()
    back = time.monotonic()
    mundo.finish(batch, 90)
    return time.monotonic() - back


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_an_outage_uses_no_attempt_up_and_the_batch_goes_on_by_itself(
    mundo: World, counted: Note, seconds: int
) -> None:
    batch = mundo.lot(20, max_robots=2)
    batch.done(2)
    mundo.portal.set_fora_do_ar(True)
    given_up(batch, 30)
    seen = len(mundo.portal.log)
    time.sleep(seconds)
    probes = [entry for entry in mundo.portal.log[seen:] if entry.kind == "login_form"]
    # One a PROBE_SECONDS (6 s here), and its look-again.
    assert len(probes) <= 2 * (seconds / 6 + 1)
    assert batch.execucao.itens.falhados().count() == 0
    assert batch.execucao.itens.pendentes().exclude(attempts=0).count() == 0
    counted(1, [calm_again(mundo, batch)])


@pytest.mark.slow  # tests/test_suspicion.py asks the same of the code alone
def test_a_portal_that_answers_no_login_is_down_though_its_forms_can_be_read(mundo: World, counted: Note) -> None:
    before = len(mundo.portal.log)
    mundo.portal.set_mudos("login")
    batch = mundo.lot(20, max_robots=2)
    given_up(batch, 90)
    logins = [entry for entry in mundo.portal.log[before:] if entry.kind == "login"]
    assert len(logins) <= 6, "five are enough; one more may have been under way"
    time.sleep(20)
    again = [entry for entry in mundo.portal.log[before:] if entry.kind == "login"][len(logins) :]
    assert 1 <= len(again) <= 20 / 6 + 1  # one a PROBE_SECONDS (6 s here)
    assert batch.execucao.itens.filter(status="pending", attempts=0).count() == 20
    counted(1, [calm_again(mundo, batch)])


@pytest.mark.slow  # tests/test_probe.py asks the same of the code alone
def test_a_portal_that_answers_no_search_is_down_though_it_lets_everybody_in(mundo: World, counted: Note) -> None:
    batch = mundo.lot(90, max_robots=2)
    chain.wait_for(lambda: batch.execucao.itens.respondidos().count() > 7, 60, "a first answer")
    mundo.portal.set_mudos("search")
    given_up(batch, 90)
    seen, done = len(mundo.portal.log), batch.execucao.itens.respondidos().count()
    time.sleep(20)
    probes = [entry for entry in mundo.portal.log[seen:] if entry.kind == "search"]
    assert 1 <= len(probes) <= 2 * (20 / 6 + 1)  # one a PROBE_SECONDS (6 s here), and its look-again
    assert down(batch) and batch.execucao.itens.respondidos().count() == done
    assert batch.execucao.itens.filter(status="pending", attempts=0).count() == 90 - done
    counted(1, [calm_again(mundo, batch)])


@pytest.mark.slow
def test_a_portal_that_fails_every_second_request_is_answered_for_in_the_end(mundo: World, counted: Note) -> None:
    """Half the requests fail: an item may use its attempts up, honestly; reopened in calm weather it is answered."""
    calm = threading.Event()

    def flicker() -> None:
        while not calm.wait(0.15):
            mundo.portal.set_fora_do_ar(not mundo.portal.fora_do_ar)

    thread = threading.Thread(target=flicker)
    thread.start()
    batch = mundo.lot(12, max_robots=2)
    time.sleep(15)
    calm.set()
    thread.join()
    mundo.portal.set_fora_do_ar(False)
    back = time.monotonic()
    chain.wait_for(lambda: chain.ended(batch.execucao), 90, "the end of the batch")
    assert not batch.execucao.itens.filter(status=JobItem.Status.DONE, resultado="").exists()
    if batch.execucao.n_failed:
        assert set(batch.execucao.itens.falhados().values_list("erro_classe", flat=True)) == {"portal_indisponivel"}
        batch.execucao.reabrir()
        iniciar(batch.execucao)
    mundo.finish(batch)
    counted(1, [time.monotonic() - back])
