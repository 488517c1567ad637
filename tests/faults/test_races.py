"""Rows 2, 20 and 22: who comes at the same moment. Threads on one database, no host."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from executions import clock, intake
from executions.errors import StaleClaim
from executions.models import Execucao, Host, JobItem, Processo
from executions.robos import pedir_robos
from tests import factories
from workers import scheduler
from workers.portals.demo.model import numero_cnj
from workers.watchdog import expired

pytestmark = pytest.mark.usefixtures("transactional_db")
Note = Callable[..., None]


def rounds(short: int, full: int) -> pytest.MarkDecorator:
    marks = [pytest.mark.slow, pytest.mark.timeout(1800)]
    return pytest.mark.parametrize("repetitions", [short, pytest.param(full, marks=marks)])


@rounds(8, 200)
def test_clicks_and_two_schedulers_at_once_never_ask_for_one_robot_too_many(counted: Note, repetitions: int) -> None:
    Host.objects.update(heartbeat_at=None)  # those of the test before: the database lives as long as the module
    host = factories.novo_host(places=4)
    for _ in range(repetitions):
        host.bater()  # nobody else does
        batch = factories.nova_execucao(6, max_robots=2)
        acts: list[Callable[[], object]] = [scheduler.step, scheduler.step]
        acts += [lambda batch=batch: pedir_robos(batch.pk)] * 2
        factories.in_threads(4, lambda i, acts=acts: acts[i]())
        assert Processo.objects.filter(execucao=batch).count() == 2
        assert Processo.objects.vivos().do_host(host).count() == 2
        batch.encerrar()
    counted(repetitions, [])


@rounds(8, 200)
def test_two_watchdogs_a_robot_and_a_kill_at_once_end_an_item_once(counted: Note, repetitions: int) -> None:
    """The lease is past: one of expiry, finish and kill wins; the crash is counted at most once."""
    for n in range(repetitions):
        batch = factories.nova_execucao(2)
        item = factories.tomado(batch)
        JobItem.objects.filter(pk=item.pk).update(lease_until=batch.created_at)
        agora = clock.db_now()
        acts: list[Callable[[], object]] = [lambda agora=agora: expired(agora)] * 2
        acts.append(lambda item=item: _finish(item))
        if n % 2:
            acts.append(batch.encerrar)
        factories.in_threads(len(acts), lambda i, acts=acts: acts[i]())
        item.refresh_from_db()
        assert item.crashes <= 1 and item.attempts <= 1
        assert (item.status == "done") == item.tentativas.filter(outcome="nao_localizada").exists()
        factories.contadores(batch)
        batch.encerrar()
        assert factories.contadores(batch)[:2] == (0, 0)
    counted(repetitions, [])


def _finish(item: JobItem) -> None:
    with suppress(StaleClaim):
        item.concluir(factories.RESPOSTA)


@pytest.mark.parametrize(
    ("size", "limit"), [(5_000, 30), pytest.param(100_000, 60, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_a_long_list_is_enqueued_whole_in_time_and_seen_by_nobody_before(
    counted: Note, size: int, limit: float
) -> None:
    names = [f"{numero_cnj(n + 1, 2026, '0051')}_1234_56789_P.pdf" for n in range(size)]
    credencial = factories.nova_credencial()
    began = time.monotonic()
    lote = intake.ler(names, tribunais={"8.99": credencial.portal.slug}, hoje=credencial.accepted_at.date())
    assert len(lote.linhas) == size and not lote.rejeitadas
    batch = Execucao.objects.enfileirar(lote.linhas, portal=credencial.portal, credencial=credencial)
    took = time.monotonic() - began
    assert batch.itens.count() == size and took < limit
    batch.encerrar()
    counted(1, [took])
