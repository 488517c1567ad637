"""The portal's behaviour without its HTTP: a request in, an answer out."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workers.portals.demo import assets, pages
from workers.portals.demo.cases import CODIGO_EMAIL, CREDENCIAIS
from workers.portals.demo.log import Kind
from workers.portals.demo.model import Caso, Comportamento, Movimentacao
from workers.portals.demo.sessions import Session, Sessions

HTML = "text/html; charset=ISO-8859-1"
JSON = "application/json; charset=ISO-8859-1"
PAGINA_SAIR, PAGINA_BUSCAR = "-201", "2"


@dataclass(frozen=True)
class Request:
    """What the browser asked; `params` are the form's fields of a POST, else the query's."""

    method: str
    path: str
    params: dict[str, str]
    session: Session


@dataclass(frozen=True)
class Reply:
    """What the portal answers, after `hold` seconds; with `lost` it closes the socket without a word."""

    body: str
    status: int = 200
    content_type: str = HTML
    hold: float = 0.0
    lost: bool = False


class App:
    """The portal over its cases; `lentidao` and `retencao` are the seconds of the slow case and of the silent one."""

    def __init__(self, cases: Iterable[Caso], *, lentidao: float, retencao: float) -> None:
        self._cases = {caso.numero: caso for caso in cases}
        self._movements = {item.id: (caso, item) for caso in self._cases.values() for item in caso.movimentacoes}
        self._lentidao, self._retencao = lentidao, retencao
        self._lock = threading.Lock()
        self._queries: Counter[str] = Counter()
        self.sessions = Sessions()
        self._routes: dict[tuple[str, str], Callable[[Request], Reply]] = {
            ("GET", "/LogOn"): self._log_on_page,
            ("POST", "/LogOn"): self._log_on,
            ("POST", "/CodigoVerificacao"): self._email_code,
            ("GET", "/Usuario"): self._desk,
            ("GET", "/BuscaProcesso"): self._search_form,
            ("POST", "/BuscaProcesso"): self._search,
            ("GET", "/VisualizarProcesso"): self._open_listed,
            ("GET", "/MovimentacaoArquivo"): self._attachments,
            ("GET", "/"): self._root,
        }

    def reset(self) -> None:
        """As after a restart: nobody is logged in and no case was asked for."""
        self.sessions.clear()
        with self._lock:
            self._queries.clear()

    def answer(self, request: Request) -> Reply:
        route = self._routes.get((request.method, request.path))
        if route is None:
            return Reply(pages.message("Página não encontrada.", "Erro 404"), 404)
        return route(request)

    def describe(self, request: Request) -> tuple[Kind, str]:
        """Kind and case number for the log."""
        match request.method, request.path:
            case "GET", "/LogOn" if request.params.get("PaginaAtual") != PAGINA_SAIR:
                return "login_form", ""
            case "POST", "/LogOn" | "/CodigoVerificacao":
                return "login", ""
            case "GET", "/BuscaProcesso":
                return "search_form", ""
            case "POST", "/BuscaProcesso":
                return "search", formatted(request.params.get("ProcessoNumero", ""))
            case "GET", "/VisualizarProcesso":
                return "other", formatted(request.params.get("ProcessoNumero", ""))
            case "GET", "/MovimentacaoArquivo" if "AJAX" in request.params:
                found = self._movement(request)
                return "attachments", found[0].numero if found else ""
        return "other", ""

    def _root(self, request: Request) -> Reply:
        return Reply(pages.home(request.session.usuario) if request.session.usuario else pages.login())

    def _log_on_page(self, request: Request) -> Reply:
        if request.params.get("PaginaAtual") == PAGINA_SAIR:
            self.sessions.end(request.session)
        return Reply(pages.login())

    def _log_on(self, request: Request) -> Reply:
        credencial = CREDENCIAIS.get(request.params.get("Usuario", ""))
        if credencial is None or request.params.get("Senha") != credencial.senha:
            return Reply(pages.login(pages.SENHA_ERRADA))
        if credencial.pede_captcha:
            return Reply(pages.captcha())
        if credencial.pede_codigo:
            request.session.aguarda_codigo = credencial.usuario
            return Reply(pages.email_code())
        return self._enter(request.session, credencial.usuario)

    def _email_code(self, request: Request) -> Reply:
        usuario = request.session.aguarda_codigo
        if not usuario:
            return Reply(pages.login())
        if request.params.get("Codigo", "").strip() != CODIGO_EMAIL:
            return Reply(pages.email_code("Código inválido"))
        return self._enter(request.session, usuario)

    def _enter(self, session: Session, usuario: str) -> Reply:
        if not self.sessions.open(session, CREDENCIAIS[usuario]):
            return Reply(pages.message(pages.SESSAO_ATIVA, "Acesso não permitido"))
        return Reply(pages.home(usuario))

    def _desk(self, request: Request) -> Reply:
        return Reply(pages.desk() if request.session.usuario else pages.login())

    def _search_form(self, request: Request) -> Reply:
        return Reply(pages.search_form() if self.sessions.use(request.session) else pages.login())

    def _search(self, request: Request) -> Reply:
        if not self.sessions.use(request.session):
            return Reply(pages.login())
        if request.params.get("PaginaAtual") != PAGINA_BUSCAR:
            return Reply(pages.search_form())
        caso = self._cases.get(formatted(request.params.get("ProcessoNumero", "")))
        if caso is None or (caso.arquivado and request.params.get("Id_ProcessoStatus")):
            return Reply(pages.message(pages.NAO_LOCALIZADO, "Consulta de processos"))
        return self._behave(caso, request.session)

    def _behave(self, caso: Caso, session: Session) -> Reply:
        with self._lock:
            self._queries[caso.numero] += 1
            query = self._queries[caso.numero]
        if query == 1 and caso.comportamento in (Comportamento.SESSAO_EXPIRA, Comportamento.SEM_RESPOSTA):
            return self._first_query(caso, session)
        if query == 1 and caso.comportamento in _ONCE:
            return _ONCE[caso.comportamento](caso)
        if query <= 2 and caso.comportamento is Comportamento.TERCEIRA_CONSULTA:
            return Reply(pages.message(pages.INDISPONIVEL))
        if caso.comportamento is Comportamento.LENTO:
            return Reply(pages.case(caso), hold=self._lentidao)
        return _ALWAYS.get(caso.comportamento, _show)(caso)

    def _first_query(self, caso: Caso, session: Session) -> Reply:
        if caso.comportamento is Comportamento.SEM_RESPOSTA:
            return Reply("", hold=self._retencao, lost=True)
        self.sessions.end(session)
        return Reply(pages.login())

    def _open_listed(self, request: Request) -> Reply:
        if not self.sessions.use(request.session):
            return Reply(pages.login())
        caso = self._cases.get(formatted(request.params.get("ProcessoNumero", "")))
        return _show(caso) if caso else Reply(pages.message(pages.NAO_LOCALIZADO))

    def _attachments(self, request: Request) -> Reply:
        if not self.sessions.use(request.session):
            return Reply(pages.login())
        if "AJAX" not in request.params:
            return Reply(pages.message("Documento fictício da demonstração.", "Documento"))
        found = self._movement(request)
        return Reply(pages.attachments(found[1]) if found else "[]", content_type=JSON)

    def _movement(self, request: Request) -> tuple[Caso, Movimentacao] | None:
        digits = request.params.get("Id_Movimentacao", "")
        return self._movements.get(int(digits)) if re.fullmatch(r"[0-9]{1,12}", digits) else None


def formatted(texto: str) -> str:
    """A case number in its usual form from any 20 digits; other text as it is, at most 25 characters."""
    digits = re.sub(r"[^0-9]", "", texto)
    if len(digits) != 20:
        return texto.strip()[:25]
    return f"{digits[:7]}-{digits[7:9]}.{digits[9:13]}.{digits[13]}.{digits[14:16]}.{digits[16:]}"


def _show(caso: Caso) -> Reply:
    return Reply(pages.case(caso))


_ONCE: dict[Comportamento, Callable[[Caso], Reply]] = {
    Comportamento.ALERTA: lambda caso: Reply(pages.case(caso, alerta=True)),
    Comportamento.MANUTENCAO: lambda caso: Reply(pages.message(pages.EM_MANUTENCAO, "Manutenção"), 503),
    Comportamento.JS_INFINITO: lambda caso: Reply(pages.trap("Processo", assets.JS_INFINITO)),
    Comportamento.ABA_MORTA: lambda caso: Reply(pages.trap("Processo", assets.ABA_MORTA)),
}
_ALWAYS: dict[Comportamento, Callable[[Caso], Reply]] = {
    Comportamento.SEMPRE_INDISPONIVEL: lambda caso: Reply(pages.message(pages.INDISPONIVEL)),
    Comportamento.SEGREDO: lambda caso: Reply(pages.sealed(caso)),
    Comportamento.CAPTCHA: lambda caso: Reply(pages.captcha()),
    Comportamento.LAYOUT_MUDOU: lambda caso: Reply(pages.changed_layout()),
    Comportamento.LISTA: lambda caso: Reply(pages.result_list((*caso.apensos, caso.numero))),
}
