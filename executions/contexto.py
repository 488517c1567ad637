"""What a log line should say of its surroundings: fixed for a process, or set for one request or one task."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_processo: dict[str, Any] = {}
_agora: ContextVar[dict[str, Any] | None] = ContextVar("contexto", default=None)


def fixar(**campos: Any) -> None:
    """For all threads of this process, until fixed anew; None takes a field away."""
    for name, value in campos.items():
        if value is None:
            _processo.pop(name, None)
        else:
            _processo[name] = value


@contextmanager
def com(**campos: Any) -> Iterator[dict[str, Any]]:
    """Within the block, in this thread. What is put into the dictionary meanwhile counts too."""
    mine = {**(_agora.get() or {}), **campos}
    token = _agora.set(mine)
    try:
        yield mine
    finally:
        _agora.reset(token)


def atual() -> dict[str, Any]:
    return {**_processo, **(_agora.get() or {})}
