from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils.functional import Promise
from django.utils.translation import gettext as _


class TranslatedCommand(BaseCommand):
    """`about` is the help, translated when it is shown: argparse takes no lazy text."""

    about: "str | Promise" = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        self.help = str(self.about)
        return super().create_parser(prog_name, subcommand, **kwargs)


class FriendlyCommand(TranslatedCommand):
    """A command whose user gets a sentence, not a traceback, when the database does not answer."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except OperationalError as error:
            raise CommandError(
                _("O banco de dados não respondeu: %(error)s") % {"error": error}, returncode=1
            ) from error
