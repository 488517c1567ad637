"""Rows 2, 20 and 22: who comes at the same moment. Threads on one database, no host."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from executions import intake
from executions.errors import StaleClaim
from executions.models import Execucao, Host, JobItem, Processo
from executions.models.tentativa import POSSE_VENCIDA, ROBO_PERDIDO
from executions.robos import pedir_robos
from tests import factories
from workers import scheduler
from workers.portals.demo.model import numero_cnj
from workers.watchdog import Watchdog

pytestmark = pytest.mark.usefixtures("transactional_db")
Note = Callable[..., None]


def rounds(short: int, full: int) -> pytest.MarkDecorator:
    marks = [pytest.mark.slow, pytest.mark.timeout(1800)]
    return pytest.mark.parametrize("repetitions", [short, pytest.param(full, marks=marks)])


@rounds(8, 200)
def test_clicks_and_two_schedulers_at_once_never_ask_for_one_robot_too_many(
    counted: Note, repetitions: int, settings: Any
) -> None:
    """Three batches compete for three places and two turns: a batch's own lock would not tell one of the others."""
    settings.EXECUCOES_SIMULTANEAS = 2
    Host.objects.update(heartbeat_at=None)  # those of the test before: the database lives as long as the module
    host = factories.novo_host(places=3)
    for _ in range(repetitions):
        host.bater()  # nobody else does
        batches = [factories.nova_execucao(6, max_robots=2) for _ in range(3)]
        acts: list[Callable[[], object]] = [scheduler.step, scheduler.step]
        acts += [lambda pk=batch.pk: pedir_robos(pk) for batch in batches * 2]
        factories.in_threads(len(acts), lambda i, acts=acts: acts[i]())
        live = [Processo.objects.vivos().filter(execucao=batch).count() for batch in batches]
        assert sorted(live) == [0, 1, 2], "a place, or a turn, was given twice"
        assert Processo.objects.vivos().do_host(host).count() == 3
        for batch in batches:
            batch.encerrar()
    counted(repetitions, [])


@rounds(8, 200)
def test_two_watchdogs_a_robot_and_a_kill_at_once_end_an_item_once(
    counted: Note, repetitions: int, settings: Any
) -> None:
    """Lease, or lease and process, are gone: of two whole steps, finish and kill one wins; a crash counts once."""
    host = factories.novo_host()
    settings.ROBOT_HOST = host.nome
    for n in range(repetitions):
        dead, killed = n % 4 > 1, n % 2 == 1
        host.bater()
        batch = factories.nova_execucao(2)
        long_ago = batch.created_at - timedelta(seconds=60)
        robot = factories.novo_robo(batch, host)
        item = factories.tomado(batch, robot)
        JobItem.objects.filter(pk=item.pk).update(lease_until=long_ago)
        if dead:
            Processo.objects.filter(pk=robot.pk).update(heartbeat_at=long_ago)
        acts: list[Callable[[], Any]] = [Watchdog().step, Watchdog().step, lambda item=item: _finish(item)]
        acts += [batch.encerrar] * killed
        first, second, *_ = factories.in_threads(len(acts), lambda i, acts=acts: acts[i]())
        item.refresh_from_db()
        assert first["mortos"] + second["mortos"] == dead, "a dead robot was not seen, or recorded twice"
        assert dead or first["expirados"] + second["expirados"] == item.crashes, "a lease ran out twice"
        attempt = item.tentativas.get()  # one claim, ended once
        assert (attempt.outcome == "nao_localizada") == (item.status == "done")
        assert item.crashes == (attempt.outcome in (POSSE_VENCIDA, ROBO_PERDIDO))
        assert item.attempts == (0 if item.crashes else 1)
        factories.contadores(batch)
        batch.encerrar()
        robot.terminar("killed", motivo="encerrado", item="devolver")
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
    before, ready, seen = Execucao.objects.count(), threading.Event(), []  # type: ignore[var-annotated]

    def read() -> None:
        """Another connection looks all the while."""
        while not ready.wait(0.05):
            new = Execucao.objects.order_by("pk")[before:]
            seen.append((len(new), sum(batch.itens.count() for batch in new)))
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    batch = Execucao.objects.enfileirar(lote.linhas, portal=credencial.portal, credencial=credencial)
    took = time.monotonic() - began
    ready.set()
    reader.join()
    assert set(seen) <= {(0, 0), (1, size)} and seen[0] == (0, 0) and len(seen) > 2, "half a batch was seen"
    assert batch.itens.count() == size and took < limit
    batch.encerrar()
    counted(1, [took])
