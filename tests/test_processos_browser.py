"""A person runs a script, watches its log grow, scrolls up, and cancels it: a real browser, server and host."""

import time
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from selenium import webdriver
from selenium.webdriver.common.by import By

from executions.models import Processo
from tests import chain
from tests.browser import chromium, click
from tests.processos import novo_script, pasta_de_scripts  # noqa: F401 (a fixture)
from tests.web import web

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SLOW = """
import sys, time
for n in range(1, 31):
    print("linha", n, flush=True)
    print(f"::progress {n}/60 passo {n}", flush=True)
    if n == 3:
        print("um aviso", file=sys.stderr, flush=True)
    time.sleep(0.3)
time.sleep(120)
"""


def lines(browser: webdriver.Chrome) -> list[str]:
    return browser.execute_script("return [...document.querySelectorAll('#log-linhas li p')].map(e => e.textContent)")


def bar(browser: webdriver.Chrome) -> float:
    return browser.execute_script("const b = document.querySelector('#progresso'); return b ? b.value : 0")


def place(browser: webdriver.Chrome) -> tuple[float, float]:
    """(how far the log is scrolled, how far it could be)."""
    return tuple(
        browser.execute_script(
            "const p = document.getElementById('saida-painel'); return [p.scrollTop, p.scrollHeight - p.clientHeight]"
        )
    )


def log_in(browser: webdriver.Chrome, base: str) -> None:
    user = User.objects.create_user("marina", password="senha-da-marina-9")
    user.groups.add(Group.objects.get(name="Operadores"))
    browser.get(f"{base}/entrar/?next=/processos/")
    browser.find_element(By.NAME, "username").send_keys("marina")
    browser.find_element(By.NAME, "password").send_keys("senha-da-marina-9")
    click(browser, "button.big")


def watch_the_log_grow(browser: webdriver.Chrome) -> None:
    chain.wait_for(lambda: "linha 4" in lines(browser) and bar(browser), 20, "the first lines and progress")
    before, moved = len(lines(browser)), bar(browser)
    chain.wait_for(lambda: len(lines(browser)) > before and bar(browser) > moved, 10, "more lines and progress")
    assert browser.execute_script("return document.querySelector('li.c-err .lv').textContent") == "erros"
    chain.wait_for(lambda: place(browser)[1] > 100, 15, "a log longer than its window")
    top, bottom = place(browser)
    assert bottom - top < 30, "it follows its end"


def scrolling_up_stops_following(browser: webdriver.Chrome) -> None:
    browser.execute_script("document.getElementById('saida-painel').scrollTop = 10")
    follow = browser.find_element(By.ID, "seguir")
    chain.wait_for(lambda: follow.get_attribute("aria-pressed") == "false", 5, "the end of following")
    before = len(lines(browser))
    chain.wait_for(lambda: len(lines(browser)) > before, 10, "more lines")
    assert place(browser)[0] == 10
    follow.click()
    top, bottom = place(browser)
    assert bottom - top < 30 and follow.get_attribute("aria-pressed") == "true"


def test_a_person_runs_a_script_watches_it_and_cancels_it(pasta: Path, tmp_path: Path, grupos: None) -> None:
    script = novo_script(pasta, SLOW, nome="devagar.py", timeout_s=100)
    with (
        chain.machine(SCRIPTS_DIR=pasta, CANCEL_GRACE_SECONDS=2),
        web(workers=2, SCRIPTS_DIR=pasta) as port,
        chromium(tmp_path / "perfil") as browser,
    ):
        log_in(browser, f"http://127.0.0.1:{port}")
        click(browser, f"#executar-{script.pk}")
        click(browser, "button.main")
        watch_the_log_grow(browser)
        scrolling_up_stops_following(browser)
        assert len(set(lines(browser))) == len(lines(browser)), "no line comes twice"

        browser.get(f"http://127.0.0.1:{port}/scripts/{script.pk}/")
        assert f"(PID {Processo.objects.get().pid}). Cancelar?" in browser.find_element(By.TAG_NAME, "h1").text
        browser.back()
        click(browser, "#cancelar")
        chain.wait_for(lambda: "Cancelado" in browser.page_source and "Sinal" in browser.page_source, 20, "the end")
        assert not browser.execute_script("return document.getElementById('resumo').dataset.ritmo")
        time.sleep(0.5)
        said = [entry for entry in browser.get_log("browser") if "favicon" not in entry["message"]]
        assert said == []
    assert Processo.objects.get().motivo == "cancelado"
    assert not chain.left_over()
