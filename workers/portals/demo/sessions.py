"""Who is logged in. A session that ends does so silently, as in the portals: the next page is the login form."""

import secrets
import threading
import time
from dataclasses import dataclass, field

from workers.portals.demo.cases import CREDENCIAIS, CredencialDemo

INATIVIDADE_SEGUNDOS = 10.0
"""After this long without a request, a session no longer blocks another login of a one-session credential."""


@dataclass
class Session:
    """A browser's cookie; `usuario` is "" until a login succeeds."""

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    usuario: str = ""
    aguarda_codigo: str = ""
    pedidos: int = 0
    last_seen: float = field(default_factory=time.monotonic)

    def end(self) -> None:
        self.usuario = self.aguarda_codigo = ""
        self.pedidos = 0


class Sessions:
    """All sessions of one server, and the rules by which they begin and end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def of(self, cookie: str) -> Session:
        """The session of `cookie`, now seen; a new one if the portal does not know it."""
        with self._lock:
            session = self._sessions.get(cookie)
            if session is None:
                session = Session()
                self._sessions[session.id] = session
            session.last_seen = time.monotonic()
            return session

    def open(self, session: Session, credencial: CredencialDemo) -> bool:
        """Log in; False when the credential allows one session and another one is active."""
        with self._lock:
            if credencial.sessao_unica and self._busy(credencial.usuario, session):
                return False
            session.end()
            session.usuario = credencial.usuario
            return True

    def use(self, session: Session) -> bool:
        """Count one request; False, and logged out, when nobody is logged in or the credential's limit is used up."""
        with self._lock:
            if not session.usuario:
                return False
            session.pedidos += 1
            limite = CREDENCIAIS[session.usuario].limite_pedidos
            if limite is not None and session.pedidos > limite:
                session.end()
                return False
            return True

    def end(self, session: Session) -> None:
        with self._lock:
            session.end()

    def clear(self) -> None:
        with self._lock:
            self._sessions.clear()

    def _busy(self, usuario: str, session: Session) -> bool:
        recent = time.monotonic() - INATIVIDADE_SEGUNDOS
        return any(
            other is not session and other.usuario == usuario and other.last_seen > recent
            for other in self._sessions.values()
        )
