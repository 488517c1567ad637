"""The rows of a correlated query as one JSON column, so that one statement tells a whole page about an execution."""

from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.db.models import Subquery


class Linhas(Subquery):
    """The rows of a subquery with one JSON column `linha`, as one JSON array (None when there is none)."""

    template = "(SELECT jsonb_agg(l.linha) FROM (%(subquery)s) l)"
    output_field = models.JSONField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "(SELECT json_group_array(json(l.linha)) FROM (%(subquery)s) l)"
        return self.as_sql(compiler, connection, template=template, **extra)


def momento(texto: str) -> datetime:
    """A time as the database wrote it into JSON. SQLite keeps UTC without saying so."""
    at = datetime.fromisoformat(texto)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
