"""Pure: the movements of a Projudi case page."""

import re

from django.utils.translation import gettext as _
from lxml.html import HtmlElement

from workers.errors import LayoutMudou
from workers.portals.base import Anexo, Movimentacao
from workers.portals.projudi_page import fold, text_of

LIST = "//tbody[@id='tabListaProcesso']"
MARKED = "contains(concat(' ', normalize-space(@class), ' '), ' filtro-entrada ')"
ROW = f"{MARKED} or @movi_codigo or contains(@class,'bloqueado') or ./td//*[starts-with(@id,'MostrarArquivos_')]"
ROWS = f"{LIST}/tr[({ROW}) and not(starts-with(@id,'linha_'))]"
LOOSE_ROWS = f"//tr[{MARKED}]"
UNKNOWN_ROWS = f"{LIST}/tr[count(./td) > 2 and not(starts-with(@id,'linha_'))]"
# "migrado de outro sistema" is how a case came here.
MIGRATED = re.compile(r"migrad[oa].{0,80}(?<!\bde )(?<!\bdo )outro sistema")
MOMENT = re.compile(r"\d{2}/\d{2}/\d{4}\s+\d{2}:\d{2}(?::\d{2})?")


def presente(root: HtmlElement) -> bool:
    """Does the page show a case, or the frame of one?"""
    return bool(root.xpath("//*[@id='span_proc_numero']|//*[@id='TabelaArquivos']") or linhas(root))


def linhas(root: HtmlElement) -> list[HtmlElement]:
    return root.xpath(ROWS) or root.xpath(LOOSE_ROWS)


def numero_mostrado(root: HtmlElement) -> str:
    """What the page says where the case's number belongs; may be empty."""
    return " ".join(text_of(span) for span in root.xpath("//*[@id='span_proc_numero']")).strip()


def movimentacoes(root: HtmlElement) -> tuple[Movimentacao, ...]:
    """All rows. Raises LayoutMudou when the list has rows or attachments of an unknown make: unread is not absent."""
    rows = linhas(root)
    if not rows and root.xpath(UNKNOWN_ROWS):
        raise LayoutMudou(_("As linhas da lista de movimentações não são as conhecidas."))
    found: dict[tuple[str, str, str], Movimentacao] = {}
    for position, row in enumerate(rows, start=1):
        movement = _movement(row, position)
        found.setdefault((movement.id, movement.numero, movement.data), movement)
    return tuple(found.values())


def _movement(row: HtmlElement, position: int) -> Movimentacao:
    cells = row.xpath("./td")
    images = row.xpath(".//*[starts-with(@id,'MostrarArquivos_')]/@id")
    drops = row.xpath(".//*[@id_movi]/@id_movi")
    ident = images[0].partition("_")[2] if images else (drops[0] if drops else "")
    if images and not ident:
        raise LayoutMudou(_("Uma movimentação tem anexos, mas não diz quais."))
    kinds = row.xpath(".//span[contains(@class,'filtro_tipo_movimentacao')]")
    tipo = text_of(kinds[0]) if kinds else ""
    body = text_of(cells[1]) if len(cells) > 1 else text_of(row)
    blocked = "bloquead" in row.get("class", "") and "desbloquead" not in row.get("class", "")
    return Movimentacao(
        id=ident,
        numero=text_of(cells[0]) if cells else str(position),
        tipo=tipo,
        descricao=body.removeprefix(tipo).strip(),
        data=_date(row, cells),
        bloqueada=blocked or "movimentacao bloqueada" in fold(row.text_content()),
        tem_anexos=bool(images),
        anexos=_shown_attachments(row, ident),
    )


def _date(row: HtmlElement, cells: list[HtmlElement]) -> str:
    """The portal's own text of the moment: of the cell made for it, or of the third."""
    marked = row.xpath("./td[@width='100' and @align='center']")
    texts = [cell.text_content() for cell in [*(c for c in marked if c in cells[2:3]), *marked, *cells[2:3]]]
    text = next((t for t in texts if re.search(r"\d[/.-]\d", t)), texts[0] if texts else "")
    moments = MOMENT.findall(text)
    # One full moment among other words is no guess; with other digits about, it might be.
    if len(moments) == 1 and not re.search(r"\d", text.replace(moments[0], "")):
        return moments[0]
    return text


def _shown_attachments(row: HtmlElement, ident: str) -> tuple[Anexo, ...]:
    """Those already unfolded in the page: the visible text is cut, the title is whole."""
    if not ident:
        return ()
    links = row.getroottree().xpath("//*[@id=$cell]//a[@href]", cell=f"pai_{ident}")
    return tuple(Anexo(link.get("title") or text_of(link), link.get("href")) for link in links)
