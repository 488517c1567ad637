"""One view, a page and its fragment: the fragment's address carries the version of what it shows.

Unchanged: 204, so htmx swaps nothing and focus, selection and scroll stay. The final fragment carries no trigger.
What else lives is a region: it is swapped by its own id, only when it changed; forms and lists have theirs.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.utils.safestring import SafeString

RITMO_RODANDO_MS = 2000
RITMO_PARADO_MS = 15000


@dataclass(frozen=True)
class Regiao:
    """A part of the page with its own id. `valor`: what it shows, compared by its repr; None: compare what is rendered.

    A region with forms needs a `valor`: a CSRF token is never the same twice.
    """

    template: str
    valor: object = None


def versao(*shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:12]


def responder(
    request: HttpRequest,
    nome: str,
    contexto: dict[str, Any],
    *,
    ritmo: int | None,
    corpo: str | None = None,
    detalhes: str | None = None,
    regioes: Sequence[Regiao] = (),
    endereco: dict[str, str] | None = None,
    anexo: str | None = None,
) -> HttpResponse:
    """The page `nome`, or, to htmx, its fragment, or 204 when `v` is still what it shows.

    `ritmo`: milliseconds to the next tick; None ends the polling. `corpo`: the fragment, when it is rendered already.
    `detalhes`: a second template, swapped only when it changed itself. `regioes`: more such parts, which the page's
    template includes itself. `endereco`: query parameters to keep. `anexo`: more out-of-band markup for a poll; with it
    the answer is never 204.
    """
    htmx = bool(getattr(request, "htmx", False))
    corpo = corpo or render_to_string(f"executions/_{nome}.html", contexto, request)
    lower = render_to_string(detalhes, contexto, request) if detalhes else None
    d = versao(lower)
    known = request.GET.get("r", "").split(".") if htmx else []
    r, swapped = _regioes(request, contexto, regioes, known)
    v = versao(corpo, d, r, ritmo)
    if htmx and request.GET.get("v") == v and not anexo:
        return _sem_guardar(HttpResponse(status=204))
    contexto |= {
        "titulo_da_pagina": contexto.get("titulo_da_pagina"),
        "corpo": corpo,
        "detalhes": lower,
        "ritmo": ritmo,
        "url_do_tick": f"{request.path}?{urlencode({**(endereco or {}), 'v': v, 'd': d, 'r': r})}",
        "fora_de_banda": htmx,
        "regioes": swapped,
        "anexo": anexo,
        "trocar_detalhes": lower is not None and request.GET.get("d") != d,
    }
    template = "executions/_fragmento.html" if htmx else f"executions/{nome}.html"
    return _sem_guardar(render(request, template, contexto))


def _regioes(
    request: HttpRequest, contexto: dict[str, Any], regioes: Sequence[Regiao], known: list[str]
) -> tuple[str, list[SafeString]]:
    """The versions of all, joined, and the markup of those that differ from the known ones (none: the whole page)."""
    versions, swapped = [], []
    for n, regiao in enumerate(regioes):
        html = None
        if regiao.valor is None:
            html = render_to_string(regiao.template, contexto | {"fora_de_banda": True}, request)
        versions.append(versao(html if regiao.valor is None else regiao.valor)[:6])
        if known and known[n : n + 1] != versions[-1:]:
            swapped.append(html or render_to_string(regiao.template, contexto | {"fora_de_banda": True}, request))
    return ".".join(versions), swapped


def _sem_guardar(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["HX-Request"])
    return response
