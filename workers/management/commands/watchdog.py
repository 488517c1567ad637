from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from workers import loop
from workers.watchdog import Watchdog


class Command(BaseCommand):
    help = "Encontra o que morreu, travou ou foi mandado encerrar, em laço."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Um passo só.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = loop.stop_on_signals()
        loop.run(Watchdog().step, settings.WATCHDOG_TICK_SECONDS, stop, once=options["once"])
