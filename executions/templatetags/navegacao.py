"""The places that the top bar leads to: data, so that the bar, the keys and the help page cannot disagree."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

register = template.Library()


@dataclass(frozen=True)
class Lugar:
    """A page of the bar, and the letter that follows `g` to go there. `atual`: "page", "true" (below it) or "".

    `outros`: the beginnings of other addresses that belong to it.
    """

    rota: str
    icone: str
    texto: str | Promise
    tecla: str
    permissoes: tuple[str, ...] = ()
    outros: tuple[str, ...] = ()
    url: str = ""
    atual: str = ""

    def aberto_a(self, usuario: "AbstractBaseUser | AnonymousUser") -> bool:
        if self.rota == "admin:index":
            return bool(getattr(usuario, "is_staff", False))
        return usuario.has_perms([f"executions.{name}" for name in self.permissoes])  # type: ignore[union-attr]

    def atual_em(self, url: str, path: str) -> str:
        """What `aria-current` says of it on the page at `path`."""
        if path == url:
            return "page"
        return "true" if url != "/" and path.startswith((url, *self.outros)) else ""


LUGARES = (
    Lugar("executions:painel", "pulso", _("Painel"), "p", ("view_execucao",)),
    Lugar("executions:execucoes", "fila", _("Execuções"), "e", ("view_execucao",), ("/robos/",)),
    Lugar("executions:processos", "terminal", _("Processos"), "r", ("view_processo", "view_script"), ("/scripts/",)),
    Lugar("executions:agenda", "agenda", _("Agenda"), "a", ("view_agendamento",)),
    Lugar("executions:portais", "portal", _("Portais"), "o", ("view_portal",)),
    Lugar("executions:maquinas", "maquina", _("Máquinas"), "m", ("view_host",)),
    Lugar("executions:ajuda", "duvida", _("Ajuda"), "h"),
    Lugar("admin:index", "engrenagem", _("Administração"), "d"),
)


@register.simple_tag(takes_context=True)
def lugares(context: dict[str, Any]) -> list[Lugar]:
    """Those that this person may open, with their addresses, and which one this page is."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if request is None or user is None or not user.is_authenticated:
        return []
    found = []
    for lugar in LUGARES:
        url = _endereco(lugar.rota)
        if url and lugar.aberto_a(user):
            found.append(replace(lugar, url=url, atual=lugar.atual_em(url, request.path)))
    return found


def _endereco(rota: str) -> str:
    try:
        return reverse(rota)
    except NoReverseMatch:
        return ""
