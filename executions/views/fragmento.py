"""One view, a page and its fragment: the fragment's address carries the version of what it shows.

Unchanged: 204, so htmx swaps nothing and focus, selection and scroll stay. The final fragment carries no trigger.
The acts (forms, with their CSRF token) live outside the fragment and are swapped by id, only when they changed.
"""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode

RITMO_RODANDO_MS = 2000
RITMO_PARADO_MS = 15000


def versao(*shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:12]


def responder(
    request: HttpRequest,
    nome: str,
    contexto: dict[str, Any],
    *,
    ritmo: int | None,
    acoes: object = None,
    detalhes: str | None = None,
    endereco: dict[str, str] | None = None,
    anexo: str | None = None,
) -> HttpResponse:
    """The page `nome`, or, to htmx, its fragment, or 204 when `v` is still what it shows.

    `ritmo`: milliseconds to the next tick; None ends the polling. `acoes`: what the acts' region shows, compared by
    value. `detalhes`: a second template, swapped only when it changed itself. `endereco`: query parameters to keep.
    `anexo`: more out-of-band markup for a poll; with it the answer is never 204.
    """
    corpo = render_to_string(f"executions/_{nome}.html", contexto, request)
    lower = render_to_string(detalhes, contexto, request) if detalhes else None
    a, d = versao(acoes), versao(lower)
    v = versao(corpo, a, d, ritmo)
    htmx = bool(getattr(request, "htmx", False))
    if htmx and request.GET.get("v") == v and not anexo:
        return _sem_guardar(HttpResponse(status=204))
    contexto |= {
        "corpo": corpo,
        "detalhes": lower,
        "ritmo": ritmo,
        "url_do_tick": f"{request.path}?{urlencode({**(endereco or {}), 'v': v, 'a': a, 'd': d})}",
        "fora_de_banda": htmx,
        "trocar_acoes": acoes is not None and request.GET.get("a") != a,
        "anexo": anexo,
        "trocar_detalhes": lower is not None and request.GET.get("d") != d,
    }
    template = "executions/_fragmento.html" if htmx else f"executions/{nome}.html"
    return _sem_guardar(render(request, template, contexto))


def _sem_guardar(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["HX-Request"])
    return response
