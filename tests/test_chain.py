"""The main job end to end, with real hosts, clusters, supervisors, robots and Chromium, judged from outside."""

import os
import re
import signal
from collections import Counter

import pytest

from executions.models import Execucao, JobItem, Processo
from executions.robos import iniciar
from tests import chain
from tests.faults import judge
from workers.portals.demo.cases import CASO_DO_CENARIO, CASOS
from workers.portals.demo.generate import gerar_casos
from workers.portals.demo.server import PortalDemo
from workers.processes import alive, still
from workers.watchdog import who

SLOW = 4.0
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def held_case(name: str = "lento") -> str:
    """A file of the case whose every query takes `SLOW` seconds."""
    return f"{CASO_DO_CENARIO[name]}_1234_56789_Petição.pdf"


def robot_with_item(execucao: Execucao) -> Processo:
    item = chain.wait_for(lambda: execucao.itens.em_andamento().first(), 30, "a claimed item")
    return Processo.objects.get(pk=item.processo_id)


@pytest.mark.parametrize("robots", [1, 2, pytest.param(4, marks=pytest.mark.slow)])
def test_a_generated_batch_is_answered_right_within_max_robots_and_with_one_visit_per_case(robots: int) -> None:
    casos, expected = gerar_casos(24, seed=robots)
    with PortalDemo(cases=casos, latency=0.05) as portal, chain.machine(HOST_MAX_ROBOTS=4):
        execucao = chain.enqueue([line.nome for line in expected], chain.demo_portal(portal.url), max_robots=robots)
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 120, "the end of the batch")
        chain.wait_for(lambda: not execucao.processos.vivos().exists(), 15, "the robots' end")
        assert not chain.wrong_answers(execucao, expected)
        assert chain.sessions_at_once(portal.log) <= robots
        logins = Counter(entry.kind for entry in portal.log)["login"]
        assert logins == execucao.processos.filter(login_em__isnull=False).count()
        assert all(max(counts.values()) == 1 for counts in chain.visits(portal.log).values())
        assert execucao.itens.exclude(attempts=1).count() == 0
    assert not chain.left_over()


def test_a_robot_killed_with_its_item_is_replaced_and_the_item_answered_once_by_another() -> None:
    with PortalDemo(lentidao=SLOW) as portal, chain.machine():
        execucao = chain.enqueue([held_case()], chain.demo_portal(portal.url))
        iniciar(execucao)
        victim = robot_with_item(execucao)
        family = chain.wait_for(lambda: len(m := chain.members(victim)) > 8 and m, 20, "its browser")
        browsers = {pid: words for pid, words in judge.left_over("chrom").items() if pid in {m.pid for m in family}}
        assert [words for words in browsers.values() if "--type=renderer" in words]
        assert browsers.keys() <= judge.left_over(chain.ROBOTS_SIGN).keys()  # what `chain.left_over` will look for
        os.kill(victim.pid, signal.SIGKILL)
        again = chain.wait_for(
            lambda: execucao.itens.em_andamento().exclude(processo=victim).first(), 20, "a new claim"
        )
        assert (again.crashes, again.attempts) == (1, 1)
        chain.wait_for(lambda: chain.ended(execucao), 60, "the end of the batch")
        item = execucao.itens.get()
        assert item.status == JobItem.Status.DONE
        outcomes = list(item.tentativas.values_list("outcome", flat=True))
        assert outcomes[0] == "robo_perdido" and outcomes.count("robo_perdido") == 1
        assert outcomes.count(item.resultado) == 1 and outcomes[-1] == item.resultado
        assert not [m for m in family if alive(who(victim)) or still(m)]
        victim.refresh_from_db()
        assert (victim.status, victim.motivo, victim.exit_code) == ("exited", "falha", -9)
    assert not chain.left_over()


def test_robot_supervisor_and_cluster_killed_together_are_repaired_by_the_living_host() -> None:
    with PortalDemo(lentidao=SLOW) as portal, chain.machine(TIME_DIVISOR=2) as host:
        execucao = chain.enqueue([held_case()], chain.demo_portal(portal.url))
        iniciar(execucao)
        victim = robot_with_item(execucao)
        family = chain.members(victim)
        host.kill_cluster()
        os.kill(victim.pid, signal.SIGKILL)
        chain.wait_for(lambda: execucao.itens.em_andamento().exclude(processo=victim).first(), 45, "a new claim")
        chain.wait_for(lambda: chain.ended(execucao), 60, "the end of the batch")
        assert execucao.n_done == 1
        chain.wait_for(lambda: not any(map(still, family)), 15, "the first browser's end")
    assert not chain.left_over()


def test_a_host_that_is_gone_loses_its_items_to_the_next_one_which_clears_what_it_left() -> None:
    with PortalDemo(lentidao=SLOW) as portal, chain.machine(ROBOT_HOST="teste-sumida") as first:
        execucao = chain.enqueue([held_case()], chain.demo_portal(portal.url))
        iniciar(execucao)
        victim = robot_with_item(execucao)
        family = chain.members(victim)
        first.kill()
        first.kill_cluster()
        os.kill(victim.pid, signal.SIGKILL)
        with chain.machine(ROBOT_HOST="teste-sumida"):
            chain.wait_for(lambda: not any(map(still, family)), 10, "the first browser's end")
            chain.wait_for(lambda: chain.ended(execucao), 60, "the end of the batch")
            assert execucao.n_done == 1
            assert execucao.itens.get().crashes == 0
    assert not chain.left_over()


def test_killrobots_all_ends_everything_and_a_later_reopening_finishes_the_batch() -> None:
    casos, expected = gerar_casos(12, seed=7)
    with PortalDemo(cases=casos, latency=0.4) as portal, chain.machine() as host:
        execucao = chain.enqueue([line.nome for line in expected], chain.demo_portal(portal.url), max_robots=2)
        iniciar(execucao)
        chain.wait_for(lambda: execucao.itens.filter(status="done").count() >= 2, 30, "two answers")
        families = [m for p in execucao.processos.vivos() for m in chain.members(p)]
        report = chain.manage("killrobots", "--all", "--yes", ROBOT_HOST=host.name)
        assert report.returncode == 0, report.stderr
        assert "restantes 0" in report.stdout
        # A browser's helpers come and go between two counts; most of a robot's dozen stays.
        assert int(re.search(r"encontrados (\d+)", report.stdout)[1]) >= len(families) * 2 // 3
        assert not any(map(still, families))
        execucao.refresh_from_db()
        assert (execucao.status, execucao.n_pending, execucao.n_running) == ("error", 0, 0)
        assert set(execucao.itens.falhados().values_list("erro_classe", flat=True)) == {"encerrado"}
        assert execucao.reabrir() == execucao.n_failed
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 90, "the end of the batch")
        assert not chain.wrong_answers(execucao, expected)
    assert not chain.left_over()


def test_robot_cluster_and_host_killed_at_once_leave_no_browser_behind() -> None:
    with PortalDemo(lentidao=SLOW) as portal, chain.machine() as host:
        execucao = chain.enqueue([held_case()], chain.demo_portal(portal.url))
        iniciar(execucao)
        victim = robot_with_item(execucao)
        family = chain.wait_for(lambda: len(m := chain.members(victim)) > 8 and m, 20, "its browser")
        host.kill()
        host.kill_cluster()
        os.kill(victim.pid, signal.SIGKILL)
        chain.wait_for(lambda: not any(map(still, family)), 30, "the end of the browser that nobody watched")


def test_killrobots_acts_as_the_agent_of_its_machine_when_no_host_runs() -> None:
    with PortalDemo(lentidao=SLOW) as portal, chain.machine() as host:
        execucao = chain.enqueue([held_case()], chain.demo_portal(portal.url))
        iniciar(execucao)
        victim = robot_with_item(execucao)
        family = chain.members(victim)
        host.kill()
        for pid in chain.processes.marked(host.cluster_mark):
            os.kill(pid, signal.SIGSTOP)  # the supervisor with it: nobody but the command can act
        report = chain.manage("killrobots", "--processo", str(victim.uuid), "--yes", ROBOT_HOST=host.name)
        assert report.returncode == 0, report.stdout + report.stderr
        assert not any(map(still, family))
        victim.refresh_from_db()
        assert (victim.status, execucao.itens.get().erro_classe) == ("killed", "encerrado")


def test_a_frozen_robot_makes_no_progress_and_is_killed_and_its_item_retried() -> None:
    with PortalDemo(lentidao=SLOW) as portal, chain.machine(TIME_DIVISOR=10):
        execucao = chain.enqueue([held_case()], chain.demo_portal(portal.url))
        iniciar(execucao)
        victim = robot_with_item(execucao)
        os.kill(victim.pid, signal.SIGSTOP)
        chain.wait_for(lambda: not alive(who(victim)), 40, "the end of the frozen robot")
        chain.wait_for(lambda: chain.ended(execucao), 60, "the end of the batch")
        victim.refresh_from_db()
        assert (victim.status, victim.motivo) == ("killed", "sem_progresso")
        # Its lease ends about when its silence is noticed: whoever is first gives the item back.
        assert execucao.itens.get().tentativas.first().outcome in ("tempo_esgotado", "robo_perdido", "posse_vencida")
        assert execucao.n_done == 1


def test_a_host_told_to_stop_gives_the_items_back_with_their_attempts_and_leaves_nothing() -> None:
    with PortalDemo(cases=gerar_casos(6, seed=3)[0], latency=0.5) as portal, chain.machine() as host:
        expected = gerar_casos(6, seed=3)[1]
        execucao = chain.enqueue([line.nome for line in expected], chain.demo_portal(portal.url), max_robots=1)
        iniciar(execucao)
        victim = robot_with_item(execucao)
        assert "Máquina desligada." in host.stop()
        execucao.refresh_from_db()
        assert (execucao.status, execucao.n_running, execucao.n_failed) == ("queued", 0, 0)
        assert not execucao.itens.pendentes().exclude(attempts=0).exists()
        victim.refresh_from_db()
        assert (victim.status, victim.motivo) == ("exited", "parada")
        assert not chain.left_over()


def test_a_wedged_cluster_is_noticed_by_its_canary_and_restarted() -> None:
    with PortalDemo(cases=CASOS) as portal, chain.machine(TIME_DIVISOR=10) as host:
        before = set(chain.processes.marked(host.cluster_mark))
        for pid in before:
            os.kill(pid, signal.SIGSTOP)
        chain.wait_for(
            lambda: (now := set(chain.processes.marked(host.cluster_mark))) and not now & before, 30, "a new cluster"
        )
        execucao = chain.enqueue(
            [f"{CASO_DO_CENARIO['protocolada']}_4321_87654_Petição.pdf"], chain.demo_portal(portal.url)
        )
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 60, "the end of the batch")
        assert execucao.n_done == 1
