"""Pages by key, the newest first, and what filters of lists read from a query string."""

from datetime import date, datetime, time
from typing import Any, TypeVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

M = TypeVar("M", bound=models.Model)


def pagina_por_chave(
    rows: "models.QuerySet[M]", n: int, *, antes: int | None, apos: int | None
) -> tuple[list[M], int | None, int | None]:
    """(n rows, key of the older page, key of the newer one; None: there is none). One query.

    One row more than is shown tells whether there are others.
    """
    if apos:
        found = list(rows.filter(pk__gt=apos).order_by("pk")[: n + 1])
        shown = found[:n][::-1]
        newer, older = len(found) > n, bool(shown)
    else:
        found = list((rows.filter(pk__lt=antes) if antes else rows).order_by("-pk")[: n + 1])
        shown = found[:n]
        newer, older = bool(antes and shown), len(found) > n
    return shown, shown[-1].pk if older else None, shown[0].pk if newer else None


def numero(texto: str) -> int | None:
    return int(texto) if texto.isascii() and texto.isdecimal() and len(texto) < 19 else None


def data(nome: str, texto: str, erros: dict[str, str]) -> date | None:
    """A date of the calendar; what is none is told in `erros`."""
    if not texto:
        return None
    try:
        found = date.fromisoformat(texto)
    except ValueError:
        found = date.max
    if date(1900, 1, 1) <= found < date(9000, 1, 1):  # the calendar's last day has no midnight after it
        return found
    erros[nome] = _("Informe uma data válida.")
    return None


def meia_noite(dia: date) -> datetime:
    return timezone.make_aware(datetime.combine(dia, time.min))


def parametros(escolhas: dict[str, Any]) -> dict[str, str]:
    """As a query string has them: the empty ones left out."""
    return {name: str(value) for name, value in escolhas.items() if value not in (None, "", 0)}
