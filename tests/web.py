"""The web tier as it is deployed: gunicorn, on the test's own database."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from tests import chain


@contextmanager
def web(workers: int = 4, threads: int = 1, **extra: Any) -> Iterator[int]:
    """Its port. Stopped in order at the end. With `threads`, as `manage.py up` has it, a long request is no hang."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "-m",
        "gunicorn",
        "robotcontrol.wsgi",
        "-b",
        f"127.0.0.1:{port}",
        "-w",
        str(workers),
        "--threads",
        str(threads),
        "--log-level",
        "warning",
    ]
    server = subprocess.Popen([sys.executable, *command], cwd=settings.BASE_DIR, env=chain.environment(**extra))
    try:
        chain.wait_for(lambda: answers(port), 30, "the web server")
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
