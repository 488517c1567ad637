from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from workers import child


class Command(BaseCommand):
    help = "O processo de um robô. É o supervisor quem o inicia."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("uuid")

    def handle(self, *args: Any, **options: Any) -> None:
        raise SystemExit(child.run(options["uuid"]))
