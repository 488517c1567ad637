"""An operator's day, from login to logout: a real browser, a real server, real robots, the demonstration portal."""

import csv
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from openpyxl import load_workbook
from selenium import webdriver
from selenium.webdriver.common.by import By

from executions import exports
from executions.models import Execucao, Processo
from tests import chain
from tests.browser import DESKTOP, PHONE, chromium, click, complaints, found, overflow, resize, shift, watch_shifts
from tests.web import web
from workers.portals.demo.sample import AMOSTRA
from workers.portals.demo.server import PortalDemo

pytestmark = [
    pytest.mark.browser,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("grupos"),
]
HELD = "sem_resposta"  # the portal holds the first search of this case, and answers the second
QUICK = ("protocolada", "mesmo_dia", "nao_localizada", "desconhecido", "segredo", "migrado", "ambigua", "p7s")
DAY = [line for line in AMOSTRA if line.cenario in (HELD, *QUICK)]
PATIENT = {"PAGE_TIMEOUT_SECONDS": 90, "COMMAND_TIMEOUT_SECONDS": 100, "SCRIPT_TIMEOUT_SECONDS": 80}
SEEN = "const i = document.querySelector('.tela img'); return i && i.complete ? i.naturalWidth : 0"


class Day:
    """What the operator does with the browser. `moved` sums the layout shifts of the pages that were watched."""

    def __init__(self, browser: webdriver.Chrome, base: str, downloads: Path) -> None:
        self.browser, self.base, self.downloads = browser, base, downloads
        self.moved = 0.0
        behaviour = {"behavior": "allow", "downloadPath": str(downloads)}
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)

    def text(self, css: str = "main") -> str:
        said = "const e = document.querySelector(arguments[0]); return e ? e.innerText : ''"
        return self.browser.execute_script(said, css)

    def click(self, css: str) -> None:
        click(self.browser, css)

    def act(self, label: str) -> None:
        """A button or link by its words."""
        click(self.browser, f"//main//*[self::a or self::button][contains(., '{label}')]", By.XPATH)

    def says(self, words: str, css: str = "main", seconds: float = 30) -> None:
        chain.wait_for(lambda: words in self.text(css), seconds, f"“{words}” in {css}")

    def verified(self) -> int:
        return int(self.text("#progresso strong").split()[0])

    def log_in(self) -> None:
        self.browser.get(self.base)
        self.browser.find_element(By.ID, "usuario").send_keys("marina")
        self.browser.find_element(By.ID, "senha").send_keys("segredo-da-marina")
        self.click("form button.main")
        self.says("Em execução")

    def start(self) -> Execucao:
        self.click("#menu a[href='/execucoes/']")
        self.click(".page-head a[href='/execucoes/nova/']")
        found(self.browser, "#nomes").send_keys("\n".join([*(line.nome for line in DAY), "nada.docx"]))
        self.click("#envio button[type=submit]")
        self.says(f"{len(DAY)} entram na execução, 1 recusada", "#previa")
        self.click("#robos label:has(input[value='2'])")
        self.act(f"Iniciar {len(DAY)} itens")
        self.says("0 de", "#progresso")
        return Execucao.objects.get()

    def watch_the_progress(self) -> None:
        """By itself: the page is the one that was loaded, and nothing of it jumps."""
        self.browser.execute_script("window.same = true")
        watch_shifts(self.browser)
        before = self.verified()
        chain.wait_for(lambda: self.verified() >= before + 2, 40, "progress by itself")
        assert self.browser.execute_script("return window.same")
        self.moved += shift(self.browser)

    def look_through(self, robot: Processo) -> None:
        self.click(f"#ver-{robot.pk}")
        self.says("O que o robô vê")
        watch_shifts(self.browser)
        chain.wait_for(lambda: self.browser.execute_script(SEEN) > 100, 20, "the robot's screen")
        self.moved += shift(self.browser)
        self.click(".crumb a")

    def pause_and_resume(self, batch: Execucao) -> None:
        self.act("Pausar")
        self.says("Pausada em")
        self.act("Retomar")
        self.says("Pausar", "#acoes")
        batch.refresh_from_db()
        assert not batch.pausada

    def kill(self, robot: Processo, name: str) -> None:
        """After the page that names it; its item fails, and its processes are gone."""
        family = chain.members(robot)
        self.click(f"#encerrar-{robot.pk}")
        assert f"PID {robot.pid}" in self.text() and "O item em mãos falha como «encerrado»." in self.text()
        self.act("Encerrar o robô")
        self.says("Falhou: encerrado", "#itens")
        chain.wait_for(lambda: not chain.members(robot), 15, "the end of its processes")
        assert len(family) > 1
        self.click("#linhas tr:has(.is-bad) .title a")
        self.says(name, "h1")
        assert "Robô encerrado pelo operador." in self.text()
        self.click(".crumb a:last-of-type")

    def reopen(self) -> None:
        self.act("Reabrir 1 falha")
        self.says("1 falha reaberta.", ".banner[role=status]")
        chain.wait_for(lambda: self.text("#ao-vivo-texto") == "Terminada", 40, "the end, told by the page itself")
        assert re.search(rf"Terminou em .*: \d+ de {len(DAY)} protocoladas", self.text("#progresso"))
        shown = [self.browser.find_element(By.CSS_SELECTOR, css).is_displayed() for css in ("#prioridade", "#max")]
        assert shown == [False, False], "what does nothing any more is not offered"
        resize(self.browser, PHONE)
        assert overflow(self.browser) == 0
        resize(self.browser, DESKTOP)

    def export(self, kind: str) -> Path:
        """Its file, from the page's menu, which stays open after the first."""
        for closed in self.browser.find_elements(By.CSS_SELECTOR, "#exportar:not([open]) summary"):
            closed.click()
        self.click(f"#exportar a[href$='.{kind}']")
        found = chain.wait_for(lambda: list(self.downloads.glob(f"*.{kind}")), 15, f"the {kind}")
        return found[0]

    def log_out(self) -> None:
        self.click(".topbar form button")
        chain.wait_for(lambda: "/entrar/" in self.browser.current_url, 10, "the login page")
        self.browser.get(f"{self.base}/execucoes/")
        assert "/entrar/" in self.browser.current_url


def held_robot(batch: Execucao, name: str) -> Processo:
    item = chain.wait_for(lambda: batch.itens.em_andamento().filter(nome_arquivo=name).first(), 30, "the held item")
    return Processo.objects.get(pk=item.processo_id)


def test_an_operator_does_the_work_of_a_day(tmp_path: Path) -> None:
    user = User.objects.create_user("marina", password="segredo-da-marina")
    user.groups.add(Group.objects.get(name="Operadores"))
    held = next(line.nome for line in DAY if line.cenario == HELD)
    with (
        PortalDemo(latency=0.3) as portal, chain.machine(**PATIENT), web(workers=2, threads=4) as port,
        chromium(tmp_path / "perfil") as browser,
    ):  # fmt: skip
        chain.demo_portal(portal.url)
        day = Day(browser, f"http://127.0.0.1:{port}", tmp_path)
        day.log_in()
        batch = day.start()
        day.watch_the_progress()
        robot = held_robot(batch, held)
        day.look_through(robot)
        day.pause_and_resume(batch)
        day.kill(robot, held)
        day.reopen()
        table, book = day.export("csv"), day.export("xlsx")
        day.log_out()
        assert complaints(browser) == []
        assert day.moved < 0.05, "only a reason to wait that ends, or a robot that comes, moves what is below"

    assert chain.wrong_answers(batch, DAY) == []
    rows = [list(exports.COLUMNS), *map(list, exports.linhas(batch))]
    assert len(rows) == len(DAY) + 1
    with table.open(encoding="utf-8-sig", newline="") as handle:
        assert list(csv.reader(handle, delimiter=";")) == rows
    assert [[cell or "" for cell in row] for row in load_workbook(book).active.values] == rows
    assert not chain.left_over()
