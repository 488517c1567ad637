"""What people read is marked for translation: in templates, every text, label and plural."""

import ast
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


# ---- in Python ------------------------------------------------------------------------------------------------------
MARKS = {"gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2, "ngettext_lazy": 2}  # how many texts
# What is given to these is read by a person.
TOLD = {
    "success", "message_user", "add_message", "_dizer", "ValidationError", "Problema", "PermissionDenied", "Http404",
    "ParametroInvalido", "CronInvalido", "quantos", "_voltar",
}  # fmt: skip
SOURCES = sorted(path for path in Path(settings.BASE_DIR, "executions").rglob("*.py") if "migrations" not in path.parts)
SENTENCE = re.compile(r"[^\W\d_]{2,}\s+[^\W\d_]|[à-úÀ-Ú]")


def unmarked_in_python(source: str) -> list[str]:
    """The texts that nobody could translate: told as they are, or marked in a way that makemessages cannot read."""
    tree, found = ast.parse(source), []
    marks = dict(MARKS)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            marks |= {a.asname: MARKS[a.name] for a in node.names if a.asname and a.name in MARKS}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = _called(call)
        if name in marks:
            texts = call.args[: marks[name]]
            found += [ast.unparse(text) for text in texts if not isinstance(text, ast.Constant)]
        elif name in TOLD or _of_messages(call):
            found += [text for argument in call.args for text in _told(argument)]
    return found


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _of_messages(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "messages"


def _told(node: ast.AST) -> list[str]:
    """The sentences in an expression, but not those that another call is given."""
    if isinstance(node, ast.Call):
        return []
    if isinstance(node, ast.JoinedStr):
        words = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        return [ast.unparse(node)] if SENTENCE.search(words) else []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and SENTENCE.search(node.value) else []
    return [text for child in ast.iter_child_nodes(node) for text in _told(child)]


IMPORT = "from django.utils.translation import gettext as _, ngettext\n"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('messages.info(request, "Nada mudou.")', ["Nada mudou."]),
        ('messages.info(request, _("Nada mudou."))', []),
        ('raise Problema(404, f"Não há execução {n}.")', ["f'Não há execução {n}.'"]),
        ('raise Problema(404, _("Não há execução %(n)s.") % {"n": n})', []),
        ('messages.error(request, "Nada mudou." if x else _("Feito."))', ["Nada mudou."]),
        ('_(f"Não há execução {n}.")', ["f'Não há execução {n}.'"]),
        ('ngettext("%(n)d item", many, n)', ["many"]),
        ("_(TEXTO)", ["TEXTO"]),
        ('logger.info("a line of the log")', []),
    ],
)
def test_the_search_finds_what_python_says_without_a_mark(source: str, found: list[str]) -> None:
    assert unmarked_in_python(IMPORT + source) == found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(settings.BASE_DIR).as_posix())
def test_what_python_tells_people_is_marked_for_translation(source: Path) -> None:
    assert unmarked_in_python(source.read_text()) == []
