"""How the replica misbehaves about one case. Each mood is told how often it was met; True when it has answered."""

import socket
import struct
import time
from typing import Any

from tests.replica import pages


class Moods:
    """For the request handler, whose attributes it uses."""

    portal: Any
    _send: Any
    _end_session: Any
    numero: str
    session: str

    def _humor_sessao_nos_anexos(self, n: int) -> bool:
        return False

    _humor_anexos_503 = _humor_sessao_nos_anexos  # it comes with the attachments

    def _humor_sempre_mais_tarde(self, n: int) -> bool:
        text = "<p>Não foi possível executar a operação.<br>Tente novamente mais tarde.</p>"
        self._send(pages.page(text))
        return True

    def _humor_mais_tarde(self, n: int) -> bool:
        return n == 0 and self._humor_sempre_mais_tarde(n)

    def _humor_sessao(self, n: int) -> bool:
        if n == 0:
            self._end_session()
        return n == 0

    def _humor_sessao_alerta(self, n: int) -> bool:
        if n == 0:
            self.portal.sessions.pop(self.session, None)
            self._send(pages.page("", attributes="onload=\"alert('Sessão expirada!');\""))
        return n == 0

    def _humor_503(self, n: int) -> bool:
        if n == 0:
            self._send("", 503)
        return n == 0

    def _humor_cai(self, n: int) -> bool:
        """The connection is reset in the middle of nothing."""
        if n == 0:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            raise ConnectionResetError
        return False

    def _humor_pela_metade(self, n: int) -> bool:
        """The case page breaks off after its first rows: what is missing must not become a negative."""
        if n:
            return False
        caso = self.portal.acervo.processos[self.numero]
        body = pages.case(caso).encode("latin-1", "xmlcharrefreplace")
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=ISO-8859-1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: body.index(b"</tr>", body.index(b"<tbody")) + 5])
        self.close_connection = True
        return True

    def _humor_aos_poucos(self, n: int) -> bool:
        """The case page comes in two pieces, a second apart."""
        caso = self.portal.acervo.processos[self.numero]
        self.portal.sessions[self.session]["case"] = caso
        body = pages.case(caso).encode("latin-1", "xmlcharrefreplace")
        cut = body.index(b"</tr>", body.index(b"<tbody")) + 5
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=ISO-8859-1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])
        self.wfile.flush()
        time.sleep(1.2)
        self.wfile.write(body[cut:])
        return True

    def _humor_lento(self, n: int) -> bool:
        time.sleep(3)
        return False

    def _humor_passagem(self, n: int) -> bool:
        """A page of its own says "wait", and moves on by itself."""
        caso = self.portal.acervo.processos[self.numero]
        where = f"VisualizarProcesso?Id_Processo={caso.numero.replace('.', '')}"
        self._send(pages.page(f"Aguarde...<script>setTimeout(() => location.replace('{where}'), 700)</script>"))
        return True
