"""Pure: a Projudi page (PORTALS in docs/flow.md; not verified against the live portal) -> what it says.

The order of the questions matters: a real case first, then what the portal says instead of one. A page that shows
none of the known markers is LayoutMudou, never a negative.
"""

import html
import json
import re
from dataclasses import dataclass
from typing import NoReturn

from django.utils.translation import gettext
from lxml.html import HtmlElement

from workers.errors import Bloqueado, Captcha, Codigo2fa, Falha, LayoutMudou, PortalIndisponivel, SessaoExpirada
from workers.portals import projudi_case
from workers.portals.base import Anexo, Caso, Situacao
from workers.portals.projudi_page import Pagina, fold, shows, text_of

MESSAGE_UNKNOWN = re.compile(r"nenhum processo (foi )?(localizado|encontrado)")
MESSAGE_LATER = re.compile(r"tente novamente mais tarde")
MESSAGE_DOWN = re.compile(r"sistema em manutencao|temporariamente indisponivel|fora do ar")
MESSAGE_BUSY = re.compile(r"sessao ativa")
MESSAGE_BUSY_LATER = re.compile(r"sessao ativa.{0,100}tente novamente mais tarde")
MESSAGE_SEALED = re.compile(r"segredo de justica(?!\W{0,3}(nao|false)\b)")
MESSAGE_EXPIRED = re.compile(
    r"sessao\b.{0,30}(expirou|expirad|encerrad|invalid|terminou|finalizad)|expirou .{0,20}sessao"
)
MESSAGE_CODE = re.compile(
    r"codigo .{0,30}(verificacao|acesso|seguranca|confirmacao|enviado|e-?mail)|\btoken\b|(dois|duas) (fatores|etapas)"
)
MESSAGE_REFUSED = re.compile(
    r"(usuario|login|cpf|senha|credenciais|dados).{0,60}(invalid|incorret|nao confere|errad)"
    r"|(invalid|incorret)\w* .{0,30}senha"
)
MESSAGE_CAPTCHA = re.compile(
    r"(informe|digite|preencha|resolva|confirme|invalid\w*|incorret\w*) .{0,40}captcha"
    r"|captcha.{0,40}(invalid|incorret|obrigatori)"
)


@dataclass(frozen=True)
class Lista:
    """Several cases were found: the links that lead to the one asked for, as (text, address)."""

    links: tuple[tuple[str, str], ...]


def ler(page: str, numero: str, *, status: int = 200) -> Caso | Lista:
    """What the answer to a search for this case says. `status` is the HTTP status, 0 when unknown.

    Raises the Falha that the page stands for.
    """
    pagina = Pagina(page)
    _raise_failure(pagina, status, later=not projudi_case.linhas(pagina.root))
    if projudi_case.presente(pagina.root):
        return _case(pagina, numero)
    exact, loose = _links(pagina, numero)
    if exact:
        return Lista(exact)
    if MESSAGE_UNKNOWN.search(pagina.texto):
        return Caso(numero, Situacao.NAO_ENCONTRADO)
    if MESSAGE_SEALED.search(pagina.texto):
        return Caso(numero, Situacao.SEGREDO)
    _raise_refusal(pagina)
    if loose:
        return Lista(loose)
    if pagina.tem_captcha:
        raise Captcha
    raise LayoutMudou


def _case(pagina: Pagina, numero: str) -> Caso:
    """A page that shows a case, or the frame of one. Another case's movements would be a false answer."""
    movimentacoes = projudi_case.movimentacoes(pagina.root)
    readable = any(not m.bloqueada for m in movimentacoes)
    shown = projudi_case.numero_mostrado(pagina.root)
    if not readable and MESSAGE_SEALED.search(pagina.texto) and (not shown or shows(shown, numero)):
        return Caso(numero, Situacao.SEGREDO)
    if not movimentacoes:
        _raise_refusal(pagina)
        if MESSAGE_UNKNOWN.search(pagina.texto) and not shown:
            return Caso(numero, Situacao.NAO_ENCONTRADO)
    if not shows(shown or pagina.visivel.text_content(), numero):
        raise LayoutMudou(gettext("A página aberta não é a do processo pedido."))
    if not movimentacoes:
        raise LayoutMudou(gettext("A página do processo não traz a lista de movimentações."))
    migrado = any(projudi_case.MIGRATED.search(fold(f"{m.tipo} {m.descricao}")) for m in movimentacoes)
    return Caso(numero, Situacao.ENCONTRADO, movimentacoes, migrado)


def ler_login(page: str, *, status: int = 200) -> bool:
    """After the login was sent: True when a session is open, False when the login form came back (refused).

    Raises the Falha that the page stands for; LayoutMudou when it shows nothing known.
    """
    pagina = Pagina(page)
    text = pagina.texto
    if pagina.tem_quadro:
        return True
    if MESSAGE_CAPTCHA.search(text):
        raise Captcha
    if not (pagina.tem_login and MESSAGE_REFUSED.search(text)):
        _raise_no_refusal(pagina, status)
    if pagina.tem_login:
        return False
    if MESSAGE_CODE.search(text):
        raise Codigo2fa
    raise LayoutMudou(gettext("A página que veio depois do login não tem nenhum dos sinais conhecidos."))


def _raise_no_refusal(pagina: Pagina, status: int) -> None:
    """Why a login failed without a word against the user or the password."""
    if MESSAGE_BUSY.search(pagina.texto) or status == 429:
        raise Bloqueado
    if status >= 500 or MESSAGE_LATER.search(pagina.texto) or MESSAGE_DOWN.search(pagina.texto):
        raise PortalIndisponivel
    if pagina.tem_captcha:
        raise Captcha
    if pagina.tem_login and MESSAGE_EXPIRED.search(pagina.texto):
        raise PortalIndisponivel(gettext("O portal encerrou a sessão durante o login."))


def ler_formulario(page: str, *, status: int = 200) -> bool:
    """True when this is a page that a working portal shows: the login, the search form, or an open session's frame."""
    pagina = Pagina(page)
    if pagina.tem_login or pagina.tem_quadro or pagina.root.xpath("//form[@id='Formulario']"):
        return status < 500
    return False


def tem_quadro(page: str) -> bool:
    """Is this the outer page of an open session, whose content lives in a frame?"""
    return Pagina(page).tem_quadro


def falha_da_pagina(page: str, *, status: int = 200) -> NoReturn:
    """Raises what a page that is not the search form stands for; LayoutMudou when nothing known."""
    pagina = Pagina(page)
    _raise_failure(pagina, status)
    _raise_refusal(pagina)
    if pagina.tem_captcha:
        raise Captcha
    raise LayoutMudou(gettext("A página de busca do portal não tem o formulário conhecido."))


def conhecida(page: str, *, status: int = 200) -> bool:
    """Does this page, which lacks the form looked for, say by itself why? If not, it may still be building itself."""
    try:
        falha_da_pagina(page, status=status)
    except LayoutMudou:
        return tem_quadro(page)
    except Falha:
        return True


def ler_alerta(text: str) -> None:
    """Raises what an alert() of the portal stands for by itself; most say nothing about the case."""
    said = fold(text)
    if MESSAGE_EXPIRED.search(said):
        raise SessaoExpirada(text)


def _raise_failure(pagina: Pagina, status: int, *, later: bool = True) -> None:
    if pagina.tem_login:
        raise SessaoExpirada
    if status == 429 or MESSAGE_BUSY_LATER.search(pagina.texto):
        raise Bloqueado
    if status >= 500 or (later and MESSAGE_LATER.search(pagina.texto)):
        raise PortalIndisponivel


def _raise_refusal(pagina: Pagina) -> None:
    """Weaker signs: only asked when the page answers nothing."""
    if MESSAGE_BUSY.search(pagina.texto):
        raise Bloqueado
    if MESSAGE_DOWN.search(pagina.texto):
        raise PortalIndisponivel


Links = tuple[tuple[str, str], ...]


def _links(pagina: Pagina, numero: str) -> tuple[Links, Links]:
    """The links to this case, by the number in their text, address or row; and, failing those, the only one of a list.

    Of several cases without a number to tell them apart, none is taken.
    """
    found = [(a, text_of(a), a.get("href")) for a in pagina.visivel.xpath("//a[@href]")]
    named = [(text, href) for _, text, href in found if shows(text, numero)]
    views = [(a, text, href) for a, text, href in found if "VisualizarProcesso" in href]
    rows = [(text, href) for a, text, href in views if shows(href, numero) or shows(_row_text(a), numero)]
    every = {href: (text, href) for _, text, href in views}
    exact = {href: (text, href) for text, href in named or rows}
    return tuple(exact.values()), tuple(every.values()) if len(every) == 1 else ()


def _row_text(link: HtmlElement) -> str:
    rows = link.xpath("ancestor::tr[1]|ancestor::li[1]")
    return text_of(rows[-1]) if rows else ""


def ler_anexos(answer: str) -> tuple[Anexo, ...]:
    """The attachments that the portal's Ajax address names for one movement.

    Raises SessaoExpirada, PortalIndisponivel or LayoutMudou when it answered with something else than the JSON.
    """
    try:
        rows = json.loads(answer.removeprefix("\ufeff").removeprefix("ï»¿"), strict=False)
        if not isinstance(rows, list):
            raise TypeError
        return tuple(_attachment(row) for row in rows)
    except (ValueError, TypeError, KeyError):
        if not answer.strip():
            raise LayoutMudou(gettext("O portal não disse quais são os anexos de uma movimentação.")) from None
        pagina = Pagina(answer)
        _raise_failure(pagina, 200)
        _raise_refusal(pagina)
        raise LayoutMudou(gettext("A lista de anexos de uma movimentação veio em outro formato.")) from None


def _attachment(row: dict[str, object]) -> Anexo:
    name = html.unescape(str(row["nome_arquivo"] or ""))
    return Anexo(name, " ".join(str(row[key]) for key in ("href", "url", "link", "title") if row.get(key)))
