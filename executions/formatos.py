"""How moments and numbers are written: in the language of the reader, in the zone of the installation.

The formats of moments are texts like any other: whoever translates gives those of the language.
"""

from datetime import datetime
from functools import cache

from django.utils import timezone
from django.utils.formats import get_format
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

FORMATOS = {
    # xgettext: no-python-format
    "completo": _("%d/%m/%Y %H:%M:%S"),
    # xgettext: no-python-format
    "minuto": _("%d/%m/%Y %H:%M"),
    # xgettext: no-python-format
    "curto": _("%d/%m %H:%M"),
    # xgettext: no-python-format
    "data": _("%d/%m/%Y"),
    # xgettext: no-python-format
    "dia": _("%d/%m"),
    # xgettext: no-python-format
    "hora": _("%H:%M:%S"),
    # xgettext: no-python-format
    "hora_e_minuto": _("%H:%M"),
}


def momento(at: datetime, formato: str = "minuto") -> str:
    """An aware moment on the clock of the installation's zone."""
    return escrito(timezone.localtime(at), formato)


def escrito(local: datetime, formato: str) -> str:
    """As `momento`, of one that is in that zone already: lists write hundreds."""
    return local.strftime(str(FORMATOS[formato]))


def contados(texto: str, n: int) -> str:
    """What ngettext chose, with the number at its %(n)s."""
    return texto % {"n": numero(n)}


def numero(n: float, casas: int = 0) -> str:
    """ "1.234", or "2,1" with one decimal place, in pt-BR."""
    thousands, point = _separadores(get_language() or "")
    return f"{n:,.{casas}f}".translate({ord(","): thousands, ord("."): point})


@cache
def _separadores(lingua: str) -> tuple[str, str]:
    return str(get_format("THOUSAND_SEPARATOR", lingua)), str(get_format("DECIMAL_SEPARATOR", lingua))
