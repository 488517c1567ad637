"""A page that updates itself disturbs nobody: what is typed, focused and read stays; and it says when it cannot."""

import time
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from selenium import webdriver
from selenium.webdriver.common.by import By

from executions import clock
from executions.models import Processo, Registro
from tests import chain
from tests.browser import chromium, click, complaints, enter, found, shift, watch_shifts
from tests.factories import RESPOSTA, nova_execucao, novo_robo, tomado
from tests.pages import pessoa
from tests.web import web

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def count_polls(browser: webdriver.Chrome) -> None:
    browser.execute_script(
        "window.polls = 0; document.body.addEventListener('htmx:afterRequest', () => window.polls++)"
    )


def polls(browser: webdriver.Chrome) -> int:
    return browser.execute_script("return window.polls")


def shows(browser: webdriver.Chrome, text: str) -> bool:
    return text in browser.execute_script("return document.getElementById('resumo').innerText")


def what_is_typed_and_focused_stays(browser: webdriver.Chrome, robo: Processo) -> None:
    field = browser.find_element(By.ID, "o-que")
    browser.execute_script("arguments[0].value = 'tudo'; arguments[0].focus()", field)
    watch_shifts(browser)
    for n, cpu in enumerate((12.0, 57.0), start=1):
        Processo.objects.filter(pk=robo.pk).update(cpu=cpu, heartbeat_at=clock.db_now())
        chain.wait_for(lambda cpu=cpu: shows(browser, f"{cpu:.0f}%"), 8, f"swap {n}")
    assert browser.switch_to.active_element.get_attribute("id") == "o-que"
    assert field.get_attribute("value") == "tudo", "the filter is the same element, as it was left"
    assert shift(browser) < 0.01


def a_pause_is_one(browser: webdriver.Chrome, robo: Processo) -> None:
    button = browser.find_element(By.ID, "pausar-tick")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    before = polls(browser)
    Processo.objects.filter(pk=robo.pk).update(cpu=33.0)
    time.sleep(2.5)
    assert polls(browser) == before and not shows(browser, "33%")
    button.click()
    chain.wait_for(lambda: shows(browser, "33%"), 1.5, "an update at once after the pause")


def nobody_there_means_once_a_minute(browser: webdriver.Chrome) -> None:
    browser.execute_script("const now = Date.now.bind(Date); Date.now = () => now() + 61000")
    time.sleep(2.6)  # the quick tick that was due already; none when a poll was on its way at that moment
    before = polls(browser)
    time.sleep(2.6)
    assert polls(browser) == before
    browser.execute_script("window.dispatchEvent(new Event('pointermove'))")
    chain.wait_for(lambda: polls(browser) > before, 1.5, "an update at once when somebody moves")
    before = polls(browser)
    browser.execute_script("window.dispatchEvent(new Event('focus'))")
    chain.wait_for(lambda: polls(browser) > before, 1.5, "an update at once on return to the window")


def without_a_connection_it_says_so(browser: webdriver.Chrome) -> None:
    browser.execute_cdp_cmd("Network.enable", {})
    away = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True} | away)
    banner = browser.find_element(By.ID, "sem-conexao")
    chain.wait_for(banner.is_displayed, 5, "the banner")
    clock_shown = browser.find_element(By.ID, "relogio").text
    assert banner.text == f"Sem conexão. Dados de {clock_shown}."
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False} | away)
    chain.wait_for(lambda: not banner.is_displayed(), 5, "the end of the banner")


def test_a_live_page_disturbs_nobody_and_says_when_it_cannot_update(tmp_path: Path, grupos: None) -> None:
    robo = novo_robo(nova_execucao(4))
    tomado(robo.execucao, robo)
    user = pessoa("Operadores")
    with web(workers=2) as port, chromium(tmp_path / "perfil") as browser:
        enter(browser, f"http://127.0.0.1:{port}", user)
        browser.get(f"http://127.0.0.1:{port}/processos/?desfecho=falha")
        count_polls(browser)
        what_is_typed_and_focused_stays(browser, robo)
        a_pause_is_one(browser, robo)
        nobody_there_means_once_a_minute(browser)
        without_a_connection_it_says_so(browser)

        Session.objects.all().delete()
        chain.wait_for(lambda: "/entrar/" in browser.current_url, 5, "the login page")
        found(browser, "[name=username]").send_keys(user.username)
        found(browser, "[name=password]").send_keys("x")
        click(browser, "button.big")
        chain.wait_for(lambda: browser.current_url.endswith("/processos/?desfecho=falha"), 5, "the way back")


def test_pages_that_change_move_nothing_and_keep_the_focus(tmp_path: Path, grupos: None) -> None:
    robo = novo_robo(nova_execucao(20, titulo="Petições", max_robots=2))
    batch = robo.execucao
    tomado(batch, robo).falhar("navegador", "caiu")
    held = tomado(batch, robo)
    # Page -> what of it, swapped by each poll, has the focus.
    pages = {
        "/": f"situacaofailed-{batch.pk}",
        "/execucoes/": f"falhas-{batch.pk}",
        f"/execucoes/{batch.pk}/": "partes-situacaofailed",
        f"/robos/{robo.uuid}/": "ver-execucao",
        "/processos/": f"encerrar-{robo.pk}",
    }
    with web(workers=2) as port, chromium(tmp_path / "perfil") as browser:
        base = f"http://127.0.0.1:{port}"
        enter(browser, base, pessoa("Operadores"))
        complaints(browser)
        for n, (url, focus) in enumerate(pages.items(), start=1):
            browser.get(base + url)
            browser.execute_script("document.getElementById(arguments[0]).focus()", focus)
            browser.execute_script(
                "window.swaps = 0; document.body.addEventListener('htmx:afterSettle', () => window.swaps++)"
            )
            watch_shifts(browser)
            for turn in range(2):
                held.concluir(RESPOSTA)
                held = tomado(batch, robo)
                seen = {"cpu": 10.0 * n + turn, "passo": f"abrindo o caso {n}.{turn}", "heartbeat_at": clock.db_now()}
                Processo.objects.filter(pk=robo.pk).update(**seen)
                Registro.objects.anotar("x", f"caso {n}.{turn}", execucao=batch, processo_id=robo.pk)
                before = browser.execute_script("return window.swaps")
                chain.wait_for(
                    lambda b=before: browser.execute_script("return window.swaps") > b, 8, f"a swap of {url}"
                )
            assert browser.execute_script("return document.activeElement.id") == focus, url
            assert shift(browser) < 0.05, url
        assert complaints(browser) == []
