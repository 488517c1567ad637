import os
import signal
import socket
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workers import demo, loop
from workers.management.base import FriendlyCommand
from workers.portals.demo.cases import SENHA
from workers.portals.demo.sample import AMOSTRA
from workers.portals.demo.server import PortalDemo

STOP_SECONDS = 60
LOOPBACK = "127.0.0.1"
EXAMPLES = 5


class Command(FriendlyCommand):
    about = gettext_lazy(
        "Páginas, máquina de robôs, scheduler, watchdog e portal de demonstração, em primeiro plano, até Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--porta", type=int, default=8000, help=_("Porta das páginas (127.0.0.1)."))
        parser.add_argument("--porta-do-portal", type=int, default=8899, help=_("Porta do portal de demonstração."))

    def handle(self, *args: Any, **options: Any) -> None:
        stop = loop.stop_on_signals()
        _check_free(options["porta"], "--porta")
        call_command("migrate", verbosity=0)
        with _portal(options["porta_do_portal"]) as portal:
            demo.register_portal(portal.url, senha=SENHA)
            self._run(stop, options["porta"], lambda: self._welcome(options["porta"], portal.url))

    def _welcome(self, port: int, portal: str) -> None:
        password = demo.first_operator()
        self.stdout.write(
            _("Páginas:                http://%(loopback)s:%(port)s/") % {"loopback": LOOPBACK, "port": port}
        )
        self.stdout.write(_("Portal de demonstração: %(portal)s") % {"portal": portal})
        if password:
            self.stdout.write(
                _("Primeiro acesso:        usuário operador, senha %(password)s  (mostrada só desta vez)")
                % {"password": password}
            )
        self.stdout.write(_("Para experimentar, cole em Nova execução:"))
        for example in AMOSTRA[:EXAMPLES]:
            self.stdout.write(f"  {example.nome}")
        self.stdout.write(_("Ctrl-C para parar tudo."))
        self.stdout.flush()

    def _run(self, stop: Any, port: int, welcome: Callable[[], None]) -> None:
        """`welcome` is called once the pages answer: an address that is printed is one that works."""
        children = [self._start(*command) for command in self._commands(port)]
        welcomed = False
        try:
            while not stop.wait(0.5):
                ended = next((child for child in children if child.poll() is not None), None)
                if ended:
                    raise CommandError(
                        _("Um processo terminou com %(returncode)s: %(args)r")
                        % {"returncode": ended.returncode, "args": ended.args}
                    )
                if not welcomed and _answers(port):
                    welcomed = True
                    welcome()
        finally:
            for child in children:
                child.send_signal(signal.SIGTERM)
            for child in children:
                child.wait(STOP_SECONDS)

    @staticmethod
    def _commands(port: int) -> list[list[str]]:
        manage = str(settings.BASE_DIR / "manage.py")
        bind = ["--bind", f"{LOOPBACK}:{port}", "--workers", "2", "--threads", "4", "--log-level", "warning"]
        return [["-m", "gunicorn", "robotcontrol.wsgi", *bind], [manage, "runrobots"]]

    @staticmethod
    def _start(*command: str) -> "subprocess.Popen[bytes]":
        # Own sessions: Ctrl-C reaches this process alone, which stops them in order.
        return subprocess.Popen(
            [sys.executable, *command], cwd=settings.BASE_DIR, env=os.environ | {"HTTPS": "0"}, start_new_session=True
        )


@contextmanager
def _portal(port: int) -> Iterator[PortalDemo]:
    """Only the opening of its own port is blamed on that port."""
    try:
        portal = PortalDemo(port=port).start()
    except (OSError, OverflowError) as error:
        raise _busy(port, "--porta-do-portal", error) from error
    try:
        yield portal
    finally:
        portal.stop()


def _check_free(port: int, option: str) -> None:
    """Before anything is started: gunicorn would try it five times, and what it says is not for our reader."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            raise _busy(port, option, error) from error


def _busy(port: int, option: str, error: Exception) -> CommandError:
    reason = getattr(error, "strerror", None) or _("não é um número de porta")
    return CommandError(
        _("A porta %(port)s não pôde ser aberta: %(reason)s. Escolha outra com %(option)s (make up: %(variable)s=).")
        % {"port": port, "reason": reason, "option": option, "variable": _variable(option)}
    )


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _variable(option: str) -> str:
    """The Makefile's name of the same."""
    return option.strip("-").replace("-", "_").upper()
