"""What a robot sees, for those who watch it: a thread of its own that the robot's work, item and end never wait for."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.db import Error, close_old_connections, connection

from executions import clock
from executions.models import Quadro
from workers.devtools import FAILURES, DevTools

logger = logging.getLogger("robotcontrol.robot")

FRAME_SECONDS = 1.0
FAILURES_TOLD = 5  # in a row: some are usual, between two pages


class Eyes:
    """Takes pictures while somebody watches. Nobody watching: no thread, no connection, nothing written."""

    def __init__(self, processo_id: int, where: Callable[[], tuple[str, str] | None]) -> None:
        """`where`: where the robot's browser may be watched now, if it has one."""
        self._processo_id = processo_id
        self._where = where
        self._lock = threading.Lock()
        self._until = 0.0
        self._thread: threading.Thread | None = None
        self._shut = threading.Event()
        self._devtools: DevTools | None = None
        self._last = b""
        self._failed = 0

    def watched(self) -> None:
        """Somebody watches, from now for WATCH_SECONDS. Returns at once, and never raises."""
        with self._lock:
            self._until = time.monotonic() + settings.WATCH_SECONDS
            if self._shut.is_set() or (self._thread and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._look, name="eyes", daemon=True)
            with suppress(RuntimeError):  # no more threads: whoever watches goes without
                self._thread.start()

    def shut(self) -> None:
        """The browser is about to end. Waits for nothing."""
        self._shut.set()

    def _wanted(self) -> bool:
        with self._lock:
            if time.monotonic() < self._until and not self._shut.is_set():
                return True
            self._thread = None
            return False

    def _look(self) -> None:
        try:
            while self._wanted():
                began = time.monotonic()
                self._frame()
                self._shut.wait(max(FRAME_SECONDS / 4, began + FRAME_SECONDS - time.monotonic()))
        finally:
            self._disconnect()
            connection.close()

    def _frame(self) -> None:
        """Takes and keeps one picture, if there is one to be had."""
        try:
            jpeg = self._picture()
            if jpeg:
                close_old_connections()
                self._keep(jpeg)
                self._failed = 0
        except FAILURES as error:
            self._disconnect()
            self._told(error)
        except Error as error:
            connection.close()
            self._told(error)

    def _picture(self) -> bytes | None:
        if self._devtools is None:
            where = self._where()
            if where is None:
                return None
            self._devtools = DevTools(*where)
        return self._devtools.picture()

    def _keep(self, jpeg: bytes) -> None:
        """A screen that stands still is not written again, only its time."""
        agora = clock.db_now()
        if jpeg == self._last and Quadro.objects.ainda(self._processo_id, agora):
            return
        if Quadro.objects.guardar(self._processo_id, jpeg, agora):
            self._last = jpeg

    def _told(self, error: Exception) -> None:
        self._failed += 1
        if self._failed == FAILURES_TOLD:
            logger.warning("no picture of the browser: %s", error, extra={"event": "sem_tela"})

    def _disconnect(self) -> None:
        devtools, self._devtools = self._devtools, None
        if devtools:
            devtools.close()
