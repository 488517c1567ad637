"""A real robot, watched through the database from a page's poll to its browser's picture, and killed while watched."""

import time
from typing import Any

import psutil
import pytest

from executions import clock
from executions.models import Execucao, Processo, Quadro
from executions.robos import iniciar
from tests import chain
from workers.portals.demo.cases import CASO_DO_CENARIO
from workers.portals.demo.server import PortalDemo
from workers.processes import still

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SLOW = 30.0  # the portal holds the robot in one blocking command
HELD = f"{CASO_DO_CENARIO['lento']}_1234_56789_Petição.pdf"


def watch(robo: Processo) -> None:
    """What each poll of a page does."""
    robo.refresh_from_db()
    Processo.objects.assistir([robo], clock.db_now())


def connections(robo: Processo) -> int:
    """Of the robot's own process, without its browser's."""
    found = psutil.Process(robo.pid).net_connections("inet")
    return sum(each.status == psutil.CONN_ESTABLISHED for each in found)


def held_robot(execucao: Execucao) -> Processo:
    item = chain.wait_for(lambda: execucao.itens.em_andamento().first(), 30, "a claimed item")
    return Processo.objects.get(pk=item.processo_id)


def shows_while_watched_and_only_then(robo: Processo, before: int) -> None:
    began = time.monotonic()
    chain.wait_for(lambda: watch(robo) or Quadro.objects.exists(), 6, "the first picture")
    print(f"first picture {time.monotonic() - began:.2f} s after the first poll")
    assert bytes(Quadro.objects.get().jpeg).startswith(b"\xff\xd8")
    assert connections(robo) == before + 1
    chain.wait_for(lambda: connections(robo) == before, 8, "the end of the connection that nobody needs")
    last = Quadro.objects.values("n", "at").get()
    time.sleep(1.5)
    assert Quadro.objects.values("n", "at").get() == last


def test_a_robot_shows_its_screen_while_watched_and_dies_whole_while_it_shows(settings: Any) -> None:
    settings.WATCH_SECONDS = 2
    with PortalDemo(lentidao=SLOW) as portal, chain.machine(WATCH_SECONDS=2):
        execucao = chain.enqueue([HELD], chain.demo_portal(portal.url))
        iniciar(execucao)
        robo = held_robot(execucao)
        time.sleep(1.5)
        before = connections(robo)
        assert not Quadro.objects.exists()
        shows_while_watched_and_only_then(robo, before)

        chain.wait_for(lambda: watch(robo) or connections(robo) == before + 1, 6, "a new look")
        family = chain.members(robo)
        assert robo.encerrar()
        chain.wait_for(lambda: not any(map(still, family)), 10, "the end of the robot and its browser")
        chain.wait_for(lambda: not Processo.objects.get(pk=robo.pk).vivo, 5, "its recorded end")
        assert not Quadro.objects.exists()
    assert not chain.left_over()
