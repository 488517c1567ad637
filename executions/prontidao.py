"""May this process be sent requests? The database takes a write in time, is migrated, and the disk has room."""

import logging
import threading

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from executions import disco
from executions.models import Batida

logger = logging.getLogger("robotcontrol.saude")

LIMIT_SECONDS = 1.0


class Sonda:
    """The cheapest honest write: one small row, committed, in a connection of its own.

    Rolled back, or in a temporary table, it would touch neither the log nor the disk; on a row that the gate locks,
    it would measure the gate. In a thread, because a connection to a host that is gone hangs longer than any timeout
    of a statement; at most one hangs at a time, and whoever asks meanwhile waits for the same answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wrote: list[bool] = []

    def escreve(self) -> bool:
        """Did the database take a write within LIMIT_SECONDS?"""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._wrote = []
                self._thread = threading.Thread(target=self._work, args=(self._wrote,), name="prontidao", daemon=True)
                self._thread.start()
            thread, wrote = self._thread, self._wrote
        thread.join(LIMIT_SECONDS)
        return bool(wrote)

    @staticmethod
    def _work(wrote: list[bool]) -> None:
        milliseconds = int(LIMIT_SECONDS * 900)
        limit = "PRAGMA busy_timeout = {}" if connection.vendor == "sqlite" else "SET statement_timeout = {}"
        try:
            with connection.cursor() as cursor:
                cursor.execute(limit.format(milliseconds))
            Batida.bater(Batida.Obra.PRONTIDAO)
            wrote.append(True)
        except Error as error:
            logger.warning("the database took no write: %s", error, extra={"event": "sem_banco"})
        finally:
            connection.close()


_sonda = Sonda()
_migrado = False  # once applied, the migrations of this process's code stay applied


def faltas() -> list[str]:
    """What is missing, of `banco`, `migracoes` and `disco`; nothing: it may be sent requests."""
    missing = [] if _sonda.escreve() else ["banco"]
    if not missing and not migrado():
        missing.append("migracoes")
    if disco.livre() <= disco.MINIMO:
        missing.append("disco")
    return missing


def migrado() -> bool:
    """Are all migrations of this code applied?"""
    global _migrado
    if not _migrado:
        executor = MigrationExecutor(connection)
        _migrado = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrado
