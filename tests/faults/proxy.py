"""A TCP proxy in front of PostgreSQL (or anything else) that loses connections when told to.

`cut_commit("before")`: the next COMMIT never reaches the server. `cut_commit("after")`: it does, and its reply never
comes back. `stall()`: nothing passes any more, and nobody is told, as in a partition; `heal()` ends that.
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

COMMIT = b"COMMIT"
CHUNK = 65536


class Proxy:
    """Listens on 127.0.0.1 (or `bind`); `target` is (host, port) or the path of a unix socket."""

    def __init__(self, target: "tuple[str, int] | str", bind: str = "127.0.0.1", port: int = 0) -> None:
        self.target = target
        self._server = socket.create_server((bind, port))
        self.port = self._server.getsockname()[1]
        self.cuts: list[str] = []  # what was cut so far
        self._armed: list[str] = []
        self._open: set[socket.socket] = set()
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.heal()
        self.cut_all()

    def cut_commit(self, when: str, n: int = 1) -> None:
        with self._lock:
            self._armed += [when] * n

    def cut_all(self) -> None:
        """Every connection ends now."""
        with self._lock:
            ends = list(self._open)
        for end in ends:
            _end(end)

    def stall(self) -> None:
        self._flowing.clear()

    def heal(self) -> None:
        self._flowing.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._flowing.wait()
        try:
            server = self._connect()
        except OSError:
            client.close()
            return
        with self._lock:
            self._open |= {client, server}
        lost = threading.Event()
        back = threading.Thread(target=self._pump, args=(server, client, lost, False), daemon=True)
        back.start()
        self._pump(client, server, lost, True)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _connect(self) -> socket.socket:
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.target)
        return server

    def _pump(self, source: socket.socket, sink: socket.socket, lost: threading.Event, asks: bool) -> None:
        """One direction. `lost` is set between a COMMIT that was let through and its reply that must not be."""
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._flowing.wait()
                when = self._take() if asks and COMMIT in data else ""
                if when == "before" or (lost.is_set() and not asks):
                    break
                if when == "after":
                    lost.set()
                sink.sendall(data)
        _end(source)
        _end(sink)

    def _take(self) -> str:
        with self._lock:
            if not self._armed:
                return ""
            when = self._armed.pop(0)
            self.cuts.append(when)
            return when


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
