from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from workers import loop
from workers.scheduler import step


class Command(BaseCommand):
    help = "Pede os robôs que as execuções abertas podem ter agora, em laço."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Um passo só.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = loop.stop_on_signals()
        loop.run(step, settings.SCHEDULER_TICK_SECONDS, stop, once=options["once"])
