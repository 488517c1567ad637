"""What a page offers to a person, that person may do, in each role; and no poll takes the focus from it."""

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.db import transaction
from django.test import Client

from tests.admin_pages import stock_templates  # noqa: F401 (a fixture)
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from tests.processos import pasta_de_scripts  # noqa: F401 (a fixture)
from tests.test_every_control import ROLES, a_person, addresses_for

pytestmark = [
    pytest.mark.once,
    pytest.mark.django_db,
    pytest.mark.usefixtures("grupos", "pagina_leve", "stock_templates"),
]
CLOSED = (403, 404, 405)  # a form that is sent as it came may still be asked to be filled (400)


class Offers(HTMLParser):
    """The links of a page, and what each of its submit buttons would send: (address, method, fields)."""

    def __init__(self, html: str, url: str) -> None:
        super().__init__()
        self.url, self.links = url, set[str]()
        self.sent: list[tuple[str, str, dict[str, str]]] = []
        self._form: dict[str, Any] = {}
        self._forms: dict[str, dict[str, Any]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        if tag == "a" and not of.get("href", "#").startswith(("#", "http", "mailto:")):
            self.links.add(urljoin(self.url, of["href"]).split("#")[0])
        elif tag == "form":
            self._form = {"action": of.get("action", ""), "method": of.get("method", "get"), "fields": {}}
            self._forms[of.get("id", "")] = self._form
        elif tag in ("input", "select", "textarea") and of.get("name") and self._form:
            self._form["fields"][of["name"]] = of.get("value", "")
        elif tag == "button" and of.get("type") == "submit" and "disabled" not in of:
            form = self._forms[of["form"]] if "form" in of else self._form
            action = urljoin(self.url, of.get("formaction", form["action"]))
            fields = form["fields"] | ({of["name"]: of.get("value", "")} if "name" in of else {})
            self.sent.append((action, form["method"], fields))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = {}


def refusals(client: Client, page: str, url: str, done: set[Any]) -> Iterator[str]:
    """What this page offers and the server refuses. Nothing that is done stays done."""
    offers = Offers(client.get(url).content.decode(), url)
    for link in offers.links - done:
        done.add(link)
        if not urlsplit(link).path.startswith("/static/") and (status := client.get(link).status_code) >= 400:
            yield f"{page}: {link} answers {status}"
    for action, method, fields in offers.sent:
        fields.pop("csrfmiddlewaretoken", None)
        wanted = (action, *sorted(fields.items()))
        if method != "post" or wanted in done or action.startswith("/sair/"):
            continue
        done.add(wanted)
        with transaction.atomic():
            status = client.post(action, fields).status_code
            transaction.set_rollback(True)
        if status in CLOSED:
            yield f"{page}: POST {action} {fields} answers {status}"


@pytest.mark.once
@pytest.mark.parametrize("role", [*ROLES[::2], *(pytest.param(role, marks=pytest.mark.slow) for role in ROLES[1::2])])
def test_nobody_is_offered_what_is_refused(role: str, pasta: Path, monkeypatch: Any) -> None:
    person = a_person(role)
    urls = addresses_for(person, pasta, monkeypatch)
    client = Client()
    client.force_login(person)
    done: set[Any] = set()
    wrong = [line for page, url in urls.items() for line in refusals(client, page, url, done)]
    assert not wrong, "\n".join(wrong)
    assert len(done) > (30 if role == "Leitores" else 60), "it has looked at something"


class Swapped(HTMLParser):
    """The controls of a fragment that have no name to find them by."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.nameless: list[str] = []
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        self.ids += [of["id"]] if "id" in of else []
        takes_focus = tag in ("a", "button", "select", "summary", "textarea") or (
            tag == "input" and of["type"] != "hidden"
        )
        if takes_focus and "id" not in of and of.get("tabindex") != "-1":
            self.nameless.append(self.get_starttag_text() or tag)


def test_a_poll_takes_the_focus_from_no_control(pasta: Path, monkeypatch: Any) -> None:
    """htmx gives the focus back to the element of the same id: each control of what a poll swaps has one, its own."""
    urls = addresses_for(person := a_person("superusuário"), pasta, monkeypatch)
    client = Client()
    client.force_login(person)
    lost, seen = [], []
    for page, url in urls.items():
        if "data-ritmo" not in client.get(url).content.decode():
            continue
        others = {"v": "0", "d": "0", "r": ".".join("0" * 9)} | dict(parse_qsl(urlsplit(url).query))
        fragment = client.get(urlsplit(url).path, others, headers={"HX-Request": "true"}).content.decode()
        swapped = Swapped(fragment.partition("<template>")[0])
        seen.append(page)
        lost += [f"{page}: {line}" for line in swapped.nameless]
        lost += [f"{page}: twice: {name}" for name, n in Counter(swapped.ids).items() if n > 1]
    assert not lost, "\n".join(lost)
    assert {"painel", "execucoes", "execucao", "robo", "processos", "processo", "agenda", "portais"} <= set(seen)
