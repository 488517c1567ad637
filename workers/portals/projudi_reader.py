"""Pure: a Projudi page (docs/portals.md; not verified against the live portal) -> what it says.

The order of the questions matters: a real case first, then what the portal says instead of one. A page that shows
none of the known markers is LayoutMudou, never a negative.
"""

import json
import re
import unicodedata
from dataclasses import dataclass

from lxml import html as lxml_html
from lxml.etree import ParserError
from lxml.html import HtmlElement

from workers.errors import Bloqueado, Captcha, Codigo2fa, LayoutMudou, PortalIndisponivel, SessaoExpirada
from workers.portals.base import Anexo, Caso, Movimentacao, Situacao

ROWS = "//tbody[@id='tabListaProcesso']/tr[contains(@class,'filtro-entrada') or @movi_codigo or contains(@class,'bloqueado')]"
LOGIN_FORM = "//input[@id='login'] and //input[@id='senha']"
MESSAGE_UNKNOWN = re.compile(r"nenhum processo (foi )?(localizado|encontrado)")
MESSAGE_LATER = re.compile(r"tente novamente mais tarde|sistema em manutencao|temporariamente indisponivel|fora do ar")
MESSAGE_BUSY = re.compile(r"sessao ativa")
MESSAGE_CODE = re.compile(r"codigo de (verificacao|acesso|seguranca)|token de acesso")
MIGRATED = re.compile(r"migrad[oa].{0,80}outro sistema")
NUMBER = re.compile(r"\d{1,7}\s*[-.]?\s*\d{2}\s*\.?\s*\d{4}\s*\.?\s*\d\s*\.?\s*\d{2}\s*\.?\s*\d{4}")


@dataclass(frozen=True)
class Lista:
    """Several cases were found: the links to follow, as (text, address)."""

    links: tuple[tuple[str, str], ...]


def fold(text: str) -> str:
    """Without accents and case, white space single: how the portal's messages are compared."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(plain.lower().split())


def digits(numero: str) -> str:
    """The 20 digits of a case number; the portal may hide leading zeros."""
    return re.sub(r"\D", "", numero).zfill(20)


def parse(page: str) -> HtmlElement:
    try:
        root = lxml_html.document_fromstring(page)
    except (ParserError, ValueError) as error:
        raise LayoutMudou("O portal devolveu uma página vazia.") from error
    for noise in root.xpath("//script|//style|//noscript|//template"):
        noise.drop_tree()
    return root


def ler(page: str, numero: str, *, status: int = 200) -> Caso | Lista:
    """What the answer to a search for this case says. `status` is the HTTP status, 0 when unknown.

    Raises the Falha that the page stands for.
    """
    root = parse(page)
    text = fold(root.text_content())
    if root.xpath("//*[@id='span_proc_numero']|//*[@id='TabelaArquivos']") or root.xpath(ROWS):
        return _case(root, text, numero)
    _raise_failure(root, text, status)
    if MESSAGE_UNKNOWN.search(text):
        return Caso(numero, Situacao.NAO_ENCONTRADO)
    if "segredo de justica" in text:
        return Caso(numero, Situacao.SEGREDO)
    if root.xpath("//*[@name='cf-turnstile-response']"):
        raise Captcha
    links = _links(root, numero)
    if links:
        return Lista(links)
    raise LayoutMudou


def ler_login(page: str, *, status: int = 200) -> bool:
    """After the login was sent: True when a session is open, False when the login form came back (refused).

    Raises the Falha that the page stands for; LayoutMudou when it shows nothing known.
    """
    root = parse(page)
    text = fold(root.text_content())
    if root.xpath("//iframe[@name='userMainFrame']"):
        return True
    if MESSAGE_BUSY.search(text):
        raise Bloqueado
    if root.xpath("//*[@name='cf-turnstile-response']") or "captcha" in text:
        raise Captcha
    has_form = root.xpath(LOGIN_FORM)
    if status >= 500 or MESSAGE_LATER.search(text):
        raise PortalIndisponivel
    if MESSAGE_CODE.search(text) and not has_form:
        raise Codigo2fa
    if has_form:
        return False
    raise LayoutMudou("A página que veio depois do login não tem nenhum dos sinais conhecidos.")


def ler_formulario(page: str, *, status: int = 200) -> bool:
    """True when this is a page that a working portal shows before a search: the login or the search form."""
    root = parse(page)
    if root.xpath(LOGIN_FORM) or root.xpath("//form[@id='Formulario']"):
        return status < 500
    return False


def falha_da_pagina(page: str, *, status: int = 200) -> None:
    """Raises what a page that is not the search form stands for; LayoutMudou when nothing known."""
    root = parse(page)
    _raise_failure(root, fold(root.text_content()), status)
    if root.xpath("//*[@name='cf-turnstile-response']"):
        raise Captcha
    raise LayoutMudou("A página de busca do portal não tem o formulário conhecido.")


def _raise_failure(root: HtmlElement, text: str, status: int) -> None:
    if root.xpath(LOGIN_FORM):
        raise SessaoExpirada
    if status >= 500 or MESSAGE_LATER.search(text):
        raise PortalIndisponivel
    if MESSAGE_BUSY.search(text) or status == 429:
        raise Bloqueado


def _case(root: HtmlElement, text: str, numero: str) -> Caso:
    _check_number(root, text, numero)
    movimentacoes = tuple(_movement(row, n) for n, row in enumerate(root.xpath(ROWS)))
    if not movimentacoes and "segredo de justica" in text:
        return Caso(numero, Situacao.SEGREDO)
    if not root.xpath("//tbody[@id='tabListaProcesso']"):
        _raise_failure(root, text, 200)
        raise LayoutMudou("A página do processo não traz a lista de movimentações.")
    migrado = any(MIGRATED.search(fold(f"{m.tipo} {m.descricao}")) for m in movimentacoes)
    return Caso(numero, Situacao.ENCONTRADO, movimentacoes, migrado)


def _check_number(root: HtmlElement, text: str, numero: str) -> None:
    """The page must speak of the case that was asked for: another one's movements would be a false answer."""
    shown = " ".join(span.text_content() for span in root.xpath("//*[@id='span_proc_numero']")) or text
    if digits(numero) not in {digits(found) for found in NUMBER.findall(shown)}:
        raise LayoutMudou("A página aberta não é a do processo pedido.")


def _movement(row: HtmlElement, position: int) -> Movimentacao:
    cells = row.xpath("./td")
    images = row.xpath(".//*[starts-with(@id,'MostrarArquivos_')]/@id")
    drops = row.xpath(".//*[@id_movi]/@id_movi")
    ident = images[0].partition("_")[2] if images else (drops[0] if drops else "")
    kinds = row.xpath(".//span[contains(@class,'filtro_tipo_movimentacao')]")
    tipo = _text(kinds[0]) if kinds else ""
    body = _text(cells[1]) if len(cells) > 1 else _text(row)
    dated = row.xpath("./td[@width='100' and @align='center']") or cells[2:3]
    blocked = "bloqueado" in row.get("class", "").split() or "movimentacao bloqueada" in fold(row.text_content())
    return Movimentacao(
        id=ident,
        numero=_text(cells[0]) if cells else str(position),
        tipo=tipo,
        descricao=body.removeprefix(tipo).strip(),
        data=dated[0].text_content() if dated else "",
        bloqueada=blocked,
        tem_anexos=bool(images),
        anexos=_shown_attachments(row, ident),
    )


def _shown_attachments(row: HtmlElement, ident: str) -> tuple[Anexo, ...]:
    """Those already unfolded in the page: the visible text is cut, the title is whole."""
    if not ident:
        return ()
    links = row.getroottree().xpath("//*[@id=$cell]//a[@href][@title]", cell=f"pai_{ident}")
    return tuple(Anexo(link.get("title"), link.get("href")) for link in links)


def _text(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


def _links(root: HtmlElement, numero: str) -> tuple[tuple[str, str], ...]:
    wanted = digits(numero)
    found = [(_text(a), a.get("href")) for a in root.xpath("//a[@href]")]
    exact = [(text, href) for text, href in found if wanted in {digits(n) for n in NUMBER.findall(text)}]
    return tuple(exact or [(text, href) for text, href in found if "VisualizarProcesso" in href])


def ler_anexos(answer: str) -> tuple[Anexo, ...]:
    """The attachments that the portal's Ajax address names for one movement.

    Raises SessaoExpirada, PortalIndisponivel or LayoutMudou when it answered with something else than the JSON.
    """
    try:
        rows = json.loads(answer)
        return tuple(Anexo(str(row["nome_arquivo"]), str(row.get("href", ""))) for row in rows)
    except (ValueError, TypeError, KeyError, AttributeError):
        if not answer.strip():
            raise LayoutMudou("O portal não disse quais são os anexos de uma movimentação.") from None
        root = parse(answer)
        _raise_failure(root, fold(root.text_content()), 200)
        raise LayoutMudou("A lista de anexos de uma movimentação veio em outro formato.") from None
