"""A loop is a step, an interval and an event that wakes it."""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from django.db import Error, close_old_connections, connection

logger = logging.getLogger("robotcontrol.loop")


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = threading.Event()

    def asked(signum: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, asked)
    signal.signal(signal.SIGTERM, asked)
    return stop


def guarded(step: Callable[[], object]) -> object:
    """Runs one step; a database that is away is logged and left to the next step."""
    close_old_connections()
    try:
        return step()
    except Error as error:
        logger.warning(
            "%s: the database is away: %s", getattr(step, "__qualname__", step), error, extra={"event": "sem_banco"}
        )
        connection.close()
        return None


def surviving(step: Callable[[], object]) -> object:
    """As `guarded`, for a step among others that must go on: whatever else goes wrong in it is logged and left to the
    next time. Only whoever runs steps for ever may ask for it; a step that is called by hand raises."""
    try:
        return guarded(step)
    except Exception:  # (a full disk, a row that breaks a rule, a fault of ours: a host without its watchdog is worse)
        logger.exception("%s failed", getattr(step, "__qualname__", step), extra={"event": "tarefa_falhou"})
        return None


def run(step: Callable[[], object], seconds: float, stop: threading.Event, *, once: bool) -> None:
    while not stop.is_set():
        (guarded if once else surviving)(step)
        if once or stop.wait(seconds):
            return
