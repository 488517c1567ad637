"""A process that the kernel ends for want of memory is told apart from one that fell by itself."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from django.conf import settings as django_settings

from executions.models import Processo
from tests import factories, processos
from tests.faults import memory
from workers import processes
from workers.robot_supervisor import RobotSupervisor
from workers.script_supervisor import ScriptSupervisor
from workers.supervisor import Verdict

pasta = processos.pasta_de_scripts
HUNGRY = [sys.executable, "-m", "tests.faults.memory"]


def can_make_a_cgroup() -> bool:
    """In a child: whoever asks moves."""
    asks = "import sys; from tests.faults.memory import limited; sys.exit(limited() is None)"
    asked = subprocess.run([sys.executable, "-c", asks], cwd=django_settings.BASE_DIR, check=False)
    return os.geteuid() == 0 and not asked.returncode


def forget_cgroups() -> None:
    for group in (*memory.CGROUPS.glob("robo-sem-memoria-*"), *memory.CGROUPS.glob("memory/robo-sem-memoria-*")):
        with suppress(OSError):  # another run's
            group.rmdir()


class Hungry(RobotSupervisor):
    def command(self) -> list[str]:
        return HUNGRY


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
def test_a_robot_that_the_kernel_ends_for_want_of_memory_is_recorded_as_such() -> None:
    if not can_make_a_cgroup():
        pytest.skip("needs root and a memory cgroup: a limit that the kernel itself enforces")
    batch = factories.nova_execucao(1)
    robot = Processo.objects.pedir(batch, factories.novo_host(), batch.created_at)
    assert robot.iniciar()
    try:
        Hungry(robot).run()
    finally:
        forget_cgroups()
    robot.refresh_from_db()
    assert (robot.status, robot.motivo, robot.exit_code) == ("exited", "sem_memoria", -signal.SIGKILL)
    assert robot.razao.startswith("A máquina ficou sem memória. O sistema operacional encerrou o processo")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "kills", "verdict", "motivo"),
    [
        (-9, 1, None, "sem_memoria"),
        (-9, 0, None, "falha"),  # somebody else's SIGKILL
        (-15, 1, None, "falha"),
        (1, 1, None, "falha"),
        (-9, 1, Verdict("encerrado", "devolver"), "encerrado"),  # our own
    ],
)
def test_only_a_sigkill_that_nobody_of_ours_sent_and_that_the_kernel_counts_is_want_of_memory(
    code, kills, verdict, motivo, monkeypatch
) -> None:
    supervisor = RobotSupervisor(factories.novo_robo(factories.nova_execucao(1)))
    supervisor.verdict = verdict
    before = processes.memory_kills()
    monkeypatch.setattr(processes, "memory_kills", lambda: before + kills)
    end = supervisor.ended(code)
    assert (end.motivo, end.item) == (motivo, verdict.item if verdict else "expirar")


@pytest.mark.django_db
def test_a_script_that_the_kernel_ends_for_want_of_memory_did_not_pass_a_limit_of_its_own(pasta, monkeypatch) -> None:
    supervisor = ScriptSupervisor(processos.rodada(processos.novo_script(pasta)))
    before = processes.memory_kills()
    monkeypatch.setattr(processes, "memory_kills", lambda: before + 1)
    assert supervisor.ended(-9).motivo == "sem_memoria"


@pytest.mark.nodb
def test_a_kernel_that_does_not_tell_has_killed_nobody(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(processes, "PROC", tmp_path)
    assert processes.memory_kills() == 0
    (tmp_path / "vmstat").write_text("nr_free_pages 12\nallocstall_normal 3\n")
    assert processes.memory_kills() == 0
    (tmp_path / "vmstat").write_text("drop_slab 0\noom_kill 7\nnuma_hit 2\n")
    assert processes.memory_kills() == 7
