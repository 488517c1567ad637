"""`manage.py portal_demo`: runs the demonstration portal until Ctrl-C or SIGTERM."""

import signal
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workers.management.base import TranslatedCommand
from workers.portals.demo.cases import SENHA
from workers.portals.demo.server import PortalDemo


class Command(TranslatedCommand):
    about = gettext_lazy("Serve o portal de demonstração (dados fictícios) em 127.0.0.1 até Ctrl-C.")
    requires_system_checks: list[str] = []  # it must start before anything else is set up

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--porta", type=int, default=8899, help=_("porta (padrão: 8899; 0 escolhe uma livre)"))
        parser.add_argument("--latencia-ms", type=int, default=0, help=_("espera simulada antes de cada resposta"))
        parser.add_argument("--log", type=Path, help=_("arquivo JSON Lines com os pedidos recebidos"))

    def handle(self, *args: object, porta: int, latencia_ms: int, log: Path | None, **options: object) -> None:
        stop = threading.Event()

        def request_stop(signum: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGINT, request_stop)
        signal.signal(signal.SIGTERM, request_stop)
        portal = self._started(PortalDemo(porta, latencia_ms / 1000, log))
        self.stdout.write(
            _("Portal de demonstração em %(url)s (usuário demo, senha %(senha)s). Ctrl-C encerra.")
            % {"url": portal.url, "senha": SENHA}
        )
        self.stdout.flush()
        stop.wait()
        portal.stop()
        self.stdout.write(_("Portal de demonstração encerrado."))

    def _started(self, portal: PortalDemo) -> PortalDemo:
        try:
            return portal.start()
        except (OSError, OverflowError) as error:
            self.stderr.write(
                _("Não foi possível abrir o portal em %(url)s: %(error)s. Escolha outra com --porta.")
                % {"url": portal.url, "error": error}
            )
            sys.exit(1)
