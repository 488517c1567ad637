"""A hundred thousand pasted names through the web tier: how long, and how much memory."""

import http.client
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils.crypto import get_random_string

from executions.models import Conferencia, Execucao
from tests.factories import nova_credencial, novo_portal
from tests.intake_helpers import numero_de
from tests.web import web

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
N = 100_000


def cost(port: int) -> tuple[float, float]:
    """(seconds of CPU that the web server on this port has used, MB of the largest that any process of it has been)."""
    seconds, peak = 0.0, 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"127.0.0.1:{port}" in (folder / "cmdline").read_text():
                (line,) = [x for x in (folder / "status").read_text().splitlines() if x.startswith("VmHWM")]
                peak = max(peak, int(line.split()[1]) / 1024)
                numbers = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                seconds += (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    return seconds, peak


def post(port: int, client: Client, url: str, fields: dict[str, Any]) -> int:
    """The status of this form, sent as a browser sends one."""
    token = client.cookies["csrftoken"].value
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", url, urlencode(fields | {"csrfmiddlewaretoken": token}), kind)
    return connection.getresponse().status


def test_a_hundred_thousand_names_are_checked_and_enqueued_within_a_minute_and_300_mb(grupos: None) -> None:
    credencial = nova_credencial(novo_portal(tribunais=["8.99"]))
    user = User.objects.create_user("marina", password="x")
    user.groups.add(Group.objects.get(name="Operadores"))
    client = Client()
    client.force_login(user)
    client.cookies["csrftoken"] = get_random_string(32)
    names = "\n".join(f"{numero_de(k, '8.99')}_{1000 + k % 90_000}_12345_Manifestação.pdf" for k in range(1, N + 1))
    took: dict[str, tuple[float, float]] = {}

    def timed(step: str, url: str, fields: Any) -> None:
        began, used = time.monotonic(), cost(port)[0]
        assert post(port, client, url, fields) == 302
        took[step] = (time.monotonic() - began, cost(port)[0] - used)

    with web(workers=1, threads=4, UPLOAD_MAX_MB=50) as port:
        timed("conferir", "/execucoes/nova/conferir", {"nomes": names})
        draft = Conferencia.objects.get()
        form = {"titulo": "", "robo": "peticoes", "mode": "headless", "prioridade": 0, "max_robots": 2, "n": N}
        form |= {f"credencial_{credencial.portal_id}": credencial.pk, "acao": "enfileirar"}
        timed("enfileirar", f"/execucoes/nova/{draft.pk}/iniciar", form)
        _, peak = cost(port)
    print(f"{N} names, (seconds, of CPU): {took}, web peak {peak:.0f} MB")
    assert Execucao.objects.get().itens.count() == N
    # Of CPU: on a machine that does nothing else it is the time itself.
    assert max(cpu for _, cpu in took.values()) < 60
    assert peak < 300
