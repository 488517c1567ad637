"""Row locks. Order, always: Controle, Execucao, Portal, JobItem, Processo (docs/architecture.md)."""

from typing import TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def locked(rows: "models.QuerySet[M]") -> "models.QuerySet[M]":
    """These rows, held until the transaction ends. Raises RuntimeError outside a transaction.

    FOR NO KEY UPDATE: a plain FOR UPDATE deadlocks with the foreign-key checks of other transactions' inserts.
    SQLite ignores row locks and excludes by BEGIN IMMEDIATE instead, so a missing transaction must be caught here.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A row lock was asked for outside a transaction.")
    return rows.select_for_update(no_key=True, of=("self",))
