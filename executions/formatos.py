"""How moments and numbers are written: in the language of the reader, in the zone of the installation.

The formats of moments are texts like any other: whoever translates gives those of the language.
"""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import number_format
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
    return timezone.localtime(at).strftime(str(FORMATOS[formato]))


def contados(texto: str, n: int) -> str:
    """What ngettext chose, with the number at its %(n)s."""
    return texto % {"n": numero(n)}


def numero(n: float, casas: int = 0) -> str:
    """ "1.234", or "2,1" with one decimal place, in pt-BR."""
    return number_format(n, casas, force_grouping=True)
