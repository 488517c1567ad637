"""A script that waits for its turn is never dropped, one that nobody watches is ended, and none starts twice."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from executions import clock, scripts
from executions.models import Host, Processo
from tests import chain
from tests.factories import novo_host
from tests.processos import novo_script, pasta_de_scripts, rodada, supervisor_apart
from workers import janitor, processes, supervision, watchdog
from workers.host import HostAgent
from workers.scripts import ScriptExecutor
from workers.supervisor import mark
from workers.watchdog import who

__all__ = ["pasta_de_scripts"]
pytestmark = pytest.mark.django_db


def sent(pasta: Path, host: Host, code: str = "print('oi')") -> Processo:
    """A script that was sent to this host, which has not taken it up."""
    row = scripts.pedir_script(novo_script(pasta, code))
    Processo.objects.filter(pk=row.pk).update(host=host, sent_at=clock.db_now())
    row.refresh_from_db()
    return row


def test_one_that_had_waited_long_when_its_host_died_is_sent_to_another(pasta: Path, tempo: Any) -> None:
    gone = novo_host()
    row = sent(pasta, gone)
    long_ago = clock.db_now() - timedelta(minutes=5)
    Processo.objects.filter(pk=row.pk).update(requested_at=long_ago)
    Host.objects.filter(pk=gone.pk).update(heartbeat_at=long_ago)
    assert watchdog.lost_anywhere(clock.db_now()) == 0
    tempo.avancar(61)
    other = novo_host()
    assert scripts.enviar_em_espera() == 1
    row.refresh_from_db()
    assert (row.status, row.host) == ("requested", other)


def test_one_sent_to_a_host_that_stops_or_starts_again_waits_for_any_host(pasta: Path, settings: Any) -> None:
    host = novo_host(nome=settings.ROBOT_HOST)
    agent = HostAgent(threading.Event())
    agent.host = host
    clearing: tuple[Callable[[], object], ...] = (agent._robots_left, janitor.clear_host)
    for clears in clearing:
        row = sent(pasta, host)
        clears()
        row.refresh_from_db()
        assert (row.status, row.host, row.sent_at) == ("requested", None, None)


def test_a_message_that_comes_twice_does_not_end_the_script_whose_file_has_changed_since(
    pasta: Path, settings: Any
) -> None:
    script = novo_script(pasta)
    novo_host(nome=settings.ROBOT_HOST)
    row = rodada(script)
    (pasta / script.arquivo).write_text("print('outro')")
    supervision.supervise(str(row.uuid))
    row.refresh_from_db()
    assert row.status == "running"


@pytest.mark.django_db(transaction=True)
def test_execute_script_works_where_a_host_was_killed_while_it_stopped(pasta: Path, settings: Any) -> None:
    silent = clock.db_now() - timedelta(hours=1)
    novo_host(nome=settings.ROBOT_HOST, heartbeat_at=silent, draining_at=silent)
    answer: list[tuple[int, str, str]] = []
    script = novo_script(pasta, "print('feito')")
    thread = threading.Thread(target=lambda: answer.append(ScriptExecutor().execute_script(script.nome)), daemon=True)
    thread.start()
    thread.join(20)
    assert answer == [(0, "feito\n", "")]


@pytest.mark.django_db(transaction=True)
def test_one_whose_supervisor_is_killed_ends_though_no_host_is_left_to_see_it(pasta: Path, settings: Any) -> None:
    host = novo_host(nome=settings.ROBOT_HOST, heartbeat_at=None)
    row = sent(pasta, host, "import time; time.sleep(300)")
    supervisor = supervisor_apart(row)
    assert processes.find(mark(row.uuid), who(row))
    supervisor.kill()
    supervisor.wait()
    chain.wait_for(lambda: not processes.find(mark(row.uuid), who(row)), 15, "its end")
