"""Who may see a page and who may act: anonymous goes to the login, without the permission it is 403."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

View = Callable[..., HttpResponseBase]


def pagina(*permissoes: str) -> Callable[[View], View]:
    """A page (GET) for whoever may see executions and has these codenames of `executions` too."""
    return pagina_de("view_execucao", *permissoes)


def pagina_de(*permissoes: str) -> Callable[[View], View]:
    """A page (GET) for whoever has all these codenames of `executions`."""
    needed = [f"executions.{codename}" for codename in permissoes]

    def decorate(view: View) -> View:
        return require_GET(login_required(permission_required(needed, raise_exception=True)(view)))

    return decorate


def acao(permissao: str) -> Callable[[View], View]:
    """An act (POST) that needs this codename of `executions`.

    After the login the person comes back to the panel, not to the act: an act is never a link.
    """

    def decorate(view: View) -> View:
        allowed = permission_required(f"executions.{permissao}", raise_exception=True)(view)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(reverse("executions:painel"))
            return allowed(request, *args, **kwargs)

        return require_POST(guarded)

    return decorate


def quem(request: HttpRequest) -> AbstractBaseUser:
    """The person: these decorators let no anonymous one in."""
    return cast("AbstractBaseUser", request.user)
