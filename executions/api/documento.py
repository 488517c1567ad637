"""The OpenAPI document, and a page that shows it from our own static files. Both are for who is known."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from executions.api import execucoes, fila, problemas, processos, robots
from executions.api.acesso import autenticar
from executions.api.descricao import traduzir

DESCRICAO = gettext_noop("Robôs e scripts do Controle de Robôs. Autentique-se com `Authorization: Bearer <token>`.")


class API(NinjaAPI):
    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> OpenAPISchema:
        """As ninja's, in the reader's language, with the errors under the media type that they have."""
        schema = super().get_openapi_schema(*args, **kwargs)
        for operations in schema["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    if status >= 400 and "application/json" in response["content"]:
                        response["content"] = {problemas.TIPO: response["content"]["application/json"]}
        traduzir(schema)
        return schema


api = API(
    title=gettext_noop("Controle de Robôs"), version="1.0", description=DESCRICAO, urls_namespace="api",
    openapi_url=None, docs_url=None,
)  # fmt: skip
problemas.registrar(api)
api.add_router("", robots.router)
api.add_router("", fila.router)
api.add_router("/api", processos.router)
api.add_router("/api", execucoes.router)


@require_GET
def openapi(request: HttpRequest) -> HttpResponse:
    autenticar(request)
    return JsonResponse(api.get_openapi_schema())


@require_GET
@login_required
def pagina(request: HttpRequest) -> HttpResponse:
    # No validatorUrl: the default sends the document's address to another site.
    settings = {"url": reverse("openapi"), "layout": "BaseLayout", "deepLinking": True, "validatorUrl": None}
    return render(request, "api/docs.html", {"configuracao": settings})
