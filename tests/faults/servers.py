"""What is done to the databases: a crash of PostgreSQL, a writer that sits on SQLite."""

import os
import pwd
import shlex
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg
from django.db import connection


class Postgres:
    """The server that this process is connected to, known by its data directory."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW data_directory")
            self.data = Path(cursor.fetchone()[0])
        self.socket = str(Path(str(connection.settings_dict["HOST"])) / ".s.PGSQL.5432")

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def crash(self) -> None:
        """`immediate`: no checkpoint, every session cut."""
        pid = self.pid
        os.kill(pid, signal.SIGQUIT)
        connection.close()
        deadline = time.monotonic() + 20
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.02)

    def start(self) -> None:
        """With the command line that it was started with; returns when it answers."""
        words = shlex.split((self.data / "postmaster.opts").read_text())
        owner = pwd.getpwuid(self.data.stat().st_uid).pw_name
        with (self.data / "restart.log").open("ab") as log:
            subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                user=owner if os.geteuid() == 0 else None, cwd=self.data,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                psycopg.connect(host=str(connection.settings_dict["HOST"]), user="postgres", dbname="postgres").close()
                return
            time.sleep(0.05)
        raise TimeoutError("PostgreSQL did not come back")

    def restart(self) -> None:
        self.crash()
        self.start()


def hold_sqlite(seconds: float) -> threading.Thread:
    """Another writer takes the database and keeps it for these seconds. Returns the running thread."""
    path = str(connection.settings_dict["NAME"])
    taken = threading.Event()

    def hold() -> None:
        other = sqlite3.connect(path, timeout=60, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        taken.set()
        time.sleep(seconds)
        other.execute("COMMIT")
        other.close()

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    taken.wait(60)
    return thread


def takes_writes() -> bool:
    """Does nobody hold SQLite's lock just now? PostgreSQL has none of its whole file."""
    if connection.vendor != "sqlite":
        return True
    with closing(sqlite3.connect(str(connection.settings_dict["NAME"]), timeout=0.5, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        other.execute("ROLLBACK")
        return True
