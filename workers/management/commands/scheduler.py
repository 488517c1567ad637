from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workers import loop
from workers.management.base import TranslatedCommand
from workers.scheduler import step


class Command(TranslatedCommand):
    about = gettext_lazy("Pede os robôs que as execuções abertas podem ter agora, em laço.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help=_("Um passo só."))

    def handle(self, *args: Any, **options: Any) -> None:
        stop = loop.stop_on_signals()
        loop.run(step, settings.SCHEDULER_TICK_SECONDS, stop, once=options["once"])
