"""The real chain for tests: host processes on the test's database, the demonstration portal, and an outside judge."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.utils import timezone

from executions import exports, intake
from executions.models import Controle, Credencial, Execucao, Portal, Processo
from tests.faults import judge
from workers import processes
from workers.portals.demo.cases import SENHA
from workers.portals.demo.log import LogEntry
from workers.portals.demo.sample import Esperado
from workers.supervisor import mark
from workers.watchdog import who

GUARD_SECONDS = 12.0  # a guard, the last process of all, waits three seconds for the supervisor


def _robots_at() -> str:
    folder = tempfile.mkdtemp(prefix="rt")  # short: Chromium's sockets lie below
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# Where robots of the hosts started here have their folders: its name is on the command line or in the environment of
# all twelve processes of a browser, ChromeDriver and crash handlers too, whatever mark they carry.
ROBOTS_AT = os.environ.get("ROBOT_TMP_DIR") or _robots_at()
ROBOTS_SIGN = f"{ROBOTS_AT}/robos-"


def database_url() -> str:
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    host, user, password = (quote(config[k] or "", safe="") for k in ("HOST", "USER", "PASSWORD"))
    return f"postgresql://{user}:{password}@{host}:{config['PORT'] or 5432}/{config['NAME']}"


def environment(**extra: Any) -> dict[str, str]:
    """For a child that is to work on the test's own database."""
    Controle.get()
    own = {"DATABASE_URL": database_url(), "VAR_DIR": str(settings.VAR_DIR), "HTTPS": "0", "ROBOT_TMP_DIR": ROBOTS_AT}
    return os.environ | own | {name: str(value) for name, value in extra.items()}


def manage(
    *arguments: str, timeout: float = 120, environ: dict[str, str] | None = None, **extra: Any
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    return subprocess.run(
        command,
        env=environ or environment(**extra),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


class Machine:
    """A `manage.py runrobots` of its own name; NETNS: in this network namespace."""

    def __init__(self, *command: str, **extra: Any) -> None:
        self.name = str(extra.setdefault("ROBOT_HOST", f"teste-{uuid.uuid4().hex[:8]}"))
        manage_py = str(settings.BASE_DIR / "manage.py")
        self._out = tempfile.TemporaryFile("w+")  # noqa: SIM115 (a pipe that nobody reads would stop it when full)
        inside = ["nsenter", f"--net=/run/netns/{extra['NETNS']}"] if "NETNS" in extra else []
        self.child = subprocess.Popen(
            [*inside, sys.executable, manage_py, *(command or ("runrobots",))], env=environment(**extra),
            stdin=subprocess.DEVNULL, stdout=self._out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.cluster_mark = f"{Controle.get().instalacao}:cluster-{self.name}"

    def kill(self) -> None:
        """As a crash does: nothing of its orderly stop runs."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def kill_cluster(self) -> None:
        processes.reap(self.cluster_mark, descendants=False)

    def stop(self) -> str:
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        self.child.wait(timeout=90)
        self._out.seek(0)
        return self._out.read()


@contextmanager
def machine(*command: str, **extra: Any) -> Iterator[Machine]:
    """A host that is stopped in order at the end, and of which nothing must be left whatever the test did to it."""
    host = Machine(*command, **extra)
    try:
        wait_for(lambda: host.child.poll() is not None or processes.marked(host.cluster_mark), 20, "the cluster")
        yield host
    finally:
        out = host.stop()
        print(out)
        processes.reap(host.cluster_mark, descendants=False)
        for robot in Processo.objects.all():
            processes.reap(mark(robot.uuid), who(robot) if robot.pid else None)


def wait_for(happened: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `happened` returns once that is true. Fails, naming it, when that takes longer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = happened()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: did not happen within {seconds} s")


def members(robot: Processo) -> list[processes.Member]:
    robot.refresh_from_db()
    return processes.find(mark(robot.uuid), who(robot))


def left_over(*, clusters: bool = True) -> dict[int, str]:
    """What still runs after the guards' time: whoever names this installation or a robot's folder. Nothing of the
    product is asked. `clusters`: those of hosts that run count, too."""
    sign = str(Controle.get().instalacao)
    deadline = time.monotonic() + GUARD_SECONDS
    while True:
        found = judge.left_over(sign, ROBOTS_SIGN)
        for pid in () if clusters else judge.left_over(f"{sign}:cluster-"):
            found.pop(pid, None)
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def demo_portal(url: str, usuario: str = "demo", senha: str = SENHA, **fields: Any) -> Credencial:
    portal = Portal.objects.create(
        slug=f"demo-{uuid.uuid4().hex[:6]}",
        nome="Demo",
        adaptador="projudi",
        tribunais=["8.99"],
        base_url=url,
        **fields,
    )
    credencial = Credencial(portal=portal, usuario=usuario)
    credencial.trocar_senha(senha)
    credencial.save()
    return credencial


def enqueue(names: Iterable[str], credencial: Credencial, **fields: Any) -> Execucao:
    lote = intake.ler(names, tribunais={"8.99": credencial.portal.slug}, hoje=timezone.localdate())
    assert not lote.rejeitadas, lote.rejeitadas
    return Execucao.objects.enfileirar(lote.linhas, portal=credencial.portal, credencial=credencial, **fields)


def ended(execucao: Execucao) -> bool:
    execucao.refresh_from_db()
    return not execucao.aberta


def wrong_answers(execucao: Execucao, expected: Iterable[Esperado]) -> list[tuple[Any, ...]]:
    """The lines whose answer or date is not the expected one."""
    rows = {row[0]: row for row in exports.linhas(execucao)}
    found = []
    for line in expected:
        row = rows[intake.ler([line.nome], tribunais={"8.99": "x"}, hoje=timezone.localdate()).linhas[0].nome]
        got = (row[3], row[4], row[5], row[9])
        if got != (line.situacao, line.resultado, line.protocolada_em, line.erro_classe):
            found.append((line.nome, line, row))
    return found


def sessions_at_once(log: Iterable[LogEntry]) -> int:
    """From the portal's log alone: the most sessions that were at work at the same moment.

    A session is at work from its login to its last request.
    """
    spans: dict[str, list[float]] = {}
    for entry in log:
        if entry.kind in ("login", "search_form", "search", "attachments"):
            span = spans.setdefault(entry.session, [entry.begin, entry.end])
            span[0], span[1] = min(span[0], entry.begin), max(span[1], entry.end)
    edges = sorted([(begin, 1) for begin, _ in spans.values()] + [(end, -1) for _, end in spans.values()])
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def visits(log: Iterable[LogEntry]) -> dict[str, Counter[str]]:
    """Session -> how often it searched each case."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in log:
        if entry.kind == "search":
            found[entry.session][entry.numero] += 1
    return found
