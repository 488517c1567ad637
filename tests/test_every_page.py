"""Every page, found from the URL patterns, in a real browser: light and dark, wide and narrow."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from selenium import webdriver
from selenium.webdriver.common.by import By

from executions.models import Execucao, Script, Tentativa
from tests import axe, chain
from tests.addresses import a_world, admin_pages, pages
from tests.admin_pages import ficha, lista, stock_templates  # noqa: F401 (a fixture)
from tests.browser import DESKTOP, PHONE, chromium, complaints, enter, overflow, resize, theme
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from tests.processos import pasta_de_scripts  # noqa: F401 (a fixture)
from tests.web import web

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pagina_leve")]


# Django's own markup in the admin: rule -> the elements that it may find there.
OF_DJANGO = {
    # The two boxes of a many-to-many field, built by a script: their search fields have a label beside this icon.
    "aria-allowed-attr": ".selector .help-tooltip",
    # Its label is a picture with an alt text, which axe takes for no label.
    "label-title-only": "#searchbar",
}


def wrong_with(browser: webdriver.Chrome, url: str) -> list[str]:
    """What is wrong with this page, a line each: each size and each theme once, for an axe run is slow."""
    resize(browser, DESKTOP)
    browser.get(url)
    said = [f"console: {line}" for line in complaints(browser)]
    for size, colours in ((DESKTOP, "light"), (PHONE, "dark")):
        resize(browser, size)
        theme(browser, colours)
        wide = overflow(browser)
        said += [f"{size}: scrolls sideways by {wide} px"] if wide else []
        said += [f"{size} {colours}: {line}" for line in (*axe.findings(browser), *axe.targets(browser))]
    complaints(browser)  # axe's own
    return said


def test_every_page_is_accessible_quiet_and_fits_in_both_sizes_and_themes(
    pasta: Path, tmp_path: Path, settings: Any, grupos: None
) -> None:
    a_world(pasta)
    boss = User.objects.create_superuser("chefe", password="x", first_name="Marina", last_name="Couto")
    client = Client()
    client.force_login(boss)
    urls = pages(client) | {"docs": "/api/docs", "404": "/nada/", "entrar": "/entrar/"}
    assert {"painel", "execucao", "processos", "processo", "script", "confirmar_encerrar"} <= set(urls)
    wrong: list[str] = []
    with web(workers=2, SCRIPTS_DIR=pasta) as port, chromium(tmp_path / "perfil") as browser:
        enter(browser, f"http://127.0.0.1:{port}", boss)
        for name, url in urls.items():
            found = wrong_with(browser, f"http://127.0.0.1:{port}{url}")
            if name == "404":
                found = [line for line in found if "404 (Not Found)" not in line]
            if name == "docs":  # its elements are another project's: only what the console says of them is ours
                found = [line for line in found if "console" in line]
            wrong += [f"{name} {line}" for line in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.usefixtures("stock_templates")
def test_the_admin_works_under_the_content_policy_and_is_accessible(pasta: Path, tmp_path: Path, grupos: None) -> None:
    a_world(pasta)
    boss = User.objects.create_superuser("chefe", password="x")
    client = Client()
    client.force_login(boss)
    urls = [url for url in admin_pages() if client.get(url).status_code == 200]
    seen = [
        reverse("admin:index"),
        lista(Tentativa),
        ficha(Script.objects.all()[0]),
        reverse("admin:executions_tokenapi_add"),
    ]
    said: list[str] = []
    with web(workers=2, SCRIPTS_DIR=pasta) as port, chromium(tmp_path / "perfil") as browser:
        enter(browser, f"http://127.0.0.1:{port}", boss)
        for url in urls:
            browser.get(f"http://127.0.0.1:{port}{url}")
            said += complaints(browser)
            if url in seen:
                said += [f"{url} {line}" for line in grave(browser)]
        browser.get(f"http://127.0.0.1:{port}{lista(Execucao)}")
        browser.execute_script(
            "document.querySelector('.action-select').checked = true;"
            "document.querySelector('select[name=action]').value = 'encerrar';"
            "document.querySelector('button[name=index]').click()"
        )
        chain.wait_for(lambda: browser.find_elements(By.NAME, "confirmado"), 10, "the confirmation")
        said += [f"confirmation {line}" for line in (*complaints(browser), *grave(browser))]
    assert not said, "\n".join(said)


def grave(browser: webdriver.Chrome) -> list[str]:
    """What axe says of this page of the admin, in both themes."""
    found = []
    for colours in ("light", "dark"):
        theme(browser, colours)
        found += [f"{colours}: {line}" for line in axe.findings(browser, excused=OF_DJANGO)]
    complaints(browser)  # axe's own
    return found
