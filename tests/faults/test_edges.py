"""Rows 11, 19 and 21: browsers that die or hang, uploads that break off, and a pid that passed to somebody else."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User

from executions import clock
from executions.models import ArquivoEnviado, Execucao, JobItem, Processo, TokenAPI
from executions.robos import iniciar
from tests import chain, factories
from tests.faults import judge
from tests.web import web
from workers import processes
from workers.portals.demo.cases import CASO_DO_CENARIO
from workers.portals.demo.generate import gerar_casos
from workers.portals.demo.server import PortalDemo
from workers.watchdog import kill_asked_here

pytestmark = [pytest.mark.usefixtures("transactional_db"), pytest.mark.once]
Note = Callable[..., None]
QUICK = {
    "TIME_DIVISOR": 5, "SCRIPT_TIMEOUT_SECONDS": 3, "PAGE_TIMEOUT_SECONDS": 6, "COMMAND_TIMEOUT_SECONDS": 9,
    "STALE_HEARTBEAT_SECONDS": 120, "CANARY_LIMIT_SECONDS": 240, "SENT_TIMEOUT_SECONDS": 150,
}  # fmt: skip


def commands(robot: Processo) -> dict[int, str]:
    """pid -> command line of the robot's processes."""
    found = {}
    for member in chain.members(robot):
        try:
            found[member.pid] = Path(f"/proc/{member.pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def pick(robot: Processo, what: str) -> int:
    for pid, words in commands(robot).items():
        program = words.split(" ")[0].rpartition("/")[2]
        if what == "chromedriver" and program.startswith("chromedriver"):
            return pid
        if what == "chromium" and program.startswith("chrom") and "--type=" not in words and "driver" not in program:
            return pid
        if what == "renderer" and "--type=renderer" in words:
            return pid
    return 0


@pytest.mark.browser
@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("chromedriver", signal.SIGKILL),
        *(
            pytest.param(what, how, marks=pytest.mark.slow)
            for what, how in (
                ("chromium", signal.SIGKILL), ("renderer", signal.SIGKILL), ("chromedriver", signal.SIGSTOP),
                ("chromium", signal.SIGSTOP), ("renderer", signal.SIGSTOP),
            )
        ),
    ],
)  # fmt: skip
def test_a_browser_that_dies_or_hangs_is_replaced_and_its_item_answered(
    counted: Note, what: str, how: signal.Signals
) -> None:
    casos, expected = gerar_casos(5, seed=11, itens_por_caso=1.0)
    with PortalDemo(cases=casos, latency=0.6) as portal, chain.machine(**QUICK):
        execucao = chain.enqueue([line.nome for line in expected], chain.demo_portal(portal.url))
        iniciar(execucao)
        item = chain.wait_for(lambda: execucao.itens.em_andamento().first(), 60, "a claimed item")
        robot = Processo.objects.get(pk=item.processo_id)
        pid = chain.wait_for(lambda: pick(robot, what), 20, what)
        os.kill(pid, how)
        struck = time.monotonic()
        chain.wait_for(lambda: chain.ended(execucao), 150, "the end of the batch")
        took = time.monotonic() - struck
        chain.wait_for(lambda: not execucao.processos.vivos().exists(), 30, "the robots' end")
        assert not chain.wrong_answers(execucao, expected)
    assert not chain.left_over()
    counted(1, [took])


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["js_infinito", "aba_morta"])
def test_a_page_that_never_ends_or_kills_its_tab_costs_one_attempt(counted: Note, scenario: str) -> None:
    with PortalDemo() as portal, chain.machine(**QUICK):
        # Two cases: a portal on which the only open case fails is taken for down, which costs no attempt.
        names = [f"{CASO_DO_CENARIO[name]}_1234_56789_P.pdf" for name in (scenario, "protocolada")]
        execucao = chain.enqueue(names, chain.demo_portal(portal.url))
        began = time.monotonic()
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 150, "the end of the batch")
        assert list(execucao.itens.order_by("ordem").values_list("status", "attempts")) == [("done", 2), ("done", 1)]
        counted(1, [time.monotonic() - began])
    assert not chain.left_over()


# ---- uploads ------------------------------------------------------------------------------------------------------
def half_an_upload(port: int, token: str) -> socket.socket:
    """A multipart POST of which half has been sent, large enough to be kept in a file meanwhile."""
    sock = socket.create_connection(("127.0.0.1", port))
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n' + b"%PDF-" + b"0" * 2**21
    head = (
        f"POST /enqueue HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {2 * len(body)}\r\n\r\n"
    )
    sock.sendall(head.encode() + body)
    return sock


def workers_of(port: int) -> list[int]:
    table = processes.table()
    named = [pid for pid, words in judge.left_over(f"127.0.0.1:{port}").items() if "gunicorn" in words]
    return [pid for pid in named if pid in table and table[pid].ppid != os.getpid()]


def kept_by(pids: list[int], folder: Path) -> list[str]:
    """Files in this folder that they hold open, with or without a name, and that are not empty."""
    found = []
    for entry in (entry for pid in pids for entry in Path(f"/proc/{pid}/fd").glob("*")):
        with suppress(OSError):
            if os.readlink(entry).startswith(str(folder)) and entry.stat().st_size > 2**20:
                found.append(str(entry))
    return found


def kept() -> tuple[int, int, int]:
    """Whatever an upload may leave in the database, where files are kept."""
    return Execucao.objects.count(), JobItem.objects.count(), ArquivoEnviado.objects.count()


@pytest.mark.parametrize("who", ["the client", "the web server"])
def test_an_upload_that_breaks_off_leaves_no_execution_and_no_file(counted: Note, who: str, tmp_path) -> None:
    user = User.objects.create_user(f"envio{os.urandom(3).hex()}", password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=("enfileirar", "iniciar", "view_execucao")))
    token = TokenAPI(user=user, nome="envio").gerar()
    before = kept()
    with web(2, TMPDIR=tmp_path) as port:
        sock = half_an_upload(port, token)
        chain.wait_for(lambda: kept_by(workers_of(port), tmp_path), 10, "a part of the upload")
        if who == "the client":
            sock.close()
        else:
            for pid in workers_of(port):
                os.kill(pid, signal.SIGKILL)
        chain.wait_for(lambda: not kept_by(workers_of(port), tmp_path), 10, "the end of what was uploaded")
        sock.close()
        again = half_an_upload(port, token)  # it serves on
        again.close()
    assert kept() == before
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    counted(1, [])


# ---- a pid that was reused --------------------------------------------------------------------------------------
REUSE = """
import os, signal, subprocess, sys, time
from datetime import timedelta
from pathlib import Path
from typing import Any
sys.path.insert(0, {root!r})
from workers import processes
from workers.processes import Member

first = subprocess.Popen(["sleep", "60"])
who = processes.identity(first.pid)
old = Member(first.pid, os.getpid(), 0, who.start_ticks, False)
first.kill(); first.wait(); time.sleep(0.05)
for _ in range(200):
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(old.pid - 1))
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    if stranger.pid == old.pid:
        break
    stranger.kill(); stranger.wait()
assert stranger.pid == old.pid, "the pid was not given again"
assert not processes.alive(who)
assert not processes.send(old, signal.SIGKILL)
assert processes.reap("nobody:nobody", who).found == 0
time.sleep(0.2)
print("living" if stranger.poll() is None else "killed")
stranger.kill()
"""


def test_a_kill_that_finds_a_stranger_under_the_pid_spares_it_and_says_so_in_the_history(
    counted: Note, settings: Any
) -> None:
    batch = factories.nova_execucao(2)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        robot = factories.novo_robo(batch, pid=stranger.pid, start_ticks=1, boot_id=processes.boot_id())
        settings.ROBOT_HOST = robot.host.nome
        assert robot.encerrar()
        assert kill_asked_here(clock.db_now() + timedelta(seconds=60), 0) == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    line = batch.registros.get(evento="processo_ja_terminado")
    assert line.mensagem == "O processo já tinha terminado quando foi encerrado." and line.processo_id == robot.pk
    robot.refresh_from_db()
    assert robot.status == "killed"
    counted(1, [])


@pytest.mark.nodb
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: makes a PID namespace and chooses the next pid in it")
def test_a_stranger_that_got_the_pid_of_a_dead_robot_is_not_killed(counted: Note) -> None:
    words = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        sys.executable,
        "-c",
        REUSE.format(root=str(settings.BASE_DIR)),
    ]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert ran.stdout.strip() == "living", ran.stdout + ran.stderr
    counted(1, [])
