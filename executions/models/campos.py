from typing import Any

from django.db import models


class Conteudo(models.BinaryField):
    """A file's bytes, in rows that are inserted a thousand at a time.

    Django writes such rows as one array a column (UNNEST, PostgreSQL only: four times as fast) unless a field asks
    for a placeholder of its own. A BinaryField does, for MySQL's sake; on the two databases that we have it is "%s".
    """

    @property
    def get_placeholder(self) -> Any:
        raise AttributeError

    def deconstruct(self) -> Any:
        """As the field that it is to the schema."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.BinaryField", args, kwargs
