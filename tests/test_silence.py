"""T12: a batch without a sign ends as error; one that waited for the world's sake has not been silent."""

import pytest

from executions.models import Execucao, Host
from executions.robos import pedir_robos
from tests.conftest import Tempo
from tests.factories import nova_execucao, novo_host, novo_robo, tomado
from workers.watchdog import Watchdog

pytestmark = pytest.mark.django_db
TICK = 10


@pytest.fixture
def lote(tempo: Tempo) -> Execucao:
    """Started; its robot has just left."""
    batch = nova_execucao(2)
    robo = novo_robo(batch)
    tomado(batch, robo).devolver()
    robo.terminar("exited", motivo="reciclado")
    return batch


@pytest.fixture
def watchdog(tempo: Tempo) -> Watchdog:
    watching = Watchdog()
    watching._since = tempo.agora
    return watching


def watch(watchdog: Watchdog, tempo: Tempo, segundos: int) -> int:
    """How many batches it ends in these seconds."""
    return sum(watchdog.silent(tempo.avancar(TICK)) for _ in range(segundos // TICK))


def nothing_ends(host: Host, watchdog: Watchdog, tempo: Tempo, *, ticks: int) -> None:
    """For so long, with a live machine all the while, and a moment longer."""
    for _ in range(ticks):
        host.bater()
        assert watch(watchdog, tempo, TICK) == 0
    host.bater()


def test_a_batch_without_a_sign_and_without_a_reason_ends_after_fifteen_minutes(
    lote: Execucao, watchdog: Watchdog, tempo: Tempo
) -> None:
    host = novo_host()
    robo = novo_robo(lote, host)  # it never gives a sign
    nothing_ends(host, watchdog, tempo, ticks=89)
    assert watch(watchdog, tempo, 2 * TICK) == 1
    lote.refresh_from_db()
    robo.refresh_from_db()
    assert (lote.status, lote.motivo_classe, bool(robo.kill_requested_at)) == ("error", "sem_heartbeat", True)


def test_the_end_of_a_long_outage_leaves_the_robots_the_time_to_start(
    lote: Execucao, watchdog: Watchdog, tempo: Tempo
) -> None:
    """An hour without the portal is no silence: the batch would end just when it could go on."""
    host = novo_host()
    lote.portal.abrir_disjuntor()
    assert watch(watchdog, tempo, 3600) == 0
    lote.portal.fechar_disjuntor()
    host.bater()
    assert pedir_robos(lote.pk).robos == 1
    assert watch(watchdog, tempo, TICK) == 0
    nothing_ends(host, watchdog, tempo, ticks=88)
    assert watch(watchdog, tempo, 3 * TICK) == 1, "robots that give no sign then are silent"


def test_a_wait_that_ended_before_half_the_time_is_long_enough_ago(
    lote: Execucao, watchdog: Watchdog, tempo: Tempo
) -> None:
    host = novo_host()
    lote.portal.abrir_disjuntor()
    assert watch(watchdog, tempo, 300) == 0
    lote.portal.fechar_disjuntor()
    host.bater()
    pedir_robos(lote.pk)
    nothing_ends(host, watchdog, tempo, ticks=59)
    assert watch(watchdog, tempo, 3 * TICK) == 1
