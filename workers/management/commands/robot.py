from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext_lazy as _

from workers import child
from workers.management.base import TranslatedCommand


class Command(TranslatedCommand):
    about = _("O processo de um robô. É o supervisor quem o inicia.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("uuid")

    def handle(self, *args: Any, **options: Any) -> None:
        raise SystemExit(child.run(options["uuid"]))
