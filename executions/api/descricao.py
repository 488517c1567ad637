"""What the OpenAPI document says in words: marked where it is written, translated when the document is asked for."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.utils.translation import gettext

Descrito = TypeVar("Descrito", bound="Callable[..., Any]")


def descrito(texto: str) -> "Callable[[Descrito], Descrito]":
    """Gives an operation or a schema this description (a msgid): a docstring cannot be marked for translation."""

    def put(what: Descrito) -> Descrito:
        what.__doc__ = texto
        return what

    return put


def traduzir(node: Any) -> None:
    """Puts the reader's language in place of the msgids of a document, or of a part of it."""
    if isinstance(node, list):
        for child in node:
            traduzir(child)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("summary", "description", "title") and isinstance(value, str) and value:
                node[key] = gettext(value)
            elif key == "tags":
                node[key] = [gettext(tag) for tag in value]
            else:
                traduzir(value)
