from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError


class FriendlyCommand(BaseCommand):
    """A command whose user gets a sentence, not a traceback, when the database does not answer."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except OperationalError as error:
            raise CommandError(f"O banco de dados não respondeu: {error}", returncode=1) from error
