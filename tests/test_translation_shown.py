"""A translation reaches everything that is shown: with every text in brackets, no word stands outside of them."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command, load_command_class
from django.core.management.base import BaseCommand, CommandError
from django.test import Client
from django.utils import translation

from executions import cron
from executions.models import Registro, TokenAPI
from tests.addresses import a_world, admin_pages, pages
from tests.admin_pages import stock_templates  # noqa: F401 (a fixture)
from tests.factories import nova_execucao
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from tests.processos import pasta_de_scripts  # noqa: F401 (a fixture)
from workers.errors import TempoEsgotado

pytestmark = [
    pytest.mark.once,
    pytest.mark.django_db,
    pytest.mark.usefixtures("grupos", "pagina_leve", "stock_templates"),
]
OPEN, CLOSE = "⟦", "⟧"
WORD = re.compile(r"[^\W\d_]{3,}")
COMMANDS = ("api_token", "demo", "killrobots", "portal_demo", "robot", "runrobots", "scheduler", "up", "watchdog")
READ_ALOUD = {"title", "aria-label", "placeholder", "alt", "data-l"}


@pytest.fixture
def brackets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A language whose every text is the Portuguese one in brackets."""
    real = translation._trans  # type: ignore[attr-defined]

    def plain(message: str) -> str:
        return f"{OPEN}{message}{CLOSE}" if message else ""

    def plural(one: str, many: str, n: int) -> str:
        return plain(one if n == 1 else many)

    monkeypatch.setattr(real, "gettext", plain, raising=False)
    monkeypatch.setattr(real, "ngettext", plural, raising=False)
    monkeypatch.setattr(real, "pgettext", lambda context, message: plain(message), raising=False)
    monkeypatch.setattr(real, "npgettext", lambda context, *args: plural(*args), raising=False)
    yield


def outside(text: str, depth: int = 0) -> tuple[str, int]:
    """What is left without what stands in brackets, and how deep in brackets the text ends."""
    kept = []
    for char in text:
        depth += char == OPEN
        if not depth:
            kept.append(char)
        depth -= char == CLOSE and depth > 0
    return "".join(kept), depth


class Shown(HTMLParser):
    """The texts of a page and of its attributes that are read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.words: set[str] = set()
        self.inside: list[str] = []
        self.depth = 0  # a text may begin before a tag and end after it

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "code", "pre"):
            self.inside.append(tag)
        for name, value in attrs:
            if name in READ_ALOUD:
                self.words |= set(WORD.findall(outside(value or "")[0]))

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            text, self.depth = outside(data, self.depth)
            self.words |= set(WORD.findall(text))


def bare_words(html: str) -> set[str]:
    """The words that nobody translated, but for what is data."""
    page = Shown()
    page.feed(html)
    assert page.depth == 0, "a bracket is open: a text was cut, and what follows was not looked at"
    return {word for word in page.words if word not in DATA}


def test_the_search_sees_what_stands_outside_of_the_brackets() -> None:
    page = "<p>⟦Falhou: ⟦portal⟧⟧ <b title='Abrir'>⟦três</b> erros⟧ Robôs</p><code>abc</code>"
    assert bare_words(page) == {"Abrir", "Robôs"}


def told(wrong: dict[str, set[str]]) -> str:
    return "\n".join(f"{name}: {' '.join(sorted(words))}" for name, words in wrong.items() if words)


_DATA = """chefe Petições Portal advogado arquivo linha pdf caso caiu maquina dono integrador analise livre Analisa
balanceamento distribuição Análise diária Sempre dez noite Plantão equipe Manifestação Relatório docx script json http
cli peticoes projudi cheia está máquina Pouco disco Leitores Operadores Supervisores integração token Falhou navegador
PID CPU RAM CSV API UUID SHA"""
# Codes: names of events, kinds of parameters, and what Django's admin shows in English in every language.
_CODES = """agendamento credencial criado enfileirada fora pausado pedido portal recusada
data escolha numero texto True False Search"""
DATA = set((_DATA + " " + _CODES).split())


def all_bracketed(texts: "list[str]") -> list[str]:
    """Those that say something outside of brackets."""
    return [text for text in texts if set(WORD.findall(outside(text)[0])) - DATA]


def test_every_page_speaks_the_language_of_its_reader(pasta: Path, brackets: None) -> None:
    a_world(pasta)
    client = Client()
    client.force_login(User.objects.create_superuser("chefe"))
    wrong = {name: bare_words(client.get(url).content.decode()) for name, url in pages(client).items()}
    assert not any(wrong.values()), told(wrong)


def test_every_page_of_the_admin_does_too(pasta: Path, brackets: None) -> None:
    a_world(pasta)
    client = Client()
    client.force_login(User.objects.create_superuser("chefe"))
    TokenAPI.objects.update(prefixo="x")
    wrong = {url: bare_words(client.get(url).content.decode()) for url in admin_pages()}
    assert not any(wrong.values()), told(wrong)


def test_the_help_and_the_errors_of_every_command_do_too(brackets: None) -> None:
    said = []
    for name in COMMANDS:
        command: Any = load_command_class("workers", name)
        usual = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
        parser = command.create_parser("manage.py", name)
        said += [parser.description, *(a.help or "" for a in parser._actions if a.dest not in usual)]
    assert len(said) > 30 and all_bracketed(said) == []
    for args in (
        ["killrobots", "--execucao", "0"],
        ["runrobots", "x.pdf", "--max-robots", "0"],
        ["api_token", "ninguem"],
    ):
        with pytest.raises(CommandError) as refused:
            call_command(*args)
        assert all_bracketed([str(refused.value)]) == []


def test_the_api_its_errors_and_its_document_do_too(brackets: None) -> None:
    client = Client()
    nobody = client.get("/api/execucoes/1").json()
    client.force_login(User.objects.create_superuser("chefe"))
    errors = [nobody, client.get("/api/execucoes/987654").json(), client.get("/api/nada").json()]
    assert all_bracketed([error[key] for error in errors for key in ("title", "detail")]) == []

    document = client.get("/api/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    schemas = document["components"]["schemas"].values()
    said = [document["info"]["title"], document["info"]["description"], *(op["summary"] for op in operations)]
    said += [part["description"] for part in (*operations, *schemas) if "description" in part]
    assert len(said) > 20 and all_bracketed(said) == []


def test_what_is_stored_is_in_the_language_of_the_moment(brackets: None) -> None:
    execucao = nova_execucao(1)
    execucao.pausar()
    execucao.definir_max_robots(3)
    execucao.encerrar()
    execucao.refresh_from_db()
    said = [*Registro.objects.values_list("mensagem", flat=True), execucao.motivo, str(TempoEsgotado())]
    said += execucao.itens.values_list("erro", flat=True)
    assert "⟦Execução pausada.⟧" in said and len(said) >= 6
    assert all_bracketed(said) == []


def test_a_schedule_in_words_does_too(brackets: None) -> None:
    exprs = (
        "0 8 * * *",
        "*/5 9-17 * * 1-5",
        "0 9 1,15 * *",
        "0 9 * 1-3 *",
        "0 9 * * 5L",
        "x",
        "*/7 * * * *",
        "0 18 LW 2 *",
    )
    assert all_bracketed([cron.em_palavras(expr) for expr in exprs]) == []
