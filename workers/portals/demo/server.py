"""The demonstration portal as a real HTTP server on 127.0.0.1; it needs neither Django nor a database."""

import re
import socket
import sys
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qsl, urlsplit

from workers.portals.demo import pages
from workers.portals.demo.app import App, Reply, Request
from workers.portals.demo.cases import CASOS
from workers.portals.demo.log import Kind, LogEntry, RequestLog
from workers.portals.demo.model import Caso

HOST = "127.0.0.1"
COOKIE = "JSESSIONID"
MAX_BODY_BYTES = 64 * 1024
LENTIDAO_SEGUNDOS, RETENCAO_SEGUNDOS = 8.0, 120.0
WITH_LATENCY: frozenset[Kind] = frozenset({"login", "search_form", "search", "attachments"})


class PortalDemo:
    """The server, as a context manager or by `start` and `stop`; after a stop it starts again on the same port.

    `port` 0 takes a free one; `latency`, `lentidao` (the slow case) and `retencao` (the case that never answers) are
    seconds; `cases` takes the place of the fixed ones. `start` raises OSError when the port is taken.
    """

    def __init__(
        self,
        port: int = 0,
        latency: float = 0.0,
        log_file: Path | str | None = None,
        cases: Iterable[Caso] | None = None,
        *,
        lentidao: float = LENTIDAO_SEGUNDOS,
        retencao: float = RETENCAO_SEGUNDOS,
    ) -> None:
        self.port = port
        self.latency = latency
        self.requests = RequestLog(log_file)
        self.app = App(CASOS if cases is None else cases, lentidao=lentidao, retencao=retencao)
        self.fora_do_ar = False
        self.mudos: frozenset[str] = frozenset()
        self.stopping = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Without a slash at its end; the port is known after `start`."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> list[LogEntry]:
        """The requests answered so far (or given up), in order of their end."""
        return self.requests.snapshot()

    def start(self) -> Self:
        self.requests.open()
        server = _Server((HOST, self.port), self)
        self.port = server.server_port
        self.stopping.clear()
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="portal-demo", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port and every open connection, also those that are held; a second call does nothing."""
        if self._server is None or self._thread is None:
            return
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.cut_connections()
        self._server = self._thread = None
        self.requests.close()

    def set_fora_do_ar(self, fora: bool) -> None:
        """While true, everything answers 503 with the maintenance page."""
        self.fora_do_ar = fora

    def set_mudos(self, *kinds: str) -> None:
        """From now on these kinds of request answer 503, as "login" or "search", and all others as ever."""
        self.mudos = frozenset(kinds)

    def reset(self) -> None:
        """Forget the log, the sessions and which cases were asked for; the portal is up again."""
        self.fora_do_ar = False
        self.set_mudos()
        self.app.reset()
        self.requests.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that a stop is a stop for keep-alive clients too."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], portal: PortalDemo) -> None:
        self.portal = portal
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer asks the name service for the host's name, which may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was first

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is everyday business here: a traceback only for anything else."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "PortalDemo", ""
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 300.0
    _body = ""

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch("[0-9]{1,9}", length) or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._write(Reply(pages.message("Requisição inválida.", "Erro 400"), 400), "")
            return
        self._body = self.rfile.read(int(length)).decode("latin-1")
        self._serve(_fields(self._body))

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept by `RequestLog`, not printed."""

    @property
    def portal(self) -> PortalDemo:
        return cast(_Server, self.server).portal

    def _serve(self, form: dict[str, str]) -> None:
        url = urlsplit(self.path)
        if self._control(url.path):
            return
        begin = time.monotonic()
        session = self.portal.app.sessions.of(self._cookie())
        request = Request(self.command, url.path, form or _fields(url.query), session)
        kind, numero = self.portal.app.describe(request)
        usuario = request.params.get("Usuario", session.usuario) if kind == "login" else session.usuario
        reply = self._wait(request, kind)
        status = 0 if reply.lost else reply.status
        self.portal.requests.add(LogEntry(begin, time.monotonic(), session.id, usuario, kind, numero, status))
        if reply.lost:
            self.close_connection = True
        else:
            self._write(reply, session.id)

    def _wait(self, request: Request, kind: Kind) -> Reply:
        """The answer, after the portal's latency and what the case itself holds it back; a stop ends the wait."""
        portal = self.portal
        if portal.latency and kind in WITH_LATENCY:
            portal.stopping.wait(portal.latency)
        if portal.fora_do_ar or kind in portal.mudos:
            return Reply(pages.message(pages.EM_MANUTENCAO, "Manutenção"), 503)
        reply = portal.app.answer(request)
        if reply.hold:
            portal.stopping.wait(reply.hold)
        return reply

    def _control(self, path: str) -> bool:
        """The routes of tests and observers; they are not part of the portal and are not logged."""
        match self.command, path:
            case "GET", "/_log":
                self._write(Reply(self.portal.requests.as_json(), content_type="application/json"), "")
            case "POST", "/_reset":
                self.portal.reset()
                self._write(Reply("ok", content_type="text/plain"), "")
            case "POST", "/_fora_do_ar":
                self.portal.set_fora_do_ar(self._body.strip() == "1")
                self._write(Reply("ok", content_type="text/plain"), "")
            case "POST", "/_mudos":
                self.portal.set_mudos(*self._body.split())
                self._write(Reply("ok", content_type="text/plain"), "")
            case _:
                return False
        return True

    def _cookie(self) -> str:
        for pair in self.headers.get("Cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == COOKIE:
                return value
        return ""

    def _write(self, reply: Reply, session_id: str) -> None:
        body = reply.body.encode("latin-1", "replace")
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if session_id:
            self.send_header("Set-Cookie", f"{COOKIE}={session_id}; Path=/; HttpOnly; SameSite=Lax")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _fields(encoded: str) -> dict[str, str]:
    return dict(parse_qsl(encoded, keep_blank_values=True, encoding="latin-1"))
