"""Real destinations on this machine for the tests of notices, and makers of what is told."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django_q.models import OrmQ

from executions import clock, queue
from executions.models import Destino, Processo, Script
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from workers import tasks

SEGREDO = "chave-canario-8812"


class Webhook:
    """Answers with these statuses in turn (the last one for ever), and keeps what it was told."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.told = list(statuses), []  # type: ignore[var-annotated]
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = owner.statuses.pop(0) if len(owner.statuses) > 1 else owner.statuses[0]
                if status == 200:
                    owner.told.append(json.loads(body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"json://127.0.0.1:{self.server.server_port}/{SEGREDO}"


class Correio:
    """A mail server: as much SMTP as smtplib speaks. `refuse`: the answer to every recipient."""

    def __init__(self, refuse: bytes = b"") -> None:
        self.mails: list[str] = []
        self.refuse = refuse
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                talk, _ = self.socket.accept()
            except OSError:
                return
            with talk, talk.makefile("rb") as lines:
                self._talk(talk, lines)

    def _talk(self, talk: socket.socket, lines: Any) -> None:
        talk.sendall(b"220 correio\r\n")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"DATA":
                talk.sendall(b"354 go\r\n")
                self.mails.append(b"".join(iter(lines.readline, b".\r\n")).decode())
            if verb == b"QUIT":
                talk.sendall(b"221 bye\r\n")
                return
            talk.sendall(self.refuse if verb == b"RCPT" and self.refuse else b"250 ok\r\n")


@pytest.fixture(name="webhook")
def servidor_http() -> Iterator[Any]:
    made: list[Webhook] = []

    def make(*statuses: int) -> Webhook:
        made.append(Webhook(*(statuses or (200,))))
        return made[-1]

    yield make
    for hook in made:
        hook.server.shutdown()
        hook.server.server_close()


@pytest.fixture(name="correio")
def servidor_de_email(settings: Any) -> Iterator[Any]:
    made: list[Correio] = []

    def make(refuse: bytes = b"") -> Correio:
        made.append(Correio(refuse))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", made[-1].port
        return made[-1]

    yield make
    for server in made:
        server.socket.close()


def destino(url: str, nome: str = "equipe", **campos: Any) -> Destino:
    row = Destino(nome=nome, **campos)
    row.trocar_url(url)
    row.save()
    return row


def terminado(motivo: str = "falha", *destinos: Destino, avisar_em: str = "falha", nome: str = "s.py") -> Processo:
    script, _ = Script.objects.get_or_create(nome=nome, arquivo=nome, avisar_em=avisar_em)
    script.destinos.set(destinos)
    agora = clock.db_now()
    return Processo.objects.create(
        tipo="script", script=script, status="exited", motivo=motivo, exit_code=0 if motivo == "concluido" else 3,
        requested_at=agora, started_at=agora, ended_at=agora,
    )  # fmt: skip


def entregar() -> int:
    """What a host's workers do with the messages in its queue."""
    messages = list(OrmQ.objects.order_by("id"))
    for message in messages:
        message.delete()
        assert message.func() == queue.SEND_NOTICE
        tasks.enviar_aviso(*message.args())
    return len(messages)
