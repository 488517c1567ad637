"""The keys, the menu and the theme, as a person uses them in a browser."""

import time
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests import chain
from tests.browser import DESKTOP, PHONE, chromium, click, enter, resize
from tests.pages import pessoa
from tests.web import web

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def press(browser: webdriver.Chrome, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def goes_to(browser: webdriver.Chrome, end: str) -> None:
    chain.wait_for(lambda: browser.current_url.endswith(end), 5, f"the way to {end}")


def the_keys_go_to_pages_and_never_while_somebody_types(browser: webdriver.Chrome, base: str) -> None:
    browser.get(f"{base}/")
    press(browser, "g", "m")
    goes_to(browser, "/maquinas/")
    press(browser, "?")
    goes_to(browser, "/ajuda/#atalhos")
    browser.get(f"{base}/execucoes/")
    press(browser, "/")
    search = browser.switch_to.active_element
    assert search.get_attribute("type") == "search"
    press(browser, "g", "m", "?")
    assert search.get_attribute("value") == "gm?" and browser.current_url == f"{base}/execucoes/"


def who_switches_the_keys_off_has_none(browser: webdriver.Chrome, base: str) -> None:
    browser.get(f"{base}/ajuda/")
    click(browser, "#usar-atalhos")
    browser.get(f"{base}/portais/")
    press(browser, "g", "m")
    time.sleep(0.5)
    assert browser.current_url == f"{base}/portais/"
    browser.get(f"{base}/ajuda/")
    assert not browser.find_element(By.ID, "usar-atalhos").is_selected()


def the_menu_opens_on_a_phone_and_leads_on(browser: webdriver.Chrome, base: str) -> None:
    resize(browser, PHONE)
    browser.get(f"{base}/")
    link = browser.find_element(By.CSS_SELECTOR, ".nav a[href='/agenda/']")
    assert not link.is_displayed()
    click(browser, ".menu-btn")
    assert link.is_displayed()
    link.click()
    goes_to(browser, "/agenda/")
    resize(browser, DESKTOP)


def test_keys_menu_and_theme(tmp_path: Path, grupos: None) -> None:
    with web(workers=2) as port, chromium(tmp_path / "perfil") as browser:
        base = f"http://127.0.0.1:{port}"
        enter(browser, base, pessoa("Operadores", is_staff=True))
        the_keys_go_to_pages_and_never_while_somebody_types(browser, base)
        who_switches_the_keys_off_has_none(browser, base)
        the_menu_opens_on_a_phone_and_leads_on(browser, base)
        click(browser, "#tema")
        chosen = browser.execute_script("return document.documentElement.dataset.theme")
        browser.get(f"{base}/admin/")
        assert chosen == browser.execute_script("return document.documentElement.dataset.theme") == "light"
