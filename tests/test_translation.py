"""What people read is marked for translation: every text of a template, of Python and of our JavaScript."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

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
            if name in READ_ALOUD or name.startswith("data-") and portuguese(value or ""):
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
        ('<p data-fim="Sem conexão" data-tom="bad"></p>', ["Sem conexão"]),
    ],
)
def test_the_search_finds_what_is_not_marked(source: str, found: list[str]) -> None:
    assert unmarked(source) == found


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_shows_no_words_that_cannot_be_translated(template: str) -> None:
    assert unmarked((ROOT / template).read_text()) == []


# ---- in Python ------------------------------------------------------------------------------------------------------
MARKS = {
    "gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2, "ngettext_lazy": 2,
}  # fmt: skip
# Files whose texts are nobody's of ours, and why.
LEFT_ALONE = {
    "workers/portals/demo/": "the demonstration portal imitates a court's pages: its words are a portal's",
    "executions/migrations/": "a migration repeats the models' msgids",
}
# Texts that are no words for people: (file, how it begins) and why.
DATA = {
    ("executions/dates.py", "(?P<"): "a pattern of dates that portals print",
    ("executions/api/descricao.py", "value"): "a msgid that was marked where it was written",
    ("executions/api/descricao.py", "tag"): "a msgid that was marked where it was written",
    ("workers/cover.py", "código"): "a part of the names of a portal's fields",
    ("workers/portals/projudi_reader.py", "ï»¿"): "the marks of a file that was read in another encoding",
}
# A single word that is given to these is read by a person.
TOLD = {
    "success", "message_user", "add_message", "_dizer", "ValidationError", "Problema", "PermissionDenied", "Http404",
    "ParametroInvalido", "CronInvalido", "_voltar", "CommandError", "UsoErrado", "Table", "_gauge",
}  # fmt: skip
SHOWN = {
    "verbose_name", "verbose_name_plural", "help_text", "label", "description", "short_description", "summary", "help",
    "titulo", "botao", "aviso", "empty_label", "search_help_text", "about", "frase", "site_header", "site_title",
    "index_title",
}  # fmt: skip
# Words that no English sentence of ours has.
_PORTUGUESE = """ao aos com da das de dela dele ele ela em essa esse esta este foi já mais na nas nenhum nenhuma nos ou
para pela pelo por que quem sem seu sua são só um uma itens falha falhas máquina arquivo arquivos processo credencial"""
PORTUGUESE = set(_PORTUGUESE.split())
# And those that tell an English sentence in an f-string.
_ENGLISH = "a an answer at bytes expected has in is longer must no not of or picture the to unknown with"
ENGLISH = set(_ENGLISH.split())
BASE = Path(settings.BASE_DIR)
SOURCES = sorted(
    path
    for folder in ("executions", "workers", "robotcontrol")
    for path in (BASE / folder).rglob("*.py")
    if not any(path.relative_to(BASE).as_posix().startswith(left) for left in LEFT_ALONE)
)


def portuguese(text: str) -> bool:
    """Is it a sentence, or a part of one, for a person? A single plain word may be a key, and is not told apart."""
    plain = re.sub(r"<[^>]*>", " ", text)
    if re.search(r"[à-öù-úÀ-ÖÙ-Ú]", plain):
        return True
    words = [word.strip('.,:;()«»?!…"') for word in plain.split()]
    return len(words) > 1 and any(word.lower() in PORTUGUESE for word in words)


def told_between_values(text: str) -> bool:
    """The words of an f-string, where even a single one may be read: "Alerta: " and a value."""
    if re.search(r"[<>{}=/_\\]|--|\w\.\w", text) or set(text.lower().split()) & ENGLISH:
        return False
    return bool(set(re.findall(r"[A-ZÀ-Ú][a-zà-ú]{3,}|(?<= )[a-zà-ú]{3,}(?= )", text)) - NAMES)


def unmarked_in_python(source: str) -> list[str]:
    """The texts that nobody could translate: not marked, or marked in a way that makemessages cannot read."""
    tree, found = ast.parse(source), []
    marks = dict(MARKS)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            marks |= {a.asname: MARKS[a.name] for a in node.names if a.asname and a.name in MARKS}
    seen = {id(part) for node in ast.walk(tree) if _is_code(node) for part in ast.walk(node)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) in marks):
        texts = call.args[: marks[_called(call)]]
        found += [ast.unparse(text) for text in texts if not isinstance(text, ast.Constant)]
        seen |= {id(part) for text in texts for part in ast.walk(text)}
    suspects = [part for node in ast.walk(tree) for part in _shown(node)]
    suspects += [node for node in ast.walk(tree) if _is_told(node)]
    for node in suspects:
        if id(node) not in seen:
            found.append(ast.unparse(node) if isinstance(node, ast.JoinedStr) else _text(node))
            seen |= {id(part) for part in ast.walk(node)}
    return found


def _is_told(node: ast.AST) -> bool:
    text = _text(node)
    return portuguese(text) or isinstance(node, ast.JoinedStr) and told_between_values(text)


def _is_code(node: ast.AST) -> bool:
    """What holds texts that are never shown: docstrings and annotations, patterns, lines of the log."""
    if isinstance(node, ast.arg) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return getattr(node.func.value, "id", "") in ("re", "logger", "logging")
    return False


def _text(node: ast.AST) -> str:
    """The words of a string; of an f-string, those between its values."""
    if isinstance(node, ast.JoinedStr):
        return " ".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _places(node: ast.AST) -> "list[ast.expr]":
    """What stands where a person reads it."""
    if isinstance(node, ast.keyword):
        return [node.value] if node.arg in SHOWN else []
    if isinstance(node, ast.Assign):
        names = {getattr(target, "attr", getattr(target, "id", "")) for target in node.targets}
        return [node.value] if names & SHOWN else []
    if isinstance(node, ast.Call):
        told = _called(node) in TOLD or getattr(getattr(node.func, "value", None), "id", "") == "messages"
        return node.args if told else node.args[3:] if _called(node) == "_marca" else []
    if isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
        return [line.value for line in node.body if isinstance(line, ast.Assign)]
    return []


def _shown(node: ast.AST) -> "list[Any]":
    """The strings in such places, be they a single word; but no key, which is in lower case."""
    found = []
    for place in _places(node):
        for part in [place.body, place.orelse] if isinstance(place, ast.IfExp) else [place]:
            if isinstance(part, ast.Tuple) and len(part.elts) == 2:
                part = part.elts[1]  # a value and its word
            if set(WORD.findall(_text(part))) - NAMES and not re.fullmatch(r"[a-z0-9_]*", _text(part)):
                found.append(part)
    return found


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


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
        ('logger.info("não se traduz")', []),
        ('note("aberta", f"Alerta de {x}")', ["f'Alerta de {x}'"]),
        ('x = "os robôs"', ["os robôs"]),
        ('raise ValueError("not a case number")', []),
        ('re.compile("nenhum processo com")', []),
        ('def f():\n    """«Já em execução» is an answer."""', []),
        ('_marca("badge", "warn", "pausa", "Pausada")', ["Pausada"]),
        ('field = CharField(verbose_name="Modo", help_text=_("Sem ou com janela."))', ["Modo"]),
        ('class M(TextChoices):\n    A = "a", "Aberta"\n    B = "b", _("Fechada")', ["Aberta"]),
        ("format_html('<span class=\"de\">{}</span>', x)", []),
    ],
)
def test_the_search_finds_what_python_says_without_a_mark(source: str, found: list[str]) -> None:
    assert unmarked_in_python(IMPORT + source) == found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(BASE).as_posix())
def test_what_python_tells_people_is_marked_for_translation(source: Path) -> None:
    name = source.relative_to(BASE).as_posix()
    known = tuple(begin for file, begin in DATA if file == name)
    assert [text for text in unmarked_in_python(source.read_text()) if not _is_data(text, known)] == []


def _is_data(text: str, known: tuple[str, ...]) -> bool:
    return bool(known) and re.sub("^f?['\"]", "", text).startswith(known)


def test_each_exception_is_still_needed() -> None:
    for file, begin in DATA:
        found = unmarked_in_python((BASE / file).read_text())
        assert any(_is_data(text, (begin,)) for text in found), (file, begin)


# ---- in our JavaScript ----------------------------------------------------------------------------------------------
SCRIPTS = sorted((BASE / "static" / "js").glob("*.js"))


def unmarked_in_script(source: str) -> list[str]:
    """A script takes its words from the page: from data attributes, which the templates' search reads."""
    code = re.sub(r"/\*.*?\*/|(?m:(?<!:)//.*$)", "", source, flags=re.DOTALL)
    texts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)
    words = [text for text in texts if portuguese(text) or re.search(r"^[A-Z][a-z]{2,}( |$)| [a-z]{2,} ", text)]
    known = ("Escape", "Enter", "Date")  # keys, and a header
    return [text for text in words if text not in known and not re.search(r"[\[\]{}#=]|htmx:", text)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('x.textContent = "Pausado";', ["Pausado"]),
        ('x.textContent = n + " de " + m;', [" de "]),
        ('x.textContent = "Sem conexão. Dados de " + hora;', ["Sem conexão. Dados de "]),
        ('x.textContent = x.dataset.pausado; /* "Sem conexão" */', []),
        ('x.getResponseHeader("Date"); q("main [type=search]"); on("htmx:afterSwap")', []),
    ],
)
def test_the_search_finds_what_a_script_says_by_itself(source: str, found: list[str]) -> None:
    assert unmarked_in_script(source) == found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_has_no_words_of_its_own(script: Path) -> None:
    assert unmarked_in_script(script.read_text()) == []
