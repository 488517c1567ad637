"""The Projudi adapter (TJGO): three WebDriver commands a case of up to 24 movements, more only for more attachments.

Facts of the portal: docs/portals.md. Not verified against the live portal.
"""

import time
from dataclasses import replace
from typing import Any

from workers.errors import (
    AlertaDoPortal,
    CredencialRecusada,
    LayoutMudou,
    PortalIndisponivel,
    SessaoExpirada,
    TempoEsgotado,
)
from workers.portals import matching, projudi_reader
from workers.portals.base import Anexo, Caso, PortalAdapter, Situacao
from workers.portals.projudi_reader import Lista, fold
from workers.portals.projudi_scripts import FETCH, FILL_LOGIN, FILL_SEARCH, PAGE, READ

LOGIN = "/LogOn?PaginaAtual=-200"
SEARCH = "/BuscaProcesso?PaginaAtual=4"
ATTACHMENTS_A_CALL = 24
ATTACHMENTS_AT_ONCE = 6
POLL_SECONDS = 0.03
PAGE_SECONDS = 20.0


class Projudi(PortalAdapter):
    casar = staticmethod(matching.casar)

    def login(self, usuario: str, senha: str) -> None:
        self.browser.open(self.base_url + LOGIN)
        self.avancar("fazendo login")
        page = self.browser.run(FILL_LOGIN, usuario, senha)
        if page is not None:
            _reached(page)
            if projudi_reader.ler_login(page["html"], status=page["status"]):
                return
            raise LayoutMudou("A página de login do portal não tem os campos conhecidos.")
        page = self._next_page()
        if not projudi_reader.ler_login(page["html"], status=page["status"]):
            raise CredencialRecusada

    def sondar(self) -> None:
        for path in (LOGIN, SEARCH):
            self.browser.open(self.base_url + path)
            page = self.browser.run(PAGE)
            if not projudi_reader.ler_formulario(page["html"], status=page["status"]):
                raise PortalIndisponivel("O portal abriu uma página que não é a dele.")
            self.avancar("sondando o portal")

    def visitar(self, numero: str) -> Caso:
        try:
            return self._visit(numero)
        except AlertaDoPortal as alert:
            if "sessao" in fold(str(alert)) and "expir" in fold(str(alert)):
                raise SessaoExpirada(str(alert)) from alert
            # The alert is dismissed by now, and says nothing about the case: ask once more.
            return self._visit(numero)

    def _visit(self, numero: str) -> Caso:
        self.avancar("buscando o processo")
        self.browser.open(self.base_url + SEARCH)
        page = self.browser.run(FILL_SEARCH, numero)
        if page is not None:
            _reached(page)
            projudi_reader.falha_da_pagina(page["html"], status=page["status"])
        page = self._next_page()
        found = projudi_reader.ler(page["html"], numero, status=page["status"])
        if isinstance(found, Lista):
            page, found = self._follow(found, numero)
        if found.situacao is Situacao.ENCONTRADO:
            return self._with_attachments(found, page["anexos"])
        return found

    def _follow(self, lista: Lista, numero: str) -> tuple[dict[str, Any], Caso]:
        """Opens the one case of a result list that is the one asked for."""
        self.avancar("abrindo o processo da lista")
        self.browser.run(
            "window.__robo = 1; [...document.querySelectorAll('a[href]')]"
            ".find(a => a.getAttribute('href') === arguments[0]).click();",
            lista.links[0][1],
        )
        page = self._next_page()
        found = projudi_reader.ler(page["html"], numero, status=page["status"])
        if isinstance(found, Lista):
            raise LayoutMudou("A lista de resultados não leva ao processo.")
        return page, found

    def _next_page(self) -> dict[str, Any]:
        """The page that follows what was just sent, with its first attachments, in one command each time it is asked.

        The old page carries a flag; while that is there, the answer has not come.
        """
        deadline = time.monotonic() + PAGE_SECONDS
        while time.monotonic() < deadline:
            page = self.browser.run_async(READ, ATTACHMENTS_A_CALL, ATTACHMENTS_AT_ONCE)
            if not page.get("old"):
                _reached(page)
                return page
            time.sleep(POLL_SECONDS)
        raise TempoEsgotado("O portal não respondeu ao que foi enviado.")

    def _with_attachments(self, caso: Caso, answers: dict[str, str]) -> Caso:
        """The case with the attachments of all its movements, fetched inside the page, several at once."""
        wanted = [m.id for m in caso.movimentacoes if m.tem_anexos and m.id]
        answers = dict(answers)
        while missing := [ident for ident in wanted if ident not in answers][:ATTACHMENTS_A_CALL]:
            self.avancar(f"lendo anexos ({len(answers)} de {len(wanted)})")
            got = self.browser.run_async(FETCH, missing, ATTACHMENTS_AT_ONCE)
            if not got:
                raise TempoEsgotado("O portal não respondeu pelos anexos.")
            answers |= got
        return _attach(caso, answers)


def _reached(page: dict[str, Any]) -> None:
    """Chromium's own error page is no page of the portal's."""
    if page["url"].startswith("chrome-error:"):
        raise PortalIndisponivel("O portal não pôde ser acessado.")


def _attach(caso: Caso, answers: dict[str, str]) -> Caso:
    def read(answer: str) -> tuple[Anexo, ...]:
        if answer.startswith("!"):
            raise PortalIndisponivel(f"O portal não entregou os anexos de uma movimentação ({answer[1:40]}).")
        return projudi_reader.ler_anexos(answer)

    movimentacoes = tuple(
        replace(m, anexos=read(answers[m.id])) if m.tem_anexos and m.id else m for m in caso.movimentacoes
    )
    return replace(caso, movimentacoes=movimentacoes)
