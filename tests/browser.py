"""A person's browser in the tests: headless Chromium, logged in without typing, and what it complained of."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests import chain

DESKTOP, PHONE = (1366, 900), (360, 780)
NOT_YET = (
    NoSuchElementException, StaleElementReferenceException, ElementClickInterceptedException,
    ElementNotInteractableException,
)  # fmt: skip


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """Its profile lies in this folder; it is closed in order at the end."""
    options = webdriver.ChromeOptions()
    options.binary_location = settings.CHROMIUM or "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", f"--user-data-dir={folder}", "--window-size=1366,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(settings.CHROMEDRIVER or "/usr/bin/chromedriver")
    browser = webdriver.Chrome(options=options, service=service)
    browser.set_script_timeout(120)  # axe on a long page, on a machine that does much else
    try:
        yield browser
    finally:
        browser.quit()


def session_of(user: User) -> dict[str, str]:
    """The cookie of a session in which this person is logged in."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "path": "/"}


def enter(browser: webdriver.Chrome, base: str, user: User) -> None:
    """Logs this person in by the session's cookie."""
    come_in(browser, base, session_of(user))


def come_in(browser: webdriver.Chrome, base: str, session: dict[str, str]) -> None:
    browser.get(f"{base}/healthz/live")
    browser.add_cookie(session)


def found(browser: webdriver.Chrome, css: str) -> WebElement:
    """Once it is there: an address changes before the page of it has come."""
    return chain.wait_for(lambda: next(iter(browser.find_elements(By.CSS_SELECTOR, css)), None), 20, css)


def click(browser: webdriver.Chrome, what: str, by: str = By.CSS_SELECTOR) -> None:
    """Once it can be: a poll may put a new one in its place, or move it, between the look and the click."""
    chain.wait_for(lambda: _clicked(browser, by, what), 20, f"{what} to be there")


def _clicked(browser: webdriver.Chrome, by: str, what: str) -> bool:
    try:
        found = browser.find_element(by, what)
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        found.click()
    except NOT_YET:
        return False
    return True


def resize(browser: webdriver.Chrome, size: tuple[int, int]) -> None:
    """The page itself is this large: a window cannot be as narrow as a phone."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def theme(browser: webdriver.Chrome, name: str) -> None:
    """Its colours are there when this returns, not on their way."""
    browser.execute_script(
        "document.documentElement.dataset.theme = arguments[0];"
        "document.getAnimations().filter(a => a instanceof CSSTransition).forEach(a => a.finish())",
        name,
    )


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What the console said since it was last asked: errors, refused loads, violations of the content policy."""
    said = [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    # The one page without a head of its own, where `enter` begins, names no icon.
    return [message for message in said if "/favicon.ico" not in message]


def overflow(browser: webdriver.Chrome) -> int:
    """By how many pixels the page scrolls sideways; 0 for none."""
    return browser.execute_script(
        "const e = document.documentElement; return Math.max(0, e.scrollWidth - e.clientWidth)"
    )


def watch_shifts(browser: webdriver.Chrome) -> None:
    """From now on, `shift` tells how much of the page moved without anybody's doing."""
    browser.execute_script(
        "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach(e => {"
        " if (!e.hadRecentInput) window.moved += e.value; })).observe({type: 'layout-shift'})"
    )


def shift(browser: webdriver.Chrome) -> float:
    """The cumulative layout shift since `watch_shifts`, of the Layout Instability API."""
    return browser.execute_script("return window.moved")
