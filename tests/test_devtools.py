"""Pictures of a real Chromium through a second connection: secrets covered, the page untouched, no wait for ever."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from workers import devtools, processes
from workers.browser import Browser
from workers.devtools import FAILURES, DevTools
from workers.errors import AlertaDoPortal

pytestmark = [pytest.mark.browser, pytest.mark.nodb]
PAGE = """data:text/html,<title>x</title><h1>Entrar</h1><input id=login><input id=senha type=password>
<input name=codigoVerificacao><iframe id=dentro srcdoc="<input type=password id=senha2>"></iframe>"""


MARK = f"teste-devtools-{os.getpid()}"


@pytest.fixture(scope="module", params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["headless", "visible"])
def browser(request: Any, tmp_path_factory: Any) -> Iterator[Browser]:
    os.environ[processes.MARK] = MARK
    try:
        chromium = Browser(tmp_path_factory.mktemp("chromium"), visible=request.param)
        yield chromium
        chromium.close()
    finally:
        del os.environ[processes.MARK]
        processes.reap(MARK)


@pytest.fixture
def eyes(browser: Browser) -> Iterator[DevTools]:
    browser.open(PAGE)
    opened = DevTools(*browser.devtools)
    yield opened
    opened.close()


def shown(browser: Browser, eyes: DevTools, **values: str) -> bytes:
    """The picture of the page with these values typed into its fields (`senha2`: the one inside the frame)."""
    script = """for (const [id, value] of Object.entries(arguments[0])) {
      const frame = document.getElementById('dentro').contentDocument;
      (document.getElementById(id) || document.getElementsByName(id)[0] || frame.getElementById(id)).value = value;
    }"""
    browser.run(script, values)
    time.sleep(0.1)
    picture = eyes.picture()
    assert picture
    return picture


def test_a_picture_is_a_small_jpeg_of_what_the_window_shows(browser: Browser, eyes: DevTools) -> None:
    picture = shown(browser, eyes, login="demo")
    begin = picture.index(b"\xff\xc0")  # the frame header: length, precision, height, width
    assert int.from_bytes(picture[begin + 7 : begin + 9], "big") == browser.run("return innerWidth")
    assert 3_000 < len(picture) < 100_000
    assert shown(browser, eyes, login="outra pessoa") != picture


@pytest.mark.parametrize("field", ["senha", "codigoVerificacao", "senha2"])
def test_neither_a_typed_secret_nor_its_length_is_ever_seen(browser: Browser, eyes: DevTools, field: str) -> None:
    empty = shown(browser, eyes)
    assert shown(browser, eyes, **{field: "s"}) == empty
    assert shown(browser, eyes, **{field: "segredo-bem-comprido"}) == empty
    browser.run("document.getElementById('senha').type = 'text'")  # "mostrar senha"
    assert shown(browser, eyes, **{field: "segredo-bem-comprido"}) == empty


def test_a_page_that_insists_on_its_own_colours_shows_no_secret(browser: Browser, eyes: DevTools) -> None:
    browser.run("""const style = document.createElement('style');
      style.textContent = '#senha { color: black !important; -webkit-text-fill-color: black !important }';
      document.head.append(style); document.getElementById('senha').type = 'text';""")
    assert shown(browser, eyes, senha="segredo") == shown(browser, eyes, senha="")


def test_a_form_that_a_script_writes_into_an_opened_document_shows_no_secret(browser: Browser, eyes: DevTools) -> None:
    browser.run("""const html = document.documentElement.outerHTML;
      document.open(); document.write(html); document.close();""")
    assert shown(browser, eyes, senha="segredo") == shown(browser, eyes, senha="")


def test_the_robot_finds_the_page_as_it_was(browser: Browser, eyes: DevTools) -> None:
    state = "return [document.documentElement.outerHTML, innerWidth, innerHeight, document.activeElement.tagName, seen]"
    browser.run(
        "window.seen = 0; for (const e of ['resize', 'scroll', 'blur', 'focus']) addEventListener(e, () => seen++)"
    )
    before = browser.run(state)
    assert eyes.picture()
    assert browser.run(state) == before


def test_an_alert_reaches_the_robot_although_pictures_are_asked_for_while_it_is_open(
    browser: Browser, eyes: DevTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devtools, "COMMAND_SECONDS", 0.5)
    assert eyes.picture()
    browser.run("setTimeout(() => alert('sessao expirada'), 20)")
    time.sleep(0.2)
    with suppress(*FAILURES):
        eyes.picture()
    eyes.close()
    with pytest.raises(AlertaDoPortal, match="sessao expirada"):
        browser.run("return 1")
    assert browser.run("return document.title") == "x"


def test_pictures_come_while_the_page_waits_for_its_portal(browser: Browser, eyes: DevTools) -> None:
    answer = threading.Event()

    class Late(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer.wait(10)
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Late) as portal:
        threading.Thread(target=portal.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{portal.server_port}/"
        browser.run("setTimeout(url => { location.href = url; }, 20, arguments[0])", url)
        time.sleep(0.3)
        began = time.monotonic()
        assert eyes.picture() and DevTools(*browser.devtools).picture()
        assert time.monotonic() - began < 2
        answer.set()
        browser.open(PAGE)
        portal.shutdown()


def test_pictures_come_while_the_robot_waits_in_a_command(browser: Browser, eyes: DevTools) -> None:
    waiting = threading.Thread(target=browser.run_async, args=("setTimeout(arguments[0], 2000)",))
    waiting.start()
    began, n = time.monotonic(), 0
    while waiting.is_alive() and n < 3:
        n += bool(eyes.picture())
    assert n == 3 and time.monotonic() - began < 2
    waiting.join()


def test_a_frozen_browser_is_given_up_in_time(
    browser: Browser, eyes: DevTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devtools, "COMMAND_SECONDS", 0.5)
    monkeypatch.setattr(devtools, "CONNECT_SECONDS", 0.5)
    family = [member.pid for member in processes.find(MARK)]
    assert len(family) > 5
    signal_all(family, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for attempt in (eyes.picture, lambda: DevTools(*browser.devtools)):
            with pytest.raises(FAILURES):
                attempt()
        assert time.monotonic() - began < 2
    finally:
        signal_all(family, signal.SIGCONT)


def signal_all(pids: list[int], sig: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # a helper of the browser that has ended meanwhile
            os.kill(pid, sig)


def test_no_browser_there_is_a_failure_at_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FAILURES):
        DevTools(f"127.0.0.1:{port}", "page")
