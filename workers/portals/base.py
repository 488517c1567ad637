"""What a portal adapter is: a visit that yields a case, and two pure functions that make an answer of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from executions.results import Resposta
from workers.browser import Browser


class Situacao(Enum):
    ENCONTRADO = "encontrado"
    NAO_ENCONTRADO = "nao_encontrado"
    SEGREDO = "segredo"


@dataclass(frozen=True)
class Anexo:
    """A document of a movement: its full title as the portal keeps it, and its address there."""

    nome: str
    endereco: str = ""


@dataclass(frozen=True)
class Movimentacao:
    """A row of the case. `data` is the portal's own text, unread."""

    id: str
    numero: str
    tipo: str
    descricao: str
    data: str
    bloqueada: bool = False
    tem_anexos: bool = False
    anexos: tuple[Anexo, ...] = ()


@dataclass(frozen=True)
class Caso:
    """A case, read to its end."""

    numero: str
    situacao: Situacao
    movimentacoes: tuple[Movimentacao, ...] = ()
    migrado: bool = False


@dataclass(frozen=True)
class Peticao:
    """What is looked for: a file that the office believes to have filed."""

    nome: str
    numero: str
    identificador: str = ""
    avisos: tuple[str, ...] = field(default=())


class PortalAdapter(ABC):
    """Visits one portal with one browser. `avancar(step)` is called at each step forward; it may raise Parada."""

    def __init__(self, browser: Browser, base_url: str, avancar: Callable[[str], None]) -> None:
        self.browser = browser
        self.base_url = base_url.rstrip("/")
        self.avancar = avancar

    @abstractmethod
    def login(self, usuario: str, senha: str) -> None:
        """Opens a session. Raises the Falha that tells why it could not."""

    @abstractmethod
    def sondar(self) -> None:
        """Opens the login page and the search form. Raises PortalIndisponivel or TempoEsgotado when they fail."""

    @abstractmethod
    def visitar(self, numero: str) -> Caso:
        """Reads one case to its end, attachments included. Raises a Falha when that was not possible."""

    @staticmethod
    @abstractmethod
    def casar(caso: Caso, peticao: Peticao, agora: datetime) -> Resposta:
        """Pure: the honest answer for this petition from this case."""
