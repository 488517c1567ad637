"""One look for all who poll at the same moment: fifty people who watch cost about what one does."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from django.conf import settings

T = TypeVar("T")


class Partilha(Generic[T]):
    """Keeps what `obter` made for POLL_SHARED_SECONDS, by key, in this process alone.

    Shorter than a tick, so that nobody sees what is older than his own last poll. Whoever comes meanwhile waits for the
    one look instead of taking another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, T]] = {}

    def obter(self, chave: Hashable, fazer: Callable[[], T]) -> T:
        with self._lock:
            now = time.monotonic()
            self._kept = {key: one for key, one in self._kept.items() if now - one[0] < settings.POLL_SHARED_SECONDS}
            if chave not in self._kept:
                self._kept[chave] = (now, fazer())
            return self._kept[chave][1]
