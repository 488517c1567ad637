"""The browser factory: a private Chromium whose every command has an end, and whose every error has a meaning."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import urllib3
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from selenium import webdriver
from selenium.common.exceptions import (
    SessionNotCreatedException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)
from selenium.webdriver.chrome.remote_connection import ChromeRemoteConnection
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.client_config import ClientConfig

from workers import cover
from workers.errors import AlertaDoPortal, NavegadorQuebrado, PaginaTrocada, PortalIndisponivel, TempoEsgotado

START_GATES = 2
KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "XAUTHORITY", "ROBOT_WORKER_ID")
FLAGS = (
    "--window-size=1280,900", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-default-apps", "--disable-extensions", "--password-store=basic", "--mute-audio",
    "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic",
)  # fmt: skip
LEFT_THE_PAGE = ("document unloaded", "aborted by navigation", "no such execution context", "Cannot find context")
NO_CHROMIUM = gettext_lazy(
    "Chromium ou ChromeDriver não encontrado. Instale com: apt-get install chromium chromium-driver"
)
NO_DISPLAY = gettext_lazy(
    "O modo com janela precisa de uma tela: defina DISPLAY ou instale o Xvfb (apt-get install xvfb)."
)


@contextmanager
def _translated() -> Iterator[None]:
    """Turns what Selenium and its HTTP client raise into what it means for the item."""
    try:
        yield
    except TimeoutException as error:
        raise TempoEsgotado() from error
    except UnexpectedAlertPresentException as error:
        said = error.alert_text or error.msg
        raise AlertaDoPortal(_("O portal mostrou um alerta: %(erro)s") % {"erro": said}) from error
    except WebDriverException as error:
        text = (error.msg or "").splitlines()[0] if error.msg else ""
        if any(sign in text for sign in LEFT_THE_PAGE):
            raise PaginaTrocada from error
        if "net::ERR_" in text:
            raise PortalIndisponivel(
                _("O portal não pôde ser acessado (%(erro)s).") % {"erro": text.partition("net::")[2][:60]}
            ) from error
        raise NavegadorQuebrado(_("O navegador travou ou caiu: %(erro)s") % {"erro": text[:200]}) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        late = isinstance(error, urllib3.exceptions.TimeoutError)
        raise NavegadorQuebrado(
            _("O navegador não respondeu no tempo limite e foi descartado.")
            if late
            else _("O navegador parou de responder e foi descartado.")
        ) from error


class Browser:
    """One Chromium of one robot, in its private folder. Errors come out as Falhas; after any it may be unhealthy."""

    def __init__(self, folder: Path, *, visible: bool, waiting: Callable[[], None] = lambda: None) -> None:
        """Starts it. Raises NavegadorQuebrado with a sentence the operator can act upon.

        `waiting` is called again and again while others' browsers start first.
        """
        self.folder = folder
        self.healthy = True
        self._service: Service | None = None
        with _start_gate(waiting), _starting():
            self.driver = self._start(visible)

    def _start(self, visible: bool) -> webdriver.Remote:
        for name in ("home", "tmp", "perfil", "downloads"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        environment = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        environment |= {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        environment |= {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
        url = settings.SELENIUM_REMOTE_URL
        if not url:
            if visible:
                environment["DISPLAY"] = os.environ.get("DISPLAY") or _virtual_display(self.folder)
            self._service = Service(chromedriver_path(), env=environment)
            self._service.start()
            url = self._service.service_url
        # urllib3's retries would triple the time limit of a hung browser.
        pool = {"init_args_for_pool_manager": {"retries": False}}
        config = ClientConfig(url, timeout=settings.COMMAND_TIMEOUT_SECONDS, init_args_for_pool_manager=pool)
        driver = webdriver.Remote(ChromeRemoteConnection(url, client_config=config), options=self._options(visible))
        driver.set_page_load_timeout(settings.PAGE_TIMEOUT_SECONDS)
        driver.set_script_timeout(settings.SCRIPT_TIMEOUT_SECONDS)
        on_new_document = {"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": cover.ON_NEW_DOCUMENT}
        driver.execute("executeCdpCommand", on_new_document)
        self._page = driver.current_window_handle
        return driver

    def _options(self, visible: bool) -> webdriver.ChromeOptions:
        options = webdriver.ChromeOptions()
        options.page_load_strategy = "eager"
        for argument in FLAGS:
            options.add_argument(argument)
        if not visible:
            options.add_argument("--headless=new")
        if os.geteuid() == 0:
            # Chromium's sandbox refuses root; run robots as an ordinary user to keep it.
            options.add_argument("--no-sandbox")
        if not settings.SELENIUM_REMOTE_URL:
            options.binary_location = chromium_path()
            options.add_argument(f"--user-data-dir={self.folder / 'perfil'}")
            downloads = {
                "download.default_directory": str(self.folder / "downloads"),
                "download.prompt_for_download": False,
                "plugins.always_open_pdf_externally": True,
            }
            options.add_experimental_option("prefs", downloads)
        return options

    @property
    def devtools(self) -> tuple[str, str]:
        """For a second connection: host:port of this machine (or what a Grid offers), and the covered page's target.

        No command is sent.
        """
        told = self.driver.capabilities
        return told.get("se:cdp") or told.get("goog:chromeOptions", {}).get("debuggerAddress", ""), self._page

    @contextmanager
    def _command(self) -> Iterator[None]:
        try:
            with _translated():
                yield
        except (NavegadorQuebrado, TempoEsgotado):
            self.healthy = False
            raise

    def open(self, url: str) -> None:
        """Navigates; returns when the document is readable. An HTTP error is no exception: read the page."""
        with self._command():
            self.driver.get(url)

    def enter_frame(self, name: str) -> None:
        """What is run from now on, until the next `open`, is run inside this frame of the page."""
        with self._command():
            self.driver.switch_to.frame(name)

    def run(self, script: str, *arguments: Any) -> Any:
        with self._command():
            return self.driver.execute_script(script, *arguments)

    def run_async(self, script: str, *arguments: Any) -> Any:
        """Runs a script that ends by calling its last argument, within the script time limit."""
        with self._command():
            return self.driver.execute_async_script(script, *arguments)

    def close(self) -> None:
        """Ends a healthy browser in order. A sick one is left to the reaper: quit() on it takes most of a minute,
        says "ok" and leaves Chromium at full speed."""
        if self.healthy:
            with suppress(WebDriverException, urllib3.exceptions.HTTPError, OSError):
                self.driver.quit()
            if self._service and self._service.process:
                self._service.process.terminate()


@contextmanager
def _starting() -> Iterator[None]:
    try:
        yield
    except SessionNotCreatedException as error:
        raise NavegadorQuebrado(
            _("O Chromium não abriu: %(erro)s") % {"erro": (error.msg or "").splitlines()[0][:300]}
        ) from error
    except (WebDriverException, urllib3.exceptions.HTTPError, OSError) as error:
        raise NavegadorQuebrado(
            _("O navegador não iniciou: %(erro)s") % {"erro": str(error).splitlines()[0][:300]}
        ) from error


@contextmanager
def _start_gate(waiting: Callable[[], None]) -> Iterator[None]:
    """At most two browsers of a host start at the same time: eight at once stretch each start from 1 s to 10 s."""
    folder = settings.ROBOT_RUN_DIR
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        for n in range(START_GATES):
            with (folder / f"gate-{n}").open("w") as gate:
                try:
                    fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield
                return
        waiting()
        time.sleep(0.05)


def _first(configured: str, *names: str) -> str:
    found = shutil.which(configured) if configured else next(filter(None, map(shutil.which, names)), None)
    if not found:
        raise NavegadorQuebrado(str(NO_CHROMIUM))
    return found


def chromium_path() -> str:
    return _first(settings.CHROMIUM, "chromium", "chromium-browser", "google-chrome")


def chromedriver_path() -> str:
    return _first(settings.CHROMEDRIVER, "chromedriver")


def _virtual_display(folder: Path) -> str:
    """Starts an Xvfb in the robot's session, which dies with it; returns its display."""
    program = shutil.which("Xvfb")
    if not program:
        raise NavegadorQuebrado(str(NO_DISPLAY))
    read, write = os.pipe()
    command = [program, "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with (folder / "xvfb.log").open("wb") as log:
        subprocess.Popen(command, pass_fds=(write,), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    if not number:
        raise NavegadorQuebrado(_("O Xvfb não iniciou."))
    return f":{number}"
