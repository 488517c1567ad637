"""The database's clock: the only one that leases, backoffs and silences are measured by."""

from datetime import datetime

from django.db import connection
from django.utils import timezone


def db_now() -> datetime:
    """The database server's present time, aware. SQLite has no clock of its own: there it is this machine's.

    Callers write `clock.db_now()`, so that a test can put another clock here.
    """
    if connection.vendor == "sqlite":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
