"""Pure: a Projudi page (PORTALS in docs/flow.md) as a person reads it, and its markers."""

import copy
import re
import unicodedata

from django.utils.translation import gettext as _
from lxml import html as lxml_html
from lxml.etree import ParserError
from lxml.html import HtmlElement

from executions import cnj
from workers.errors import LayoutMudou

LOGIN_FORM = "//input[@id='login'] and //input[@id='senha']"
# What the adapter's script found invisible; a page read without a browser shows it by its own attributes.
HIDDEN_MARK = "data-robo-oculto"
HIDDEN_STYLE = re.compile(r"display:none|visibility:hidden")
# Foot, help and menus speak of captchas and sealed cases on every page: that is no message.
NOISE = re.compile(r"(div|box|area|site|pagina|page)?[-_]?(rodape|footer|ajuda|help)([-_]?[a-z]*)?")
KEPT = "descendant-or-self::*[@id='TabelaArquivos' or @id='span_proc_numero' or @id='login' or @name='userMainFrame']"
BREAKING = ("br", "p", "div", "td", "th", "tr", "li", "h1", "h2", "h3", "table", "button", "label", "option")


def fold(text: str) -> str:
    """Without accents and case, white space single: how the portal's messages are compared."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(plain.lower().split())


def shows(text: str, numero: str) -> bool:
    """Is this very case number in the text, however the portal writes it (leading zeros may be hidden)?"""
    return cnj.padrao_de(numero).search(" ".join(text.split())) is not None


def text_of(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


class Pagina:
    """`root` is the whole page. `visivel` is its copy without what nobody reads; `texto` that copy's text, folded."""

    def __init__(self, page: str) -> None:
        self.root = _parse(page)
        self.visivel = _without_noise(self.root)
        self.texto = fold(self.visivel.text_content())

    @property
    def tem_login(self) -> bool:
        return bool(self.visivel.xpath(LOGIN_FORM))

    @property
    def tem_captcha(self) -> bool:
        return bool(self.root.xpath("//*[@name='cf-turnstile-response']"))

    @property
    def tem_quadro(self) -> bool:
        """The frame that every page of an open session lives in."""
        return bool(self.root.xpath("//iframe[@name='userMainFrame']"))


def _parse(page: str) -> HtmlElement:
    try:
        root = lxml_html.document_fromstring(page)
    except (ParserError, ValueError) as error:
        raise LayoutMudou(_("O portal devolveu uma página vazia.")) from error
    noises: list[HtmlElement] = list(root.iter("script", "style", "noscript", "template"))
    for noise in noises:
        noise.drop_tree()
    for element in root.iter(*BREAKING):
        # text_content() would glue "26/02/2026<br>11:23" and two cells' words together.
        element.tail = f" {element.tail or ''}"
    return root


def _without_noise(root: HtmlElement) -> HtmlElement:
    seen = copy.deepcopy(root)
    for element in list(seen.iter()):
        if isinstance(element.tag, str) and element.getparent() is not None and _noise(element):
            element.drop_tree()
    return seen


def _noise(element: HtmlElement) -> bool:
    if element.tag in ("option", "textarea", "footer", "nav"):
        return True
    if element.tag in ("body", "head", "form"):
        return False
    if element.get(HIDDEN_MARK) is not None or element.get("hidden") is not None:
        return True
    if HIDDEN_STYLE.search(re.sub(r"\s", "", element.get("style", "").lower())):
        return True
    names = fold(f"{element.get('id', '')} {element.get('class', '')}").split()
    return any(NOISE.fullmatch(name) for name in names) and not element.xpath(KEPT)
