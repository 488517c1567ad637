"""`ScriptExecutor`: the first seed's interface in Python, with its names and its answers.

It works with a host running (the host supervises) and with none (this process supervises in place, and acts as the
agent of its own machine).
"""

import os
import time
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from executions import clock, scripts
from executions.models import Host, Processo
from workers import janitor, kill, processes, supervision
from workers.watchdog import Watchdog

POLL_SECONDS = 0.1
HOST_CHECK_SECONDS = 2.0
REFUSED = 1


@dataclass(frozen=True)
class Active:
    """One living script. `elapsed` in seconds, `cpu` in % of one core, `memory` in bytes of the whole tree."""

    script: str
    pid: int | None
    running: bool
    exit_code: int | None
    elapsed: float
    cpu: float | None
    memory: int | None


class ScriptExecutor:
    def execute_script(self, script_name: str, timeout: int | None = None, **params: Any) -> tuple[int, str, str]:
        """Runs it and waits for its end: (exit status, stdout, stderr).

        A refusal (it runs already, waits already, is unknown, has a wrong parameter) is (1, "", the sentence).
        """
        try:
            processo = scripts.pedir_script(scripts.encontrar(script_name), params, timeout=timeout)
        except scripts.ScriptRecusado as error:
            return REFUSED, "", str(error)
        checked_at = 0.0
        while processo.vivo:
            if time.monotonic() - checked_at >= HOST_CHECK_SECONDS:
                checked_at = time.monotonic()
                self._act_for_a_missing_host(processo)
            else:
                time.sleep(POLL_SECONDS)
            processo.refresh_from_db()
        return self._answer(processo)

    def get_active_processes(self) -> list[dict[str, Any]]:
        """The living scripts of all hosts, as dictionaries of `Active`'s fields."""
        agora = clock.db_now()
        rows = Processo.objects.vivos().scripts().select_related("script")
        return [
            asdict(
                Active(
                    script=str(row.script), pid=row.pid, running=row.status == Processo.Status.RUNNING,
                    exit_code=row.exit_code, cpu=row.cpu, memory=row.rss,
                    elapsed=(agora - (row.started_at or row.requested_at)).total_seconds(),
                )
            )
            for row in rows
        ]  # fmt: skip

    def kill_process(self, script: str) -> bool:
        """Kills its living process, whole, and waits for that. False when it had none."""
        row = Processo.objects.vivos().scripts().filter(script__nome=script).first()
        if row is None:
            return False
        victims = kill.Victims.of([row])
        return row.matar() and not victims.wait().left

    def kill_all_processes(self) -> int:
        """Kills every living script. Returns how many there were."""
        victims = kill.Victims.of(list(Processo.objects.vivos().scripts().select_related("host")))
        n = scripts.matar_todos()
        victims.wait()
        return n

    def is_script_running(self, script: str) -> bool:
        return Processo.objects.vivos().scripts().filter(script__nome=script).exists()

    def cleanup_finished_processes(self) -> int:
        """Records the ends that nobody recorded, and clears what was left. Returns how many processes it concerned."""
        return sum(Watchdog().step().values()) + janitor.clean().found

    def _act_for_a_missing_host(self, processo: Processo) -> None:
        """While no host lives (it may end while we wait): starts it here, or finds that its supervisor is gone."""
        if Host.objects.vivos(clock.db_now()).exists():
            return
        if processo.status != Processo.Status.REQUESTED:
            Watchdog().step()
        else:
            scripts.enviar_em_espera()  # takes back what was sent to a host that never took it up
            self._supervise_here(processo)

    def _supervise_here(self, processo: Processo) -> None:
        """This process is the supervisor, under this machine's name."""
        me = processes.identity(os.getpid())
        assert me is not None
        host, _ = Host.objects.get_or_create(
            nome=settings.ROBOT_HOST,
            defaults={"epoch": "", "boot_id": me.boot_id, "pid": me.pid, "start_ticks": me.start_ticks,
                      "places": 0, "script_places": 0},
        )  # fmt: skip
        Host.objects.filter(pk=host.pk).update(draining_at=None)  # of a host that was killed while it stopped
        # Only if still nobody's: a host that has just come up may have been asked for it.
        Processo.objects.em_espera().filter(pk=processo.pk).update(host=host, sent_at=clock.db_now())
        supervision.supervise(str(processo.uuid))

    def _answer(self, processo: Processo) -> tuple[int, str, str]:
        code = processo.exit_code if processo.exit_code is not None else REFUSED
        if processo.status != Processo.Status.EXITED and code == 0:
            code = REFUSED
        out, err = processo.saidas.texto("out"), processo.saidas.texto("err")
        said = "" if processo.motivo in (Processo.Motivo.CONCLUIDO, Processo.Motivo.FALHA) else processo.razao
        return code, out, "\n".join(filter(None, [err.rstrip("\n"), said])) if said else err
