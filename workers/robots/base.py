"""What a robot is: it opens its session, and turns an item into an answer. The rest is workers/robot.py's."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from executions.models import Execucao, JobItem
from executions.results import Resposta


class Robot(ABC):
    """One robot of one execution. `advance(step)` is called at each step forward; it raises Parada to stop."""

    def __init__(self, execucao: Execucao, folder: Path, advance: Callable[[str], None]) -> None:
        self.execucao = execucao
        self.folder = folder
        self.advance = advance

    @property
    def caso_aberto(self) -> str:
        """The case that the robot has open and would answer without another visit; empty when none."""
        return ""

    @property
    def devtools(self) -> tuple[str, str] | None:
        """Where its browser may be watched (workers/devtools.py); None while it has none."""
        return None

    @abstractmethod
    def abrir(self) -> None:
        """Starts what it works with. Raises a Falha."""

    @abstractmethod
    def login(self) -> None:
        """Opens its session at the portal. Raises a Falha."""

    @abstractmethod
    def sondar(self, caso: str) -> None:
        """Raises a Falha when the portal itself does not answer. `caso`: one that it has answered; empty for none."""

    @abstractmethod
    def precisa_visitar(self, item: JobItem) -> bool:
        """Will this item cost the portal a query?"""

    @abstractmethod
    def processar(self, item: JobItem) -> Resposta:
        """The honest answer for this item. Raises a Falha when there is none."""

    @abstractmethod
    def fechar(self) -> None:
        """Ends what it works with, in order if that is possible."""
