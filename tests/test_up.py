"""`manage.py up`: an address that is printed works, and a port that is taken is named."""

import random
import signal
import socket
import subprocess
import sys
from contextlib import suppress

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from tests import chain
from tests.web import answers
from workers.portals.demo.sample import AMOSTRA

pytestmark = pytest.mark.django_db(transaction=True)


def free_port() -> int:
    """Not one that the system hands out by itself: a process of another test could get it before it is used."""
    for port in random.sample(range(20_000, 30_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")


@pytest.mark.parametrize("option", ["--porta", "--porta-do-portal"])
def test_up_names_the_port_that_is_taken_and_prints_no_address(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        other = {"--porta": "--porta-do-portal", "--porta-do-portal": "--porta"}[option]
        report = chain.manage("up", option, port, other, str(free_port()))
    assert report.returncode == 1
    assert f"A porta {port} não pôde ser aberta" in report.stderr and option in report.stderr
    assert f"make up: {option.strip('-').replace('-', '_').upper()}=" in report.stderr
    assert "http://" not in report.stdout and not User.objects.exists()


def test_up_prints_an_address_that_answers_and_stops_in_order() -> None:
    port = free_port()
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", "--porta", str(port)]
    command += ["--porta-do-portal", str(free_port())]
    up = subprocess.Popen(
        command, env=chain.environment(ROBOT_HOST="teste-up"), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert up.stdout is not None
        said = [up.stdout.readline() for _ in range(9)]
        assert f"http://127.0.0.1:{port}/" in "".join(said) and "senha" in "".join(said)
        assert [line.strip() for line in said[4:]] == [example.nome for example in AMOSTRA[:5]]
        assert answers(port)
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0
    assert not answers(port) and not chain.left_over()
