"""`manage.py portal_demo`: runs the demonstration portal until Ctrl-C or SIGTERM."""

import signal
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType

from django.core.management.base import BaseCommand

from workers.portals.demo.cases import SENHA
from workers.portals.demo.server import PortalDemo


class Command(BaseCommand):
    help = "Serve o portal de demonstração (dados fictícios) em 127.0.0.1 até Ctrl-C."
    requires_system_checks: list[str] = []  # it must start before anything else is set up

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--porta", type=int, default=8899, help="porta (padrão: 8899; 0 escolhe uma livre)")
        parser.add_argument("--latencia-ms", type=int, default=0, help="espera simulada antes de cada resposta")
        parser.add_argument("--log", type=Path, help="arquivo JSON Lines com os pedidos recebidos")

    def handle(self, *args: object, porta: int, latencia_ms: int, log: Path | None, **options: object) -> None:
        stop = threading.Event()

        def request_stop(signum: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGINT, request_stop)
        signal.signal(signal.SIGTERM, request_stop)
        portal = self._started(PortalDemo(porta, latencia_ms / 1000, log))
        self.stdout.write(f"Portal de demonstração em {portal.url} (usuário demo, senha {SENHA}). Ctrl-C encerra.")
        self.stdout.flush()
        stop.wait()
        portal.stop()
        self.stdout.write("Portal de demonstração encerrado.")

    def _started(self, portal: PortalDemo) -> PortalDemo:
        try:
            return portal.start()
        except (OSError, OverflowError) as error:
            self.stderr.write(f"Não foi possível abrir o portal em {portal.url}: {error}. Escolha outra com --porta.")
            sys.exit(1)
