"""Every control of a page, found and worked by itself: it must do something, and nothing may go wrong by it."""

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection
from selenium import webdriver
from selenium.common.exceptions import ElementClickInterceptedException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.browser import come_in, complaints

PROBE = (Path(__file__).parent / "controls.js").read_text()
PATIENCE = 4.0  # seconds until a control that did nothing is dead
DEPTH = 3  # a control that appears by another one's act is worked, too, and what appears by it
LETS_APPEAR = {"button", "summary", "checkbox", "radio"}
KEYS_ONLY = {"region", "skip"}
HOWS = ("mouse", "keyboard")


@dataclass(frozen=True)
class Control:
    shape: str
    kind: str
    html: str
    before: tuple["Control", ...] = ()
    """Those that are worked first, so that it is there."""

    def __str__(self) -> str:
        return " → ".join(control.html for control in (*self.before, self))


class World:
    """The database as it is now, to go back to: SQLite's own copy, a few milliseconds either way."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self._copy = sqlite3.connect(":memory:", check_same_thread=False)
        connection.connection.backup(self._copy)
        self._version = self._read()

    def _read(self) -> int:
        with connection.cursor() as cursor:
            return cursor.execute("PRAGMA data_version").fetchone()[0]

    def restore(self) -> bool:
        """Whether anybody else had written."""
        if self._read() == self._version:
            return False
        self._copy.backup(connection.connection)
        self._version = self._read()
        return True


@dataclass
class Walk:
    """One person's browser on the pages, every control of each by mouse and by keyboard."""

    browser: webdriver.Chrome
    base: str
    downloads: Path
    session: dict[str, str]
    """The cookie of the person's session, which is part of the world: it comes back after a logout."""
    world: World
    short: bool = False
    """Of the links one of each look a page, and by mouse or by keyboard, in turn, what is not sent."""
    wrong: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    """Page -> acts on it."""

    def __post_init__(self) -> None:
        self.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": PROBE})
        behaviour = {"behavior": "allow", "downloadPath": str(self.downloads)}
        self.browser.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
        come_in(self.browser, self.base, self.session)

    # ---- a page --------------------------------------------------------------------------------------------------

    def page(self, name: str, url: str, *, bar: bool = False, known: set[str] | None = None) -> None:
        """`bar`: the top bar's controls instead of the page's own. `known`: shapes that were worked elsewhere."""
        known = set() if known is None else known
        self.load(url)
        waiting = [*self.fresh(bar, known, ())]
        if waiting or not self.short:
            self.tab_through(name, bar)
        while waiting:
            control = waiting.pop(0)
            for how in self.ways(control):
                waiting += self.work(name, url, control, how, bar, known)

    def ways(self, control: Control) -> tuple[str, ...]:
        """By what it is worked; what has no use of a mouse, by the keyboard alone."""
        if control.kind in KEYS_ONLY:
            return HOWS[1:]
        if self.short and control.kind not in ("button", "submit"):
            return (HOWS[sum(self.done.values()) % 2],)
        return HOWS

    def fresh(self, bar: bool, known: set[str], before: tuple[Control, ...]) -> Iterator[Control]:
        for shape, kind, html, _n in self.js("return controls.found(arguments[0])", bar):
            like = f"link|{shape.split('|')[3]}" if self.short and kind == "link" else shape
            if like not in known and kind != "fixed":
                known.add(like)
                yield Control(shape, kind, html, before)

    def work(self, name: str, url: str, control: Control, how: str, bar: bool, known: set[str]) -> list[Control]:
        """What appeared by it, without another page."""
        appeared: list[Control] = []
        self.done[name] = self.done.get(name, 0) + 1
        try:
            self.load(url)
            for earlier in control.before:
                Act(self, earlier, "mouse").do()
            act = Act(self, control, how)
            said = act.do()
            if act.here and control.kind in LETS_APPEAR and len(control.before) < (1 if self.short else DEPTH):
                appeared = [*self.fresh(bar, known, (*control.before, control))]
            self.tell(f"{name} {url} [{how}]", control, *said, *self.went_wrong())
        except WebDriverException as error:
            self.tell(f"{name} {url} [{how}]", control, f"{type(error).__name__} {str(error)[:160]!r}")
            self.went_wrong()
        self.reset()
        return appeared

    def tell(self, where: str, what: object, *lines: str) -> None:
        for line in lines:
            self.wrong.append(f"{where} {line}: {what}")
            print(self.wrong[-1], flush=True)

    def load(self, url: str) -> None:
        """A page that is an error's own is none that went wrong."""
        self.browser.get(self.base + url)
        if self.js("return controls.status()") >= 400:
            self.went_wrong()

    def reset(self) -> None:
        for path in self.downloads.iterdir():
            if path.is_file():
                path.unlink()
        if self.world.restore() and not self.browser.get_cookie(self.session["name"]):
            come_in(self.browser, self.base, self.session)

    def went_wrong(self) -> list[str]:
        return [*self.js("return window.controls ? controls.took() : []"), *complaints(self.browser)]

    def js(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    # ---- the way of the focus ------------------------------------------------------------------------------------

    def tab_through(self, name: str, bar: bool) -> None:
        """Tab reaches every control of the page; the focus is seen, and nothing lies over it."""
        wanted = {shape for shape, kind, _html, _n in self.js("return controls.found(arguments[0])", bar)
                  if kind not in ("fixed", "radio")}  # fmt: skip
        self.js("controls.start()")
        reached: set[str] = set()
        for _ in range(400):
            ActionChains(self.browser, duration=0).send_keys(Keys.TAB).perform()
            focus = self.js("return controls.focused()")
            if focus is None:
                break
            shape, in_bar, outlined, shown, html = focus
            if in_bar != bar or shape in reached:
                continue
            reached.add(shape)
            if not outlined:
                self.tell(f"{name} [Tab]", html, "no outline")
            if not shown:
                self.tell(f"{name} [Tab]", html, "the focus is covered")
        for shape in sorted(wanted - reached):
            if not self.js(ASIDE, shape):
                self.tell(f"{name} [Tab]", shape, "never reached")
        self.went_wrong()


# Out of the way of Tab on purpose: its like is beside it.
ASIDE = "const e = controls.find(arguments[0]); return !e || (e.tabIndex < 0 && e.ariaHidden === 'true')"


class Act:
    """One control, worked once on the page that is loaded."""

    def __init__(self, walk: Walk, control: Control, how: str) -> None:
        self.walk, self.browser, self.control, self.how = walk, walk.browser, control, how
        self.here = True
        """Whether the page that it was on is still there."""

    def do(self) -> list[str]:
        """What is wrong with it, a line each."""
        found = self.walk.js("return controls.prepare(...arguments)", self.control.shape, self.how == "keyboard")
        if found is None:
            return ["is not there any more"]
        element, before, reloading = found
        try:
            (self.point if self.how == "mouse" else self.press)(element)
        except ElementClickInterceptedException as error:
            return [f"something lies over it: {str(error.msg)[-160:]}"]
        if self.how == "mouse" and self.control.kind in ("text", "textarea", "number", "date"):
            focused = self.walk.js("return document.activeElement === arguments[0]", element)
            return [] if focused else ["a click does not focus it"]
        if not self.happened(before, reloading):
            return ["nothing happens"]
        return self.escape() if self.here else []

    def happened(self, before: dict[str, Any], reloading: bool) -> bool:
        """Something that a person sees, or the page that was asked for again (`reloading`). Waits until it is quiet."""
        deadline = time.monotonic() + PATIENCE
        link = self.control.kind == "link"
        while time.monotonic() < deadline:
            try:
                after = self.walk.js("return window.controls ? controls.settled(arguments[0]) : null", link)
            except WebDriverException:  # between two pages
                after = None
            if after:
                self.here = after["page"] == before["page"]
                if any(after[what] != before[what] for what in before if what != "page"):
                    return True
                if (reloading and not self.here) or any(self.walk.downloads.iterdir()):
                    return True
            time.sleep(0.04)
        return False

    def escape(self) -> list[str]:
        """A dialog or menu of the browser's closes by Escape and gives the focus back."""
        if not self.walk.js("return controls.opened()"):
            return []
        self.keys(Keys.ESCAPE)
        said = ["Escape does not close it"] if self.walk.js("return controls.opened()") else []
        back = "return document.activeElement === controls.find(arguments[0])"
        return said + ([] if self.walk.js(back, self.control.shape) else ["Escape does not give the focus back"])

    # ---- mouse and keys ------------------------------------------------------------------------------------------

    def point(self, element: WebElement) -> None:
        if self.control.kind == "select":
            chosen = self.walk.js("const s = arguments[0]; return s.options[s.selectedIndex ? 0 : 1]", element)
            chosen.click()
        elif self.control.kind == "file":
            self.press(element)
        else:
            element.click()

    def press(self, element: WebElement) -> None:
        kind = self.control.kind
        if kind == "file":
            return element.send_keys(str(self.a_file()))
        if kind == "select":
            last = self.walk.js("return arguments[0].selectedIndex === arguments[0].options.length - 1", element)
            return self.keys(Keys.ARROW_UP if last else Keys.ARROW_DOWN)
        if kind == "region":
            up = self.walk.js("return arguments[0].scrollTop > 0", element)
            return self.keys(Keys.HOME if up else Keys.END)
        if kind in ("checkbox", "radio", "summary"):
            return self.keys(Keys.SPACE)
        typed = {"number": Keys.ARROW_UP, "date": "02022026", "text": "x", "textarea": "x\n"}
        return self.keys(typed.get(kind, Keys.ENTER))

    def keys(self, *keys: str) -> None:
        ActionChains(self.browser, duration=0).send_keys(*keys).perform()

    def a_file(self) -> Path:
        """Beside the downloads, where nothing is taken for one."""
        path = self.walk.downloads.parent / "peticao.pdf"
        if not path.exists():
            path.write_bytes(b"%PDF-1.4\n")
        return path
