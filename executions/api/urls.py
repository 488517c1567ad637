"""The API's addresses, behind one guard: what ninja does not answer itself is a problem document too."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja.errors import AuthenticationError

from executions.api import documento
from executions.api.acesso import Token, autenticar
from executions.api.problemas import Problema, de_excecao

View = Callable[..., HttpResponse]


def guardada(view: View) -> View:
    """Too big a body is never read; a wrong method is told only to who is known."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _conferir_tamanho(request)
            response = view(request, *args, **kwargs)
            if response.status_code != 405:
                return response
            autenticar(request)
        except Exception as error:  # noqa: BLE001 (what is unforeseen goes on to Django)
            problem = error if isinstance(error, Problema) else de_excecao(error)
            if problem.status == 500:
                raise
            return problem.resposta()
        refused = Problema(405, _("Este endereço só aceita %(valor)s.") % {"valor": response["Allow"]}).resposta()
        refused["Allow"] = response["Allow"]
        return refused

    # Each operation checks CSRF itself, for sessions alone.
    return csrf_exempt(guarded)


def _conferir_tamanho(request: HttpRequest) -> None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) <= settings.UPLOAD_MAX_BYTES:
        return
    # Not `autenticar`: the CSRF check of a session reads the body.
    if not (Token()(request) or request.user.is_authenticated):
        raise AuthenticationError()
    raise Problema(413, _("O envio todo tem no máximo %(valor)s MB.") % {"valor": settings.UPLOAD_MAX_BYTES // 2**20})


def _desconhecido(request: HttpRequest) -> HttpResponse:
    autenticar(request)
    raise Http404


_patterns, _app, _namespace = documento.api.urls
for _pattern in _patterns:
    _pattern.callback = guardada(cast(View, _pattern.callback))

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((_patterns, _app), namespace=_namespace)),
    path("api/openapi.json", guardada(documento.openapi), name="openapi"),
    path("api/docs", documento.pagina, name="docs"),
    re_path(r"^api/", guardada(_desconhecido)),
]
