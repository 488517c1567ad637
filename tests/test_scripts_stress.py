"""Scripts under load: a flood of output, fifty at once. The measured figures are printed (`pytest -s`)."""

import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.contrib.auth.models import User
from django.test import Client

from executions import scripts
from executions.models import Processo
from tests import chain
from tests.test_scripts import folder, script  # noqa: F401 (the fixture)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

FLOOD = "import sys, time\nbegan = time.monotonic()\nfor i in range(1_000_000): print('linha número', i)\n"
NULL = FLOOD.replace("import sys, time", "import os, sys, time\nsys.stdout = open(os.devnull, 'w')")
TELL = "print('durou', time.monotonic() - began, file=sys.stderr)\n"


def pessoa_no_navegador() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("quem-olha"))
    client.get("/processos/")  # what the first look at a page costs is not the flood's
    return client


def seconds(processo: Processo) -> float:
    said = processo.saidas.texto("err")
    assert said.startswith("durou "), (processo.razao, processo.saida_total, said[:200])
    return float(said.split()[1])


def test_a_million_lines_cost_the_script_less_than_its_own_time_and_the_supervisor_little_memory(
    folder: Path,  # noqa: F811
    settings: Any,
) -> None:
    settings.SECURE_SSL_REDIRECT = False
    flood, null = (script(folder, code + TELL, prioridade_cpu=0) for code in (FLOOD, NULL))
    with chain.machine(SCRIPTS_DIR=folder, HOST_SCRIPT_PLACES=1) as host:
        peak, slowest = 0, 0.0
        runs = []
        client = pessoa_no_navegador()
        for row in (null, flood):
            processo = scripts.pedir_script(row)
            while Processo.objects.vivos().exists():
                workers = [psutil.Process(pid) for pid in chain.processes.marked(host.cluster_mark)]
                peak = max([peak, *(w.memory_full_info().uss for w in workers)])
                began = time.monotonic()
                assert client.get(f"/processos/{processo.uuid}/").status_code == 200
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.2)
            processo.refresh_from_db()
            assert processo.exit_code == 0
            runs.append(seconds(processo))
    print(f"null device {runs[0]:.2f} s, supervised {runs[1]:.2f} s, largest process {peak / 2**20:.0f} MB")
    print(f"its page, meanwhile: at most {slowest:.2f} s")
    assert runs[1] <= 2 * runs[0]
    assert peak < 100 * 2**20
    assert slowest < 5
    assert processo.saida_cortada and "linha número 999999" in processo.saidas.texto("out")


def test_fifty_short_scripts_started_together_end_with_fifty_right_exit_codes_and_logs(folder: Path) -> None:  # noqa: F811
    rows = [script(folder, f"print('número {n}'); raise SystemExit({n % 7})") for n in range(50)]
    with chain.machine(SCRIPTS_DIR=folder, HOST_SCRIPT_PLACES=4):
        began = time.monotonic()
        asked = [scripts.pedir_script(row) for row in rows]
        chain.wait_for(lambda: not Processo.objects.vivos().exists(), 240, "the end of all")
        print(f"fifty scripts in {time.monotonic() - began:.1f} s")
    for n, processo in enumerate(asked):
        processo.refresh_from_db()
        assert (processo.exit_code, processo.saidas.texto()) == (n % 7, f"número {n}\n")
    assert not chain.left_over()
