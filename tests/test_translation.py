"""What people read is marked for translation: in templates, every text, label and plural."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType

pytestmark = pytest.mark.nodb
ROOT = Path(settings.BASE_DIR) / "templates"
TEMPLATES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.html"))
# The same in every language.
NAMES = {"Controle", "de", "Robôs", "API", "PID", "CPU", "MB", "KB", "RAM", "CSV", "XLSX", "PDF", "ZIP", "SHA"}
READ_ALOUD = {"title", "aria-label", "placeholder", "alt", "data-l"}
WORD = re.compile(r"[^\W\d_]{2,}")
VALUE = " "  # where a template's value stands


class Texts(HTMLParser):
    """The words of a page's markup that are not a value's: text, and attributes that are read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        for name, value in attrs:
            if name in READ_ALOUD:
                self.handle_data(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        words = set(WORD.findall(data)) - NAMES
        if words and self.inside not in ("script", "style", "code"):
            self.found.append(" ".join(data.split()))


def unmarked(source: str) -> list[str]:
    """The words of this template that nobody could translate."""
    markup, found, translating = "", [], False
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0]
            if name in ("blocktranslate", "endblocktranslate"):
                translating = name == "blocktranslate"
            elif name != "translate":
                found += _strings(token.contents)
            markup += VALUE
        elif token.token_type == TokenType.VAR:
            found += _strings(token.contents)
            markup += VALUE
        elif token.token_type == TokenType.TEXT and not translating:
            markup += token.contents
    parser = Texts()
    parser.feed(markup)
    parser.close()
    return found + parser.found


def _strings(contents: str) -> list[str]:
    """Words given to `plural`, `default` and the like without `_()`."""
    if not re.match(r"plural\b", contents) and "default" not in contents:
        return []
    bare = re.findall(r'(?<!_\()"([^"]+)"', contents)
    return [text for text in bare if set(WORD.findall(text)) - NAMES]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Falhou</p>", ["Falhou"]),
        ('<p>{% translate "Falhou" %} {{ x }} PID</p>', []),
        ("<p>{% blocktranslate count n=n %}{{ n }} falha{% plural %}{{ n }} falhas{% endblocktranslate %}</p>", []),
        ('<a title="Abrir" href="/a">{{ x }} de {{ y }} itens</a>', ["Abrir", "de itens"]),
        ('{% plural n "item" "itens" %}{% plural n _("item") _("itens") %}', ["item", "itens"]),
        ('{{ x|default:"nenhum" }}{{ x|default:_("nenhum") }}{# um comentário #}', ["nenhum"]),
        ("<code>manage.py runrobots</code><script>var nada;</script>", []),
    ],
)
def test_the_search_finds_what_is_not_marked(source: str, found: list[str]) -> None:
    assert unmarked(source) == found


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_shows_no_words_that_cannot_be_translated(template: str) -> None:
    assert unmarked((ROOT / template).read_text()) == []
