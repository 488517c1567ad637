"""A petition verifier without a browser: the same portal over plain HTTP, the same readers, the same matcher.

Two sleeping processes stand for its browser: one in the robot's session, one that left it and carries the mark alone.
A file whose name contains one of DEEDS does that to its robot.
"""

import os
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPException
from http.cookiejar import CookieJar

from executions.models import JobItem
from executions.results import Resposta
from tests.faults import memory
from workers.errors import CredencialRecusada, LayoutMudou, NavegadorQuebrado, PortalIndisponivel
from workers.portals import matching, projudi_reader
from workers.portals.base import Caso, PortalAdapter, Situacao
from workers.portals.projudi import ATTACHMENTS, LOGIN, SEARCH, _attach
from workers.robots.peticoes import VerificadorPeticoes

HTTP_SECONDS = 5.0


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


DEEDS: dict[str, Callable[[], None]] = {"MATAROBO": kill_itself, "SEMMEMORIA": memory.run_out}


class Http(PortalAdapter):
    """Projudi, asked without a browser."""

    casar = staticmethod(matching.casar)
    _opener: urllib.request.OpenerDirector

    def login(self, usuario: str, senha: str) -> None:
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        self._ask(LOGIN)
        self.avancar("fazendo login")
        page, status = self._ask("/LogOn", PaginaAtual="-200", Usuario=usuario, Senha=senha)
        if not projudi_reader.ler_login(page, status=status):
            raise CredencialRecusada

    def sondar(self) -> None:
        for path in (LOGIN, SEARCH):
            page, status = self._ask(path)
            if not projudi_reader.ler_formulario(page, status=status):
                raise PortalIndisponivel

    def visitar(self, numero: str) -> Caso:
        self.avancar("buscando o processo")
        page, status = self._ask(SEARCH)
        if 'id="Formulario"' not in page:
            projudi_reader.falha_da_pagina(page, status=status)
        page, status = self._ask("/BuscaProcesso", PaginaAtual="2", ProcessoNumero=numero)
        found = projudi_reader.ler(page, numero, status=status)
        if not isinstance(found, Caso):
            raise LayoutMudou
        if found.situacao is not Situacao.ENCONTRADO:
            return found
        answers = {m.id: self._attachments(m.id) for m in found.movimentacoes if m.tem_anexos}
        return replace(found, movimentacoes=tuple(_attach(m, answers) for m in found.movimentacoes))

    def _attachments(self, ident: str) -> str:
        self.avancar("lendo anexos")
        page, status = self._ask(f"{ATTACHMENTS}?AJAX=ajax&PaginaAtual=8&Id_Movimentacao={ident}")
        return page if status < 500 else f"!HTTP {status}"

    def _ask(self, path: str, **form: str) -> tuple[str, int]:
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self._opener.open(self.base_url + path, data, HTTP_SECONDS) as answer:
                return answer.read().decode("latin-1"), answer.status
        except urllib.error.HTTPError as error:
            return error.read().decode("latin-1"), error.code
        except (OSError, HTTPException) as error:
            raise PortalIndisponivel(str(error)) from error


class SemNavegador(VerificadorPeticoes):
    """Does what the verifier does, in a tenth of the time."""

    _sleepers: "tuple[subprocess.Popen[bytes], ...]" = ()

    def abrir(self) -> None:
        try:
            (self.folder / "perfil").write_bytes(bytes(64 * 1024))  # as a browser does before anything else
        except OSError as error:
            raise NavegadorQuebrado(str(error)) from error
        self._failed = set()
        self._sleepers = tuple(
            subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL, start_new_session=apart)
            for apart in (False, True)
        )
        self.adapter = Http(None, self.execucao.portal.base_url, self.advance)  # type: ignore[arg-type]

    def processar(self, item: JobItem) -> Resposta:
        for deed, do in DEEDS.items():
            if deed in item.nome_arquivo:
                do()
        if any(sleeper.poll() is not None for sleeper in self._sleepers):
            raise NavegadorQuebrado
        return super().processar(item)

    def fechar(self) -> None:
        for sleeper in self._sleepers:
            sleeper.kill()
            sleeper.wait()
