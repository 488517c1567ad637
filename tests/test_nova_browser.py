"""A person pastes a name, drops a file, sees what was read, keeps an answer and starts: a real browser and server."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from selenium import webdriver
from selenium.webdriver.common.by import By

from executions.models import Execucao
from tests import chain
from tests.browser import chromium, click, complaints, enter
from tests.factories import nova_credencial, novo_host, novo_portal
from tests.intake_helpers import NOME, OUTRO, pdf
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from tests.web import web

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pagina_leve")]
DROP = """
const files = new DataTransfer();
files.items.add(new File([arguments[1]], arguments[0], {type: "application/pdf"}));
document.getElementById("alvo").dispatchEvent(
  new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true}));
"""
WATCH = """
window.seen = [];
new MutationObserver(() => window.seen.push(document.getElementById("texto-envio").textContent))
  .observe(document.getElementById("texto-envio"), {childList: true, characterData: true, subtree: true});
"""


def shown(browser: webdriver.Chrome, selector: str) -> str:
    found = browser.find_elements(By.CSS_SELECTOR, selector)
    return found[0].text if found else ""


def test_a_person_pastes_drops_checks_and_starts(tmp_path: Path, grupos: None) -> None:
    novo_host()
    nova_credencial(novo_portal(nome="Projudi Demo", tribunais=["8.99"]))
    user = User.objects.create_user("marina", password="x")
    user.groups.add(Group.objects.get(name="Operadores"))
    with web(workers=2) as port, chromium(tmp_path / "perfil") as browser:
        enter(browser, f"http://127.0.0.1:{port}", user)
        browser.get(f"http://127.0.0.1:{port}/execucoes/nova/")
        browser.switch_to.active_element.send_keys(f"{OUTRO} Certidão.pdf\nnada.docx")
        browser.execute_script(DROP, NOME, pdf("a").decode("latin-1"))
        assert shown(browser, "#escolhidos").startswith("1 arquivo escolhido")
        click(browser, "#envio button")
        chain.wait_for(lambda: shown(browser, "#previa h2"), 10, "the preview")
        assert [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, "#previa .title")] == [
            "…Manifestação", "…Certidão", "nada.docx",
        ]  # fmt: skip

        title = browser.find_element(By.ID, "titulo")
        title.clear()
        title.send_keys("Da tarde")
        click(browser, "#aba-recusados")
        chain.wait_for(lambda: len(browser.find_elements(By.CSS_SELECTOR, "#previa tbody tr")) == 1, 10, "the tab")
        assert browser.find_element(By.ID, "titulo").get_attribute("value") == "Da tarde", "a tab keeps the options"

        click(browser, "#inicio .main")
        chain.wait_for(lambda: "/nova/" not in browser.current_url, 10, "the page of the execution")
        batch = Execucao.objects.get()
        assert browser.current_url.endswith(f"/execucoes/{batch.pk}/")
        assert (batch.titulo, batch.total_arquivos) == ("Da tarde", 2)
        assert bytes(batch.itens.get(nome_arquivo=NOME).arquivo or b"") == pdf("a")
        assert complaints(browser) == []


def test_the_page_says_what_a_sending_came_to(tmp_path: Path, grupos: None) -> None:
    """The progress while it is sent, the limit before it is sent, and the server's refusal beside the form."""
    nova_credencial()
    user = User.objects.create_user("marina", password="x")
    user.groups.add(Group.objects.get(name="Operadores"))
    with web(workers=2, UPLOAD_MAX_MB=3) as port, chromium(tmp_path / "perfil") as browser:
        enter(browser, f"http://127.0.0.1:{port}", user)
        browser.get(f"http://127.0.0.1:{port}/execucoes/nova/")
        browser.execute_script(DROP, NOME, "x" * (3 * 2**20 + 1))
        assert "passam de 3 MB" in shown(browser, "#erro-envio")
        button = browser.find_element(By.CSS_SELECTOR, "#envio button")
        button.click()
        assert shown(browser, "#andamento") == "", "nothing is sent"

        browser.execute_script("document.getElementById('envio').dataset.limite = 1e9")
        button.click()
        chain.wait_for(lambda: "Nada foi recebido" in shown(browser, "#erro-envio"), 10, "the refusal")

        browser.execute_script("document.getElementById('arquivos').value = ''")
        browser.execute_script(DROP, NOME, "%PDF-" + "x" * 2 * 2**20)
        browser.execute_script(WATCH + "window.onbeforeunload = () => sessionStorage.seen = window.seen.join('|')")
        button.click()
        chain.wait_for(lambda: shown(browser, "#previa h2"), 10, "the preview")
        assert "Conferindo…" in browser.execute_script("return sessionStorage.seen")
