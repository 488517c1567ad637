import os
import signal
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from workers import demo, loop
from workers.management.base import FriendlyCommand
from workers.portals.demo.cases import SENHA
from workers.portals.demo.server import PortalDemo

STOP_SECONDS = 60


class Command(FriendlyCommand):
    help = "Páginas, máquina de robôs, scheduler, watchdog e portal de demonstração, em primeiro plano, até Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--porta", type=int, default=8000, help="Porta das páginas (127.0.0.1).")
        parser.add_argument("--porta-do-portal", type=int, default=8899, help="Porta do portal de demonstração.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = loop.stop_on_signals()
        call_command("migrate", verbosity=0)
        try:
            with PortalDemo(port=options["porta_do_portal"]) as portal:
                demo.register_portal(portal.url, senha=SENHA)
                self._welcome(options["porta"], portal.url)
                self._run(stop, options["porta"])
        except OSError as error:
            raise CommandError(
                f"A porta {options['porta_do_portal']} não pôde ser aberta: {error.strerror}."
            ) from error

    def _welcome(self, port: int, portal: str) -> None:
        password = demo.first_operator()
        self.stdout.write(f"Páginas:                http://127.0.0.1:{port}/")
        self.stdout.write(f"Portal de demonstração: {portal}")
        if password:
            self.stdout.write(f"Primeiro acesso:        usuário operador, senha {password}  (mostrada só desta vez)")
        self.stdout.write("Ctrl-C para parar tudo.")
        self.stdout.flush()

    def _run(self, stop: Any, port: int) -> None:
        children = [self._start(*command) for command in self._commands(port)]
        try:
            while not stop.wait(0.5):
                ended = next((child for child in children if child.poll() is not None), None)
                if ended:
                    raise CommandError(f"Um processo terminou com {ended.returncode}: {ended.args!r}")
        finally:
            for child in children:
                child.send_signal(signal.SIGTERM)
            for child in children:
                child.wait(STOP_SECONDS)

    @staticmethod
    def _commands(port: int) -> list[list[str]]:
        manage = str(settings.BASE_DIR / "manage.py")
        web = ["-m", "gunicorn", "robotcontrol.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4"]
        return [[*web, "--log-level", "warning"], [manage, "runrobots"]]

    @staticmethod
    def _start(*command: str) -> "subprocess.Popen[bytes]":
        # Own sessions: Ctrl-C reaches this process alone, which stops them in order.
        return subprocess.Popen(
            [sys.executable, *command], cwd=settings.BASE_DIR, env=os.environ | {"HTTPS": "0"}, start_new_session=True
        )
