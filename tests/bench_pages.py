"""What the pages cost, on this machine: the second half of `make bench`. Figures, not assertions.

6. Fifty people who look at the home page, polling each 2 s, while 2 robots work: how much slower are the robots?
   Pairs of runs of the same cases, gunicorn as `make up` starts it, in turn with and without the people.
7. Every page with 1 000 000 items in 5 000 executions: the median of nine answers, and the queries of one.
   `python tests/bench_pages.py volume` and `… pessoas` measure only one of them; DATABASE_URL chooses the database.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import bench  # noqa: E402 (prepares Django)

# isort: split
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from executions.models import Execucao, Host, Processo  # noqa: E402
from tests import chain  # noqa: E402
from tests.volume import encher  # noqa: E402
from tests.web import web  # noqa: E402
from workers.portals.demo.generate import gerar_casos  # noqa: E402

PEOPLE, ROBOTS, ANSWERS = 50, 2, 9
ROUNDS = int(os.environ.get("ROUNDS", "5"))


def _person() -> Client:
    user, _new = User.objects.get_or_create(username="leitora", defaults={"is_superuser": True})
    client = Client()
    client.force_login(user)
    return client


@contextmanager
def people(port: int) -> Iterator[None]:
    cookie = f"{settings.SESSION_COOKIE_NAME}={_person().cookies[settings.SESSION_COOKIE_NAME].value}"
    script = str(Path(__file__).with_name("viewers.py"))
    child = subprocess.Popen([sys.executable, script, str(port), cookie, str(PEOPLE)])
    try:
        time.sleep(3)  # all have come
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(40)


def looking() -> None:
    print(f"\n6. {PEOPLE} people polling the home page each 2 s, {ROBOTS} robots, {ROUNDS} pairs of runs", flush=True)
    slower = []
    with chain.machine(HOST_MAX_ROBOTS=4, LOG_LEVEL="ERROR"), web(workers=2, GUNICORN_CMD_ARGS="--threads 4") as port:
        for n in range(ROUNDS):
            casos, expected = gerar_casos(bench.CASES, seed=900 + n)
            rate = {}
            for looked_at in (False, True) if n % 2 else (True, False):
                if looked_at:
                    with people(port):
                        rate[True] = bench.ours(casos, expected, ROBOTS)
                else:
                    rate[False] = bench.ours(casos, expected, ROBOTS)
            slower.append(rate[False] / rate[True] - 1)
            print(f"   alone {rate[False]:.2f}, looked at {rate[True]:.2f} items/s: {slower[-1]:+.1%}", flush=True)
    print(f"   median {statistics.median(slower):+.1%}", flush=True)


def volume() -> None:
    began = time.monotonic()
    encher()
    print(f"\n7. 1 000 000 items in 5 000 executions, on {connection.vendor}; made in {time.monotonic() - began:.0f} s")
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = False, ["*"]
    client = _person()
    last = Execucao.objects.latest("pk").pk
    working = Processo.objects.vivos().earliest("pk").execucao_id
    pages = [
        "/", "/execucoes/", "/execucoes/?estado=concluida", "/execucoes/?antes=2500", "/execucoes/?q=lote+49",
        "/execucoes/?resultado=protocolada&desde=hoje", "/execucoes/1/", f"/execucoes/{working}/",
        f"/execucoes/{last}/", "/execucoes/1/?situacao=failed", "/execucoes/1/itens/7/", "/processos/", "/portais/",
        "/maquinas/", "/agenda/",
    ]  # fmt: skip
    for url in pages:
        print(f"   {_measure(client, url)}  {url}", flush=True)


def _measure(client: Client, url: str) -> str:
    for rows in (Host.objects.all(), Processo.objects.vivos()):
        rows.update(heartbeat_at=timezone.now())  # type: ignore[attr-defined]
    client.get(url)
    seconds, cpu = [], time.process_time()
    for _ in range(ANSWERS):
        began = time.perf_counter()
        response = client.get(url)
        seconds.append(time.perf_counter() - began)
    cpu = (time.process_time() - cpu) / ANSWERS * 1000  # what a busy machine does not blur
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    middle, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
    return f"{middle:4.0f} ms, slowest {worst:4.0f}, CPU {cpu:3.0f}, {len(captured):2} queries, {response.status_code}"


def main() -> None:
    call_command("migrate", verbosity=0)
    chosen = sys.argv[1:] or ["pessoas", "volume"]
    if "pessoas" in chosen:
        looking()
        Execucao.objects.all().delete()
        Host.objects.all().delete()
    if "volume" in chosen:
        volume()


if __name__ == "__main__":
    main()
