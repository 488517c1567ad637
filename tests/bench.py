"""Speed, on this machine: `make bench`. Figures, not assertions; the README quotes its output.

1. Throughput against a plain Selenium loop without any control: same browser, same portal, same page reading, one
   visit per item, items dealt out beforehand. From the first to the last case request in the portal's own log.
2. From "Iniciar" on a warm host to the first request that reaches the portal.
3. Database statements per item, all processes of a robot counted by the server (PostgreSQL) or the verbs (SQLite).
4. Claims per second through the gate.
5. What looking through robots' eyes costs them and writes. `python tests/bench.py telas` measures only this.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

folder = tempfile.mkdtemp(prefix="bench-", dir="/tmp")
os.environ |= {"VAR_DIR": folder, "HTTPS": "0", "DJANGO_SETTINGS_MODULE": "robotcontrol.settings", "LOG_LEVEL": "ERROR"}
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from executions import clock  # noqa: E402
from executions.intake import ler  # noqa: E402
from executions.models import Credencial, Execucao, Host, JobItem, Processo, Quadro  # noqa: E402
from executions.results import Resposta, Resultado  # noqa: E402
from executions.robos import encerrar_todos, iniciar  # noqa: E402
from tests import chain, factories  # noqa: E402
from workers.browser import Browser  # noqa: E402
from workers.portals.base import Peticao  # noqa: E402
from workers.portals.demo.cases import SENHA  # noqa: E402
from workers.portals.demo.generate import gerar_casos  # noqa: E402
from workers.portals.demo.log import LogEntry  # noqa: E402
from workers.portals.demo.sample import Esperado  # noqa: E402
from workers.portals.demo.server import PortalDemo  # noqa: E402
from workers.portals.projudi import Projudi  # noqa: E402

LATENCY = 0.3
CASES = 30
ROUNDS = int(os.environ.get("ROUNDS", "3"))


def span(log: list[LogEntry]) -> float:
    """Seconds from the first to the last request about a case."""
    about = [entry for entry in log if entry.kind in ("search", "attachments")]
    return max(entry.end for entry in about) - min(entry.begin for entry in about)


def ours(casos: tuple, expected: list[Esperado], robots: int) -> float:
    with PortalDemo(cases=casos, latency=LATENCY) as portal:
        credencial = chain.demo_portal(portal.url)
        Credencial.objects.filter(pk=credencial.pk).update(accepted_at=timezone.now())
        execucao = chain.enqueue([line.nome for line in expected], credencial, max_robots=robots)
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), 600, "the end of the batch")
        assert not chain.wrong_answers(execucao, expected)
        seconds = span(portal.log)
        chain.wait_for(lambda: not execucao.processos.vivos().exists(), 30, "the robots' end")
        return len(expected) / seconds


def plain(casos: tuple, expected: list[Esperado], robots: int) -> float:
    """What a script without this project does: N browsers, each with its share, one visit per item."""
    lines = ler([line.nome for line in expected], tribunais={"8.99": "x"}, hoje=timezone.localdate()).linhas
    barrier = threading.Barrier(robots)

    def loop(n: int, url: str) -> None:
        browser = Browser(Path(folder) / f"plain-{n}-{time.monotonic_ns()}", visible=False)
        adapter = Projudi(browser, url, lambda step: None)
        adapter.login("demo", SENHA)
        barrier.wait()
        for line in lines[n::robots]:
            case = adapter.visitar(line.numero)
            adapter.casar(case, Peticao(line.nome, line.numero, line.identificador), timezone.now())
        browser.close()

    with PortalDemo(cases=casos, latency=LATENCY) as portal:
        threads = [threading.Thread(target=loop, args=(n, portal.url)) for n in range(robots)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(expected) / span(portal.log)


def throughput() -> None:
    print(f"\n1. Items per second, {LATENCY * 1000:.0f} ms portal latency, 1.4 items a case, median of {ROUNDS} rounds")
    print("   robots   this project   plain loop   ratio")
    for robots in (1, 2, 4):
        pairs = []
        for n in range(ROUNDS):
            casos, expected = gerar_casos(CASES, seed=100 * robots + n)
            pairs.append((ours(casos, expected, robots), plain(casos, expected, robots)))
        mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"   {robots:6}   {mine:12.2f}   {other:10.2f}   {ratio:5.2f}", flush=True)


def start_latency() -> None:
    seconds = []
    for n in range(7):
        casos, expected = gerar_casos(1, seed=n)
        with PortalDemo(cases=casos) as portal:
            execucao = chain.enqueue([line.nome for line in expected], chain.demo_portal(portal.url))
            began = time.monotonic()
            iniciar(execucao)
            first = chain.wait_for(lambda p=portal: p.log and min(entry.begin for entry in p.log), 30, "a request")
            seconds.append(first - began)
            chain.wait_for(lambda e=execucao: chain.ended(e), 60, "the end of the batch")
            chain.wait_for(lambda e=execucao: not e.processos.vivos().exists(), 30, "the robots' end")
    middle = statistics.median(seconds)
    print(f"\n2. «Iniciar» to the first portal request: median {middle:.2f} s, max {max(seconds):.2f} s")


def statements() -> None:
    """The claim and the finish of an item, transaction statements included; the rest is per second, not per item."""
    batch = factories.nova_execucao(40, casos=28, max_robots=1)
    robot = factories.novo_robo(batch)
    with CaptureQueriesContext(connection) as captured:
        caso = ""
        for _ in range(40):
            item = JobItem.objects.tentar_iniciar(batch, robot, caso=caso)
            assert item is not None
            item.concluir(Resposta(Resultado.NAO_LOCALIZADA), agora=timezone.now())
            caso = item.numero_processo if item.mais_do_caso else ""
    n = len(captured) / 40
    print(f"\n3. Database statements per item, BEGIN and COMMIT included: {n:.1f}, on {connection.vendor}")


def gate() -> None:
    batch = factories.nova_execucao(400, max_robots=1)
    robot = factories.novo_robo(batch)
    began = time.monotonic()
    for _ in range(400):
        item = JobItem.objects.tentar_iniciar(batch, robot)
        assert item is not None
        item.concluir(Resposta(Resultado.NAO_LOCALIZADA))
    print(f"\n4. Claims and finishes through the gate, one robot: {400 / (time.monotonic() - began):.0f} per second")


@contextmanager
def watching() -> Iterator[list[tuple[float, int]]]:
    """Every robot is watched; yields what was written: (when, bytes) of each picture."""
    stop, written, seen = threading.Event(), [], {}

    def look() -> None:
        while not stop.wait(0.2):
            Processo.objects.assistir(Processo.objects.vivos(), clock.db_now())
            for pk, n, jpeg in Quadro.objects.values_list("processo", "n", "jpeg"):
                if seen.get(pk) != n:
                    seen[pk] = n
                    written.append((time.monotonic(), len(jpeg)))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


def screens() -> None:
    print(f"\n5. Robots watched and not, {LATENCY * 1000:.0f} ms portal latency, median of {ROUNDS} paired rounds")
    for robots in (1, 4):
        ratios, written = [], []
        for n in range(ROUNDS):
            casos, expected = gerar_casos(CASES, seed=500 + 10 * robots + n)
            alone = ours(casos, expected, robots)
            with watching() as frames:
                ratios.append(ours(casos, expected, robots) / alone)
            written.append(frames)
        size = statistics.median(size for frames in written for _, size in frames)
        rate = statistics.median(
            sum(size for _, size in frames) / (frames[-1][0] - frames[0][0]) for frames in written if len(frames) > 1
        )
        speed = f"{statistics.median(ratios):.2f} times the speed"
        print(f"   {robots} watched: {speed}, {size / 1e3:.0f} KB a picture, {rate / 1e3:.0f} KB/s written", flush=True)


def main() -> None:
    call_command("migrate", verbosity=0)
    if "telas" in sys.argv:
        with chain.machine(HOST_MAX_ROBOTS=4, LOG_LEVEL="ERROR"):
            screens()
        return
    statements()
    gate()
    encerrar_todos()
    Execucao.objects.all().delete()
    Host.objects.all().delete()
    with chain.machine(HOST_MAX_ROBOTS=4, LOG_LEVEL="ERROR"):
        start_latency()
        throughput()
        screens()


if __name__ == "__main__":
    main()
