"""Two hosts on one database, which only PostgreSQL allows: they share a batch, and one takes over from the other."""

import os
import signal

import pytest

from executions.models import Processo
from executions.robos import iniciar
from tests import chain, factories
from workers.portals.demo.cases import CASO_DO_CENARIO
from workers.portals.demo.generate import gerar_casos
from workers.portals.demo.server import PortalDemo
from workers.processes import still

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _postgres_only(transactional_db: None) -> None:
    if not factories.em_postgres():
        pytest.skip("SQLite serves one host; this runs in the PostgreSQL half of `make test`")


def test_two_hosts_share_a_batch_within_max_robots() -> None:
    casos, expected = gerar_casos(12, seed=21)
    with (
        PortalDemo(cases=casos, latency=0.2) as portal,
        chain.machine(HOST_MAX_ROBOTS=1),
        chain.machine(HOST_MAX_ROBOTS=1),
    ):
        execucao = chain.enqueue([line.nome for line in expected], chain.demo_portal(portal.url), max_robots=2)
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 90, "the end of the batch")
        assert not chain.wrong_answers(execucao, expected)
        assert chain.sessions_at_once(portal.log) <= 2
        assert len(set(Processo.objects.filter(login_em__isnull=False).values_list("host", flat=True))) == 2


@pytest.mark.slow
def test_a_host_that_is_gone_loses_its_item_to_the_other_and_is_cleared_when_it_comes_back() -> None:
    held = f"{CASO_DO_CENARIO['sem_resposta']}_1234_56789_Petição.pdf"
    with PortalDemo() as portal, chain.machine(TIME_DIVISOR=5, ROBOT_HOST="teste-some") as gone:
        execucao = chain.enqueue([held], chain.demo_portal(portal.url))
        iniciar(execucao)
        item = chain.wait_for(lambda: execucao.itens.em_andamento().first(), 30, "a claimed item")
        victim = Processo.objects.get(pk=item.processo_id)
        family = chain.members(victim)
        with chain.machine(TIME_DIVISOR=5) as other:
            gone.kill()
            gone.kill_cluster()
            os.kill(victim.pid, signal.SIGKILL)
            # 60 s of silence and two ticks, five times as fast; and a robot's start.
            chain.wait_for(lambda: chain.ended(execucao), 60, "the end of the batch by the other host")
            assert execucao.n_done == 1
            last = execucao.processos.order_by("-id").first()
            assert last.host.nome == other.name
            victim.refresh_from_db()
            assert (victim.status, execucao.itens.get().crashes) == ("lost", 1)
            with chain.machine(ROBOT_HOST="teste-some"):
                chain.wait_for(lambda: not any(map(still, family)), 10, "the end of what the first host left")
