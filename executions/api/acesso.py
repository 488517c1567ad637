"""Who asks and whether he may: a bearer token, or the session of the pages with its CSRF check."""

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.errors import AuthenticationError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from executions.api import tentativas
from executions.api.problemas import Problema
from executions.models import TokenAPI

LEITURA = ("GET", "HEAD", "OPTIONS")


class Token(HttpBearer):
    """A wrong token is 401, whatever session comes beside it; too many different ones from one address are 429."""

    def __init__(self, *permissoes: str) -> None:
        self.permissoes = permissoes
        super().__init__()

    def authenticate(self, request: HttpRequest, token: str) -> User:
        who = tentativas.endereco(request)
        if seconds := tentativas.espera(who):
            raise Problema(429, tentativas.DEMAIS, depois=seconds)
        found = TokenAPI.objects.do_texto(token.strip())
        if found is None:
            tentativas.errou(who, token)
            raise AuthenticationError()
        found.usar()
        if found.so_leitura and request.method not in LEITURA:
            raise Problema(403, _("Este token é só de leitura."))
        return _permitido(found.user, self.permissoes)


class Sessao(APIKeyCookie):
    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self, *permissoes: str) -> None:
        self.permissoes = permissoes
        super().__init__()

    def __call__(self, request: HttpRequest) -> User | None:
        """Anonymous is 401, and only who is logged in gets to hear of CSRF."""
        return self.authenticate(request, None)

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        if not request.user.is_authenticated:
            return None
        if check_csrf(request):
            raise Problema(403, _("Falta o token de CSRF: envie o cabeçalho X-CSRFToken."))
        return _permitido(request.user, self.permissoes)


def quem_pode(*codinomes: str) -> list[Any]:
    """The `auth` of an operation for whoever has these permissions of `executions`."""
    needed = tuple(f"executions.{codename}" for codename in codinomes)
    return [Token(*needed), Sessao(*needed)]


def quem(request: HttpRequest) -> User:
    """Who was let in."""
    return cast(Any, request).auth


def exigir(user: User, codinome: str) -> None:
    _permitido(user, (f"executions.{codinome}",))


def autenticar(request: HttpRequest) -> None:
    """For what is no operation (unknown addresses, wrong methods): raises the 401 or 403 of one."""
    if not (Token()(request) or Sessao()(request)):
        raise AuthenticationError()


def _permitido(user: User, permissoes: tuple[str, ...]) -> User:
    missing = [permission for permission in permissoes if not user.has_perm(permission)]
    if missing:
        raise Problema(403, _("Você não tem permissão para isto (%(nomes)s).") % {"nomes": ", ".join(missing)})
    return user
