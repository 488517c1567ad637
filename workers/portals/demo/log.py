"""What was asked of the portal and when: the evidence that tests read as an outside observer."""

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

Kind = Literal["login_form", "login", "search_form", "search", "attachments", "other"]


@dataclass(frozen=True)
class LogEntry:
    """One request. `begin` and `end` are `time.monotonic()` seconds of this machine; `status` 0 means no answer.

    `usuario` is who was logged in when the request came (for a login: who tried); `numero` is the case, or "".
    """

    begin: float
    end: float
    session: str
    usuario: str
    kind: Kind
    numero: str
    status: int


class RequestLog:
    """A list of `LogEntry`, in order of their end, safe for threads; also a JSON-lines file when one is named."""

    def __init__(self, path: Path | str | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: list[LogEntry] = []
        self._file: IO[str] | None = None

    def open(self) -> None:
        if self._path is not None and self._file is None:
            self._file = Path(self._path).open("a", encoding="utf-8")  # noqa: SIM115 - closed by `close`

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def add(self, entry: LogEntry) -> None:
        with self._lock:
            self._entries.append(entry)
            if self._file is not None:
                self._file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
                self._file.flush()

    def clear(self) -> None:
        """Forget the list; the file keeps its lines."""
        with self._lock:
            self._entries.clear()

    def snapshot(self) -> list[LogEntry]:
        with self._lock:
            return list(self._entries)

    def as_json(self) -> str:
        return json.dumps([asdict(entry) for entry in self.snapshot()], ensure_ascii=True)

    def __iter__(self) -> Iterator[LogEntry]:
        return iter(self.snapshot())
