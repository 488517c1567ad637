"""The portal's moods through the real chain: sessions that end or are refused, outages, intervals, silence."""

import os
import shutil
import signal

import pytest

from executions.models import Execucao, Portal, Processo
from executions.robos import iniciar
from tests import chain
from workers import processes
from workers.portals.demo.cases import CASO_DO_CENARIO
from workers.portals.demo.generate import gerar_casos
from workers.portals.demo.sample import AMOSTRA
from workers.portals.demo.server import PortalDemo

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def held() -> str:
    return f"{CASO_DO_CENARIO['sem_resposta']}_1234_56789_Petição.pdf"


def test_a_session_that_ends_every_few_requests_costs_logins_but_no_attempt_and_no_answer() -> None:
    small = ("protocolada", "juntada_posterior", "acentos", "p7s", "zeros_perdidos", "data_com_texto", "desconhecido")
    expected = [line for line in AMOSTRA if line.cenario in small]
    with PortalDemo() as portal, chain.machine():
        credencial = chain.demo_portal(portal.url, "expira")
        execucao = chain.enqueue([line.nome for line in expected], credencial)
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 120, "the end of the batch")
        assert not chain.wrong_answers(execucao, expected)
        assert len([entry for entry in portal.log if entry.kind == "login"]) > 1
        assert not execucao.itens.exclude(attempts=1).exists() and execucao.processos.count() == 1


def test_a_second_session_that_the_portal_blocks_leaves_the_first_robot_to_finish() -> None:
    casos, expected = gerar_casos(8, seed=12)
    with PortalDemo(cases=casos, latency=3) as portal, chain.machine():
        credencial = chain.demo_portal(portal.url, "sessao-unica")
        execucao = chain.enqueue([line.nome for line in expected], credencial, max_robots=2)
        iniciar(execucao)
        blocked = execucao.processos.filter(motivo="bloqueado")
        chain.wait_for(blocked.exists, 60, "the second robot's login")
        assert not chain.ended(execucao)
        portal.latency = 0.1  # the portal was slow so that the first robot still works when the second one comes
        chain.wait_for(lambda: chain.ended(execucao), 120, "the end of the batch")
        assert not chain.wrong_answers(execucao, expected)
        assert blocked.count() == 1
        credencial.refresh_from_db()
        assert credencial.livre_em is not None and credencial.recusada_em is None


@pytest.mark.slow  # tests/faults/test_crowd.py asks the same of robots without a browser
def test_an_outage_opens_the_breaker_uses_no_attempt_up_probes_rarely_and_ends_by_itself() -> None:
    casos, expected = gerar_casos(10, seed=13)
    with PortalDemo(cases=casos, latency=0.1) as portal, chain.machine(TIME_DIVISOR=6):
        credencial = chain.demo_portal(portal.url)
        execucao = chain.enqueue([line.nome for line in expected], credencial, max_robots=2)
        iniciar(execucao)
        chain.wait_for(lambda: execucao.itens.filter(status="done").count() >= 2, 30, "two answers")
        portal.set_fora_do_ar(True)
        chain.wait_for(lambda: Portal.objects.get(pk=credencial.portal_id).fora_do_ar, 60, "the breaker's opening")
        chain.wait_for(lambda: not execucao.processos.vivos().exists(), 30, "the robots' leaving")
        seen, robots = len(portal.log), execucao.processos.count()
        chain.wait_for(lambda: execucao.processos.count() > robots, 30, "a probe")
        assert execucao.itens.pendentes().exclude(attempts=0).count() == 0
        assert execucao.itens.falhados().count() == 0
        assert len(portal.log) - seen <= 6  # a probe is one login page, and its look-again
        portal.set_fora_do_ar(False)
        chain.wait_for(lambda: chain.ended(execucao), 90, "the end of the batch")
        assert not chain.wrong_answers(execucao, expected)
        assert not Portal.objects.get(pk=credencial.portal_id).fora_do_ar


def test_the_minimum_interval_of_a_portal_holds_between_all_its_robots() -> None:
    casos, expected = gerar_casos(6, seed=14, itens_por_caso=1.0)
    with PortalDemo(cases=casos) as portal, chain.machine():
        credencial = chain.demo_portal(portal.url, min_interval_s=1.0)
        execucao = chain.enqueue([line.nome for line in expected], credencial, max_robots=2)
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 90, "the end of the batch")
        begun = sorted(entry.begin for entry in portal.log if entry.kind == "search_form")
    assert len(begun) == 6
    # From the slot to the request is the robot's own time, which varies by some hundredths of a second.
    assert min(b - a for a, b in zip(begun, begun[1:], strict=False)) > 0.7
    assert begun[-1] - begun[0] > 4.7


def test_a_robot_that_was_sent_and_never_started_is_lost_and_asked_for_again() -> None:
    with PortalDemo() as portal, chain.machine(TIME_DIVISOR=10, CANARY_LIMIT_SECONDS=36000) as host:
        frozen = list(processes.marked(host.cluster_mark))
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        execucao = chain.enqueue([f"{CASO_DO_CENARIO['protocolada']}_4321_87654_P.pdf"], chain.demo_portal(portal.url))
        iniciar(execucao)
        first = execucao.processos.get()
        chain.wait_for(lambda: execucao.processos.count() > 1, 30, "another robot's request")
        first.refresh_from_db()
        assert (first.status, first.motivo) == ("lost", "perdido")
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        chain.wait_for(lambda: chain.ended(execucao), 60, "the end of the batch")
        assert execucao.n_done == 1 and first.itens.count() == 0


@pytest.mark.slow  # tests/test_verbs.py asks the same without a host
def test_a_batch_that_waits_for_nothing_and_stays_silent_ends_as_error_and_one_click_reopens_it() -> None:
    limits = {"TIME_DIVISOR": 5, "SILENCE_SECONDS": 25, "CANARY_LIMIT_SECONDS": 36000}
    with PortalDemo() as portal, chain.machine(**limits) as host:
        execucao = chain.enqueue([held()], chain.demo_portal(portal.url))
        iniciar(execucao)
        item = chain.wait_for(lambda: execucao.itens.em_andamento().first(), 30, "a claimed item")
        for pid in processes.marked(host.cluster_mark):
            os.kill(pid, signal.SIGSTOP)  # no supervisor, no new robot: the host's loops alone go on
        os.kill(Processo.objects.get(pk=item.processo_id).pid, signal.SIGKILL)
        chain.wait_for(lambda: chain.ended(execucao), 90, "the end by silence")
        assert execucao.status == Execucao.Status.ERROR
        assert execucao.itens.get().erro_classe == "sem_heartbeat"
        assert execucao.reabrir() == 1


def test_a_robot_is_recycled_after_its_items_and_a_fresh_one_goes_on() -> None:
    casos, expected = gerar_casos(6, seed=15)
    with PortalDemo(cases=casos) as portal, chain.machine(RECYCLE_ITEMS=4):
        execucao = chain.enqueue([line.nome for line in expected], chain.demo_portal(portal.url))
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 90, "the end of the batch")
        assert not chain.wrong_answers(execucao, expected)
        ends = list(execucao.processos.order_by("id").values_list("motivo", flat=True))
        assert ends.count("reciclado") == (len(expected) - 1) // 4 and execucao.processos.count() == len(ends)


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="Xvfb is not installed (apt-get install xvfb)")
def test_the_visible_mode_without_a_display_brings_its_own_screen_and_takes_it_away() -> None:
    with PortalDemo() as portal, chain.machine(DISPLAY=""):
        execucao = chain.enqueue(
            [f"{CASO_DO_CENARIO['protocolada']}_4321_87654_P.pdf"], chain.demo_portal(portal.url), mode="visible"
        )
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 60, "the end of the batch")
        assert execucao.n_done == 1, execucao.motivo
        chain.wait_for(lambda: not execucao.processos.vivos().exists(), 20, "the robot's end")
        assert not [m for p in execucao.processos.all() for m in chain.members(p)]
