"""A batch from the command line: enqueue it, see it to its end, show the answers."""

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from executions import clock, futuro
from executions.formatos import momento
from executions.lotes import UsoErrado, escolher, ler
from executions.models import Execucao, Host, Processo
from executions.results import ErroClasse, Resultado
from executions.robos import espera_de, pedir_robos
from workers.host import HostAgent, HostOcupado, HostRecusado, lock_is_free

PLAIN_SECONDS = 5.0
FOLLOW_SECONDS = 0.25


def usuario(nome: str) -> "User | None":
    """The system's user of this name; None for an empty one. Raises UsoErrado."""
    if not nome:
        return None
    found = User.objects.filter(username=nome).first()
    if found is None:
        raise UsoErrado(gettext("Usuário desconhecido: %(nome)s.") % {"nome": nome})
    return found


@dataclass
class Follower:
    """Watches one execution until it ends, or until it was without a robot for `max_wait` seconds."""

    execucao: Execucao
    max_wait: float
    console: Console
    gave_up: str = ""  # what it waited for, when it gave up

    def __post_init__(self) -> None:
        self._robot_seen = time.monotonic()
        self._plain_at = 0.0
        self._progress = Progress(
            TextColumn("{task.fields[robots]}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[text]}"), TimeElapsedColumn(), console=self.console, transient=True,
            disable=not self.console.is_terminal,
        )  # fmt: skip
        self._task: TaskID = self._progress.add_task("", total=self.execucao.total_arquivos, robots="", text="")
        self._progress.start()

    def ended(self) -> bool:
        """One look; True when there is nothing more to wait for."""
        self.execucao.refresh_from_db()
        robots = Processo.objects.vivos().filter(execucao=self.execucao).count()
        now = time.monotonic()
        if robots:
            self._robot_seen = now
        self._show(robots, now)
        if not self.execucao.aberta and not robots:
            return True
        if self.execucao.aberta and now - self._robot_seen > self.max_wait:
            self.gave_up = str(espera_de(self.execucao, clock.db_now()).label) or gettext("Nenhum robô veio.")
        return bool(self.gave_up)

    def close(self) -> None:
        self._progress.stop()
        self.execucao.refresh_from_db()
        if self.gave_up:
            self.console.print(
                gettext("Desisti de esperar: %(segundos).0f s sem nenhum robô. %(motivo)s")
                % {"segundos": self.max_wait, "motivo": self.gave_up}
            )
        if self.execucao.aberta:
            left = self.execucao.total_arquivos - self.execucao.progress
            self.console.print(
                ngettext(
                    "A execução %(numero)s continua na fila: %(n)s arquivo ainda sem resposta.",
                    "A execução %(numero)s continua na fila: %(n)s arquivos ainda sem resposta.",
                    left,
                )
                % {"numero": self.execucao.pk, "n": left}
            )

    def _show(self, robots: int, now: float) -> None:
        batch = self.execucao
        text = gettext("respondidos %(respondidos)s · falhas %(falhas)s%(previsao)s") % {
            "respondidos": batch.n_done, "falhas": batch.n_failed, "previsao": self._forecast(),
        }  # fmt: skip
        busy = gettext("robôs %(n)s de %(maximo)s") % {"n": robots, "maximo": batch.max_robots}
        self._progress.update(
            self._task,
            completed=batch.progress,
            robots=busy,
            text=text,
        )
        if not self.console.is_terminal and now - self._plain_at >= PLAIN_SECONDS:
            self._plain_at = now
            head = f"{momento(timezone.now(), 'hora')} {busy} · {batch.progress}/{batch.total_arquivos}"
            self.console.print(f"{head} · {text}", highlight=False)

    def _forecast(self) -> str:
        """Rate and time to the end; silent while nobody can say."""
        now = clock.db_now()
        forecast = futuro.previsoes(futuro.olhar(now)).get(self.execucao.pk)
        if forecast is None or forecast.fim is None:
            return ""
        left = max(0.0, (forecast.fim - now).total_seconds())
        return gettext(" · %(ritmo).0f por minuto · faltam %(segundos).0f s") % {
            "ritmo": forecast.amostra.por_minuto,
            "segundos": left,
        }


def run(execucao: Execucao, *, max_wait: float, stop: threading.Event, console: Console) -> Follower:
    """Runs the batch to its end: by following when this installation has a live host, else as a host of its own
    that serves only this execution and leaves nothing. Raises HostRecusado."""
    follower = Follower(execucao, max_wait, console)
    if _served(execucao):
        pedir_robos(execucao.pk)
    try:
        while not stop.wait(FOLLOW_SECONDS) and not follower.ended():
            if not _served(execucao) and _hosted(execucao, follower, stop):
                break
    finally:
        follower.close()
    return follower


def _served(execucao: Execucao) -> bool:
    """Does a live host serve this batch? This machine's own is asked by its lock: a crash leaves a fresh heartbeat."""
    hosts = Host.objects.vivos(clock.db_now()).que_servem(execucao.pk)
    return any(host.nome != settings.ROBOT_HOST or not lock_is_free() for host in hosts)


def _hosted(execucao: Execucao, follower: "Follower", stop: threading.Event) -> bool:
    """Serves the batch as a host of its own. False while another run's host has this machine: it is waited for."""
    agent = HostAgent(stop, exclusiva=execucao)
    try:
        agent.start()
    except HostOcupado:
        return False
    try:
        agent.run(each_tick=follower.ended)
    finally:
        agent.finish()
    return True


def table(rows: Iterator[tuple[str, ...]]) -> Table:
    """The answers for the terminal."""
    shown = Table(
        gettext("Arquivo"), gettext("Processo"), gettext("Resposta"), gettext("Protocolada em"), gettext("Detalhes"),
        expand=False,
    )  # fmt: skip
    for arquivo, processo, _, situacao, resultado, quando, _, _, _, classe, detalhes, _ in rows:
        shown.add_row(arquivo, processo, _answer(situacao, resultado, classe), quando, detalhes)
    return shown


def _answer(situacao: str, resultado: str, classe: str) -> str:
    if resultado and situacao == "done":
        return (
            f"[green]{Resultado(resultado).label}[/]" if resultado == "protocolada" else str(Resultado(resultado).label)
        )
    if classe:
        word = gettext("Rejeitado") if situacao == "rejeitado" else gettext("Falhou")
        return f"[red]{word}: {ErroClasse(classe).label}[/]"
    return f"[yellow]{gettext('Sem resposta')}[/]"


def console() -> Console:
    terminal = sys.stdout.isatty()
    # Into a file or a pipe, wide enough for the names to differ.
    return Console(file=sys.stdout, soft_wrap=not terminal, width=None if terminal else 200)


__all__ = ["Follower", "HostRecusado", "UsoErrado", "console", "escolher", "ler", "run", "table"]
