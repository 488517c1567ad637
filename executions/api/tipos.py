"""Types that the routes share."""

import unicodedata
from typing import Annotated, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from executions import clock
from executions.api.descricao import descrito
from executions.models import Host
from executions.panorama import Espera

MAIOR_ID = 2**63 - 1


def _sem_controle(text: str) -> str:
    """No database stores a NUL or half a character."""
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise ValueError(_("há caracteres de controle"))
    return text


def _inteiro(value: Any) -> Any:
    """An old client's form sends digits as text; true is no number."""
    if isinstance(value, bool) or isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError(_("informe um número inteiro"))
    return value


Texto = Annotated[str, AfterValidator(_sem_controle)]
Nome = Annotated[Texto, Field(min_length=1, max_length=100)]
Id = Annotated[int, Field(ge=1, le=MAIOR_ID)]
Robots = Annotated[
    int,
    BeforeValidator(_inteiro),
    Field(ge=1, le=100),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 100},
                              {"type": "string", "pattern": "^([1-9][0-9]?|100)$"}], "default": 1}),
]  # fmt: skip


@descrito(gettext_noop("O que resultou de um ato. `aviso` o diz quando não há máquina ligada que o cumpra."))
class Resposta(Schema):
    mensagem: str
    aviso: str = ""


def aviso_sem_maquina() -> str:
    """Empty while at least one host lives."""
    return "" if Host.objects.vivos(clock.db_now()).exists() else str(Espera.SEM_MAQUINA.label)
