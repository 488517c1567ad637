"""The Projudi adapter (TJGO): three WebDriver commands a case of up to 24 movements, more only for more attachments.

Facts of the portal: docs/portals.md. Not verified against the live portal.
"""

import html
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from django.utils.translation import gettext

from workers.errors import (
    AlertaDoPortal,
    Bloqueado,
    CredencialRecusada,
    LayoutMudou,
    PaginaTrocada,
    PortalIndisponivel,
    SessaoExpirada,
    TempoEsgotado,
)
from workers.portals import matching, projudi_reader
from workers.portals.base import Anexo, Caso, Movimentacao, PortalAdapter, Situacao
from workers.portals.projudi_reader import Lista
from workers.portals.projudi_scripts import FETCH, FILL_LOGIN, FILL_SEARCH, FOLLOW, GO, PAGE, READ

LOGIN = "/LogOn?PaginaAtual=-200"
SEARCH = "/BuscaProcesso?PaginaAtual=4"
ATTACHMENTS = "/MovimentacaoArquivo"
FRAME = "userMainFrame"
ATTACHMENTS_A_CALL = 24
ATTACHMENTS_AT_ONCE = 6
POLL_SECONDS = 0.03
PAGE_SECONDS = 20.0
SETTLE_SECONDS = 3.0  # how long a page that shows nothing known may still be building itself
MAX_ALERTS = 5

T = TypeVar("T")
Page = dict[str, Any]


class Projudi(PortalAdapter):
    casar = staticmethod(matching.casar)

    # ---- session ------------------------------------------------------------------------------------------------
    def login(self, usuario: str, senha: str) -> None:
        self._open(LOGIN)
        self.avancar("fazendo login")

        def read(page: Page) -> bool:
            return projudi_reader.ler_login(page["html"], status=page["status"])

        sent, page = self._send(FILL_LOGIN, usuario, senha)
        if sent:
            _, accepted = self._next_page(read)
            if not accepted:
                raise CredencialRecusada
        elif not read(page):
            raise LayoutMudou(gettext("A página de login do portal não tem os campos conhecidos."))

    def sondar(self) -> None:
        for path in (LOGIN, SEARCH):
            self._open(path)
            page = self._calm(lambda: self.browser.run(PAGE))
            if not projudi_reader.ler_formulario(page["html"], status=page["status"]):
                raise PortalIndisponivel(gettext("O portal abriu uma página que não é a dele."))
            self.avancar(gettext("sondando o portal"))

    # ---- a case -------------------------------------------------------------------------------------------------
    def visitar(self, numero: str) -> Caso:
        def read(page: Page) -> Caso | Lista:
            return projudi_reader.ler(page["html"], numero, status=page["status"])

        self.avancar(gettext("buscando o processo"))
        self._search(numero)
        page, found = self._next_page(read)
        if isinstance(found, Lista):
            return self._follow(found, page["url"], read)
        return self._whole(page, found)

    def _search(self, numero: str) -> None:
        """Sends the search form: of the page itself, or of the frame that a logged-in page lives in."""
        self._open(SEARCH)
        sent, page = self._send(FILL_SEARCH, numero)
        if not sent and projudi_reader.tem_quadro(page["html"]):
            self.browser.enter_frame(FRAME)
            self._calm(lambda: self.browser.run(GO, self.base_url + SEARCH))
            self._next_page(lambda page: page)
            sent, page = self._send(FILL_SEARCH, numero)
        if not sent:
            projudi_reader.falha_da_pagina(page["html"], status=page["status"])

    def _follow(self, lista: Lista, url: str, read: Callable[[Page], Caso | Lista]) -> Caso:
        """Opens what a result list has of the case. Where that is more than one page, they are read as one."""
        self.avancar(gettext("abrindo o processo da lista"))
        cases: list[Caso] = []
        for text, href in lista.links:
            if not cases:
                self._calm(partial(self.browser.run, FOLLOW, text, href))
            else:
                self._calm(partial(self.browser.open, urljoin(url, href)))
            page, found = self._next_page(read)
            if isinstance(found, Lista):
                raise LayoutMudou(gettext("A lista de resultados não leva ao processo."))
            cases.append(self._whole(page, found))
        return _merged(cases)

    def _whole(self, page: Page, caso: Caso) -> Caso:
        """The case with the attachments of all its movements, fetched inside the page, several at once."""
        wanted = [m.id for m in caso.movimentacoes if m.tem_anexos and m.id]
        answers = dict(page["anexos"]) if caso.situacao is Situacao.ENCONTRADO else {}
        while missing := [ident for ident in wanted if ident not in answers][:ATTACHMENTS_A_CALL]:
            self.avancar(gettext("lendo anexos (%(n)s de %(n2)s)") % {"n": len(answers), "n2": len(wanted)})
            got = self._ask(FETCH, self._attachments_path, missing, ATTACHMENTS_AT_ONCE)
            if not got:
                raise TempoEsgotado(gettext("O portal não respondeu pelos anexos."))
            answers |= got
        return replace(caso, movimentacoes=tuple(_attach(m, answers) for m in caso.movimentacoes))

    @property
    def _attachments_path(self) -> str:
        return urlsplit(self.base_url).path + ATTACHMENTS

    # ---- pages --------------------------------------------------------------------------------------------------
    def _open(self, path: str) -> None:
        for _ in range(MAX_ALERTS):
            try:
                return self.browser.open(self.base_url + path)
            except AlertaDoPortal as alert:
                projudi_reader.ler_alerta(str(alert))
            # Was it this page's own alert, or has the last page's held this one up?
            if self._calm(lambda: self.browser.run("return location.href")).endswith(path):
                return None
        return None

    def _calm(self, command: Callable[[], T]) -> T:
        """Says the command again when an alert of the portal came between: the alert is dismissed by then."""
        for _ in range(MAX_ALERTS):
            try:
                return command()
            except AlertaDoPortal as alert:
                projudi_reader.ler_alerta(str(alert))
        return command()

    def _ask(self, script: str, *arguments: Any) -> dict[str, Any]:
        """What an asynchronous script of ours answers. An alert of the portal interrupts it, and it answers nothing."""
        for _ in range(MAX_ALERTS):
            answer = self._calm(partial(self.browser.run_async, script, *arguments))
            if answer is not None:
                return answer
        raise AlertaDoPortal

    def _send(self, script: str, *data: str) -> tuple[bool, Page]:
        """Fills the page's form and sends it, once. (False, page) when the page has not the form."""
        once = uuid.uuid4().hex
        until = time.monotonic() + SETTLE_SECONDS
        while True:
            page = self._ask(script, once, *data)
            if page.get("sent"):
                return True, {}
            _check_reached(page)
            if time.monotonic() > until or projudi_reader.conhecida(page["html"], status=page["status"]):
                return False, page
            time.sleep(POLL_SECONDS * 4)

    def _next_page(self, read: Callable[[Page], T]) -> tuple[Page, T]:
        """The page that follows what was just sent, with its first attachments, in one command each time it is asked;
        and what `read` makes of it.

        The old page carries a flag; while that is there, the answer has not come. A page that shows nothing known may
        be on its way to one that does.
        """
        deadline = time.monotonic() + PAGE_SECONDS
        settled = float("inf")
        said: list[str] = []
        while time.monotonic() < deadline:
            page = self._read(said)
            if not page.get("old"):
                try:
                    return page, read(page)
                except LayoutMudou:
                    settled = min(settled, time.monotonic() + SETTLE_SECONDS)
                    if time.monotonic() > settled:
                        raise
            time.sleep(POLL_SECONDS)
        if page.get("loading"):
            raise PortalIndisponivel(gettext("O portal não terminou de enviar a página."))
        raise TempoEsgotado(gettext("O portal não respondeu ao que foi enviado."))

    def _read(self, said: list[str]) -> Page:
        """The page as it is now. What its alerts have `said` is part of it."""
        try:
            page = self.browser.run_async(READ, self._attachments_path, ATTACHMENTS_A_CALL, ATTACHMENTS_AT_ONCE)
        except AlertaDoPortal as alert:
            projudi_reader.ler_alerta(str(alert))
            said.append(f"<p>{html.escape(str(alert))}</p>")
            if len(said) > MAX_ALERTS:
                raise
            return {"old": True}
        except PaginaTrocada:
            return {"old": True}
        if page is None:  # an alert interrupted the script; the next command tells which
            return {"old": True}
        if not page.get("old"):
            _check_reached(page)
            page["html"] += "".join(said)
        return page


def _check_reached(page: Page) -> None:
    if page["url"].startswith("chrome-error:"):
        raise PortalIndisponivel(gettext("O portal não pôde ser acessado."))


def _attach(movement: Movimentacao, answers: dict[str, str]) -> Movimentacao:
    if not movement.tem_anexos:
        return movement
    try:
        return replace(movement, anexos=_attachments(answers[movement.id]))
    except LayoutMudou:
        if movement.bloqueada:  # what is blocked is noted, and does not change the answer
            return movement
        raise


def _attachments(answer: str) -> tuple[Anexo, ...]:
    if answer == "!HTTP 401":
        raise SessaoExpirada
    if answer == "!HTTP 429":
        raise Bloqueado
    if answer.startswith("!"):
        raise PortalIndisponivel(
            gettext("O portal não entregou os anexos de uma movimentação (%(n)s).") % {"n": answer[1:40]}
        )
    return projudi_reader.ler_anexos(answer)


def _merged(cases: list[Caso]) -> Caso:
    """One case of several pages, each movement once."""
    movements = {(m.id, m.numero, m.data): m for caso in cases for m in caso.movimentacoes}
    sealed = [caso for caso in cases if caso.situacao is not Situacao.ENCONTRADO]
    if sealed:
        return sealed[0]
    return replace(cases[0], movimentacoes=tuple(movements.values()), migrado=any(caso.migrado for caso in cases))
