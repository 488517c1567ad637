"""A person chooses failures while the page lives: nothing that was ticked, typed or opened is lost, nothing moves."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from selenium import webdriver
from selenium.webdriver.common.by import By

from executions import clock
from executions.models import Execucao, Registro
from executions.results import Resposta, Resultado
from tests import chain
from tests.browser import chromium, click, complaints, enter, shift, watch_shifts
from tests.factories import nova_execucao, novo_robo, tomado
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from tests.web import web

pytestmark = [
    pytest.mark.browser,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("grupos", "pagina_leve"),
]


def text(browser: webdriver.Chrome, css: str) -> str:
    return browser.execute_script("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", css)


def test_ticks_a_half_typed_search_and_an_open_menu_survive_polls(tmp_path: Path) -> None:
    batch = nova_execucao(4, titulo="Petições", max_robots=3)
    robo = novo_robo(batch)
    tomado(batch, robo).falhar("tempo_esgotado", "Passou de 120 s.")
    item = tomado(batch, robo)
    user = User.objects.create_user("marina", password="x")
    user.groups.add(Group.objects.get(name="Operadores"))
    with web(workers=1) as port, chromium(tmp_path / "perfil") as browser:
        base = f"http://127.0.0.1:{port}"
        enter(browser, base, user)
        browser.get(f"{base}/execucoes/{batch.pk}/")
        complaints(browser)
        click(browser, "#item-1 .pick input")
        assert text(browser, "#n-escolhidos") == "1 escolhida"
        assert not browser.find_element(By.CSS_SELECTOR, "#item-2 .pick input").is_enabled()
        browser.execute_script("document.querySelector('#exportar summary').click()")
        browser.find_element(By.ID, "q").send_keys("metade")
        watch_shifts(browser)

        item.falhar("sessao_expirada", "O portal mostrou o login.")
        tomado(batch, robo).concluir(Resposta(Resultado.PROTOCOLADA, protocolada_em=clock.db_now()))
        Registro.objects.anotar("x", "uma linha nova", execucao=batch)
        chain.wait_for(lambda: "Protocolada" in text(browser, "#item-3"), 15, "the answer in its row")
        assert "Falhou: sessão expirada" in text(browser, "#item-2")
        assert text(browser, "#aba-failed .count") == "2" and "uma linha nova" in text(browser, "#log-linhas")
        assert browser.find_element(By.CSS_SELECTOR, "#item-1 .pick input").is_selected()
        assert browser.execute_script("return document.activeElement.value") == "metade"
        assert browser.execute_script("return document.getElementById('exportar').open")
        assert shift(browser) < 0.1
        assert complaints(browser) == []

        click(browser, "#item-2 .pick input")
        assert text(browser, "#n-escolhidos") == "2 escolhidas"
        assert not browser.execute_script("return document.getElementById('exportar').open"), (
            "a click elsewhere closes it"
        )
        click(browser, "#selecao .main")
        chain.wait_for(lambda: "2 falhas reabertas." in text(browser, ".banner.is-ok"), 10, "what came of it")
    batch = Execucao.objects.get(pk=batch.pk)
    assert (batch.n_failed, batch.n_pending) == (0, 3)
