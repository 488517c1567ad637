"""A host outlives what goes wrong in one of its chores, and wrong counters."""

import threading
from typing import Any

import pytest
from django.db import OperationalError

from executions.models import Execucao
from tests.factories import contadores, nova_execucao, novo_host, novo_robo, tomado
from workers import janitor, loop
from workers.host import Chore, HostAgent
from workers.watchdog import Watchdog


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OperationalError("away"), ValueError("x")])
def test_a_chore_that_fails_ends_neither_the_host_nor_the_others_and_is_tried_again(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    agent = HostAgent(threading.Event())
    seen: list[str] = []

    def sick() -> None:
        seen.append("sick")
        raise error

    agent.chores = [Chore(sick, 0), Chore(lambda: seen.append("well"), 0)]
    agent.run(each_tick=lambda: len(seen) >= 4)
    assert seen == ["sick", "well", "sick", "well"]
    told = [record for record in caplog.records if getattr(record, "event", "") in ("tarefa_falhou", "sem_banco")]
    assert len(told) == 2
    assert all("sick" in record.getMessage() for record in told)


@pytest.mark.django_db(transaction=True)
def test_a_loop_goes_on_after_a_failure_but_a_single_step_by_hand_raises() -> None:
    stop, n = threading.Event(), []

    def step() -> None:
        n.append(1)
        if len(n) == 2:
            stop.set()
        raise ValueError("a fault of ours")

    loop.run(step, 0, stop, once=False)
    assert len(n) == 2
    with pytest.raises(ValueError, match="of ours"):
        loop.run(step, 0, threading.Event(), once=True)


@pytest.fixture
def preso(settings: Any) -> Execucao:
    """A batch whose robot is dead, and whose counters deny the item that this held."""
    host = novo_host(nome=settings.ROBOT_HOST)
    lote = nova_execucao(2)
    tomado(lote, novo_robo(lote, host))
    Execucao.objects.filter(pk=lote.pk).update(n_pending=2, n_running=0)
    return lote


@pytest.mark.django_db
def test_a_watchdogs_step_clears_a_dead_robot_although_the_counters_were_wrong(preso: Execucao, tempo: Any) -> None:
    tempo.avancar(300)
    done = Watchdog().step()
    assert (done["contadores"], done["mortos"]) == (1, 1)
    assert contadores(preso) == (2, 0, 0, 0)


@pytest.mark.django_db
def test_a_host_comes_back_although_the_counters_were_wrong(preso: Execucao) -> None:
    janitor.clear_host()
    assert contadores(preso) == (2, 0, 0, 0)
    assert not preso.processos.vivos().exists()
