"""The petition verifier: was this file filed in its case, and when?"""

from functools import partial

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from executions.models import JobItem
from executions.models.medida import medidor
from executions.results import Resposta
from workers.browser import Browser
from workers.errors import NO_PAGE, Falha
from workers.portals.base import Caso, Peticao, PortalAdapter
from workers.robots.base import Robot


class VerificadorPeticoes(Robot):
    """Answers all items of a case from one visit, as long as they are claimed one after another."""

    browser: Browser | None = None
    adapter: PortalAdapter
    _case: Caso | None = None
    _failed: set[int]

    @property
    def caso_aberto(self) -> str:
        return self._case.numero if self._case else ""

    @property
    def devtools(self) -> tuple[str, str] | None:
        return self.browser.devtools if self.browser else None

    def abrir(self) -> None:
        self._failed = set()
        visible = self.execucao.mode == self.execucao.Mode.VISIBLE
        turn = partial(self.advance, _("esperando a vez de abrir o navegador"))
        self.browser = Browser(self.folder, visible=visible, waiting=turn)
        adapter = import_string(settings.PORTAIS[self.execucao.portal.adaptador])
        self.adapter = adapter(self.browser, self.execucao.portal.base_url, self.advance)

    def login(self) -> None:
        self._case = None
        credencial = self.execucao.credencial
        self.adapter.login(credencial.usuario, credencial.senha)

    def sondar(self, caso: str) -> None:
        if caso:  # first, for a portal may end the session of whoever opens its login page
            try:
                self.adapter.visitar(caso)
            except NO_PAGE:
                raise
            except Falha:
                pass  # a page, whatever it says
        self.adapter.sondar()

    def precisa_visitar(self, item: JobItem) -> bool:
        # What failed before is asked anew, not answered from an old visit. A case that this robot has open since it
        # failed the item itself is a new one.
        return item.numero_processo != self.caso_aberto or (item.attempts > 1 and item.pk not in self._failed)

    def processar(self, item: JobItem) -> Resposta:
        if self.precisa_visitar(item):
            self._case = None
            self._failed.add(item.pk)
            with medidor.visita(self.execucao.portal.slug):
                self._case = self.adapter.visitar(item.numero_processo)
            self._failed.discard(item.pk)
        assert self._case is not None
        peticao = Peticao(item.nome_arquivo, item.numero_processo, item.identificador)
        return self.adapter.casar(self._case, peticao, timezone.now())

    def fechar(self) -> None:
        if self.browser:
            self.browser.close()
