"""The replica's HTTP side: sessions, moods, and the log that tests read."""

import random
import secrets
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.replica import pages
from tests.replica.cases import Acervo, Processo
from tests.replica.moods import Moods

USER, PASSWORD = "01234567890", "çenha secreta"


@dataclass(frozen=True)
class Linha:
    """What the portal saw: monotonic begin and end, session, kind and case."""

    begin: float
    end: float
    session: str
    kind: str
    numero: str = ""


class Replica:
    """with Replica(acervo) as portal: portal.url … portal.log"""

    def __init__(self, acervo: Acervo, *, prefix: str = "", login: str = "", latency: float = 0.02) -> None:
        self.acervo, self.prefix, self.variant, self.latency = acervo, prefix, login, latency
        self.sessions: dict[str, dict[str, Any]] = {}
        self.log: list[Linha] = []
        self.tries: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"portal": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}{prefix}"

    def __enter__(self) -> "Replica":
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def open_session(self) -> str:
        token = secrets.token_hex(8)
        self.sessions[token] = {"case": None}
        return token

    def nth(self, what: str) -> int:
        """How often this has happened before."""
        with self.lock:
            self.tries[what] += 1
            return self.tries[what] - 1

    def visits(self) -> Counter[str]:
        return Counter(line.numero for line in self.log if line.kind == "search")

    def logins(self) -> int:
        return sum(line.kind == "login" for line in self.log)

    def sessions_at_once(self) -> int:
        """The most robots at work at one moment, a session lasting from its first request to its last."""
        spans: dict[str, list[float]] = defaultdict(list)
        for line in self.log:
            if line.session:
                spans[line.session] += [line.begin, line.end]
        edges = sorted([(min(s), 1) for s in spans.values()] + [(max(s), -1) for s in spans.values()])
        most = now = 0
        for _, step in edges:
            now += step
            most = max(most, now)
        return most


class Handler(Moods, BaseHTTPRequestHandler):
    portal: Replica
    protocol_version = "HTTP/1.1"
    kind = session = numero = ""

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self._serve({k: v[0] for k, v in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("latin-1")
        self._serve({k: v[-1] for k, v in parse_qs(raw, True, encoding="latin-1").items()})

    def _serve(self, fields: dict[str, str]) -> None:
        began = time.monotonic()
        cookies = dict(c.strip().partition("=")[::2] for c in (self.headers.get("Cookie") or "").split(";") if "=" in c)
        token = cookies.get("JSESSIONID", "")
        self.session = token if token in self.portal.sessions else ""
        self.kind = self.numero = ""
        time.sleep(self.portal.latency)
        path = urlsplit(self.path).path.removeprefix(self.portal.prefix)
        view = getattr(self, "_" + path.strip("/").lower(), None)
        try:
            if view is None:
                self._send(pages.page("404"), status=404)
            elif path not in ("/LogOn",) and not self.session:
                self._send(pages.expired(len(self.portal.log)))
            else:
                view(fields)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            line = Linha(began, time.monotonic(), self.session, self.kind, self.numero)
            if line.session and line.kind:
                self.portal.log.append(line)

    # ---- pages ---------------------------------------------------------------------------------------------------
    def _logon(self, fields: dict[str, str]) -> None:
        variant = self.portal.variant
        if self.command == "GET":
            alert = "onload=\"alert('Atenção: nova versão')\"" if variant == "alerta" else ""
            return self._send(
                "" if variant == "503" else pages.login(attributes=alert), 503 if variant == "503" else 200
            )
        self.portal.nth("sent")
        if variant == "codigo":
            return self._send(pages.code())
        if variant == "sessao_ativa" and self.portal.sessions:
            return self._send(pages.login("Já existe uma sessão ativa para este usuário."))
        right = (fields.get("login"), fields.get("senha"), fields.get("PaginaAtual")) == (USER, PASSWORD, "7")
        if not right or variant == "senha":
            self.portal.nth("refused")
            return self._send(pages.login("Usuário ou senha inválidos."))
        self.session = self.portal.open_session()
        self.kind = "login"
        cookie = {"Set-Cookie": f"JSESSIONID={self.session}; Path={self.portal.prefix or '/'}; HttpOnly"}
        if variant == "redireciona":
            return self._send("", 302, **cookie, Location=f"{self.portal.prefix}/Usuario?PaginaAtual=-10")
        return self._send(pages.main_page(late=variant == "tarde"), **cookie)

    def _usuario(self, fields: dict[str, str]) -> None:
        self._send(pages.main_page(late=True))

    def _inicio(self, fields: dict[str, str]) -> None:
        self._send(pages.start())

    def _buscaprocesso(self, fields: dict[str, str]) -> None:
        if self.command == "GET":
            return self._search_form()
        if fields.get("PaginaAtual") != "2" or fields.get("PaginaAnterior") != "4":
            return self._send(pages.search_form(1))
        self.kind, self.numero = "search", fields.get("ProcessoNumero", "")
        caso = self.portal.acervo.processos.get(self.numero, Processo(self.numero, existe=False, estilo=5))
        if caso.humor and getattr(self, "_humor_" + caso.humor)(self.portal.nth(f"{caso.humor}:{caso.numero}")):
            return None
        if not caso.existe or (caso.arquivado and (fields.get("Id_ProcessoStatus") or fields.get("ProcessoStatus"))):
            return self._send(pages.not_found(caso.estilo))
        self.portal.sessions[self.session]["case"] = caso
        rng = random.Random(caso.estilo + 1)
        if caso.sigiloso:
            return self._send(pages.sealed(caso))
        way = rng.randrange(4)
        if way == 0:
            others = [n for n, c in self.portal.acervo.processos.items() if n != caso.numero and c.existe][:3]
            return self._send(pages.result_list(caso, others))
        if way == 1:
            return self._send("", 302, Location=f"VisualizarProcesso?Id_Processo={caso.numero.replace('.', '')}")
        return self._send(pages.case(caso))

    def _search_form(self) -> None:
        self.kind = "form"
        if self.portal.variant == "quadro" and self.headers.get("Sec-Fetch-Dest") == "document":
            return self._send(pages.main_page(late=True))
        style = random.Random(len(self.portal.log)).randrange(10**6)
        return self._send(pages.search_form(style).replace('action="/', f'action="{self.portal.prefix}/'))

    def _visualizarprocesso(self, fields: dict[str, str]) -> None:
        self.kind = "case"
        ident = fields["Id_Processo"]
        caso = next(c for n, c in self.portal.acervo.processos.items() if n.replace(".", "") == ident)
        self.portal.sessions[self.session]["case"] = caso
        self._send(pages.case(caso))

    def _movimentacaoarquivo(self, fields: dict[str, str]) -> None:
        self.kind = "attachments"
        caso: Processo | None = self.portal.sessions.get(self.session, {}).get("case")
        if self.session not in self.portal.sessions:  # ended by a request of the same moment
            return self._send(pages.expired(0))
        wanted = fields["Id_Movimentacao"]
        found = next((a for a in caso.andamentos if a.id == wanted), None) if caso else None
        if (
            caso is None
            or found is None
            or not found.documentos
            or (fields["AJAX"], fields["PaginaAtual"]) != ("ajax", "8")
        ):
            return self._send(pages.page("Erro"), 404)
        if caso.humor == "sessao_nos_anexos" and self.portal.nth(f"anexos:{caso.numero}") == 1:
            return self._end_session()
        if caso.humor == "anexos_503" and self.portal.nth(f"anexos:{caso.numero}") == 0:
            return self._send("", 503)
        kind, body = pages.attachments(found, random.Random(int(found.id)))
        return self._send(body, content_type=kind)

    # ---- bytes -----------------------------------------------------------------------------------------------------
    def _end_session(self) -> None:
        self.portal.sessions.pop(self.session, None)
        self._send(pages.expired(self.portal.nth("expired")))

    def _send(
        self,
        body: str | bytes,
        status: int = 200,
        *,
        content_type: str = "text/html; charset=ISO-8859-1",
        **headers: str,
    ) -> None:
        raw = body if isinstance(body, bytes) else body.encode("latin-1", "xmlcharrefreplace")
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
