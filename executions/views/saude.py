"""What programs ask: does the process live, may it be sent requests, how is everything, and the figures."""

import hmac
import logging
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from ninja.errors import AuthenticationError

from executions import metricas, prontidao, sistema
from executions.api.acesso import quem_pode
from executions.api.problemas import Problema, de_excecao

logger = logging.getLogger("robotcontrol.saude")

View = Callable[[HttpRequest], HttpResponse]
TEXTO = "text/plain; charset=utf-8"


def viva(request: HttpRequest) -> HttpResponse:
    """The web process answers. Asks nothing of the database, so a slow one never gets the process restarted."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def pronta(request: HttpRequest) -> HttpResponse:
    """200 or 503 and a word: whoever asks is anonymous. What is missing is in the log and in /healthz/sistema."""
    missing = prontidao.faltas()
    if missing:
        logger.warning("not ready: %s", ", ".join(missing), extra={"event": "nao_pronto"})
    return HttpResponse(_("indisponível") if missing else "ok", status=503 if missing else 200, content_type=TEXTO)


def de_maquina(view: View) -> View:
    """For whoever may see the hosts, by bearer token or by session; refusals are problem documents."""

    @require_safe
    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        try:
            if not any(auth(request) for auth in quem_pode("view_host")):
                raise AuthenticationError()
            return view(request)
        except Problema as problem:
            return problem.resposta()
        except AuthenticationError as error:
            return de_excecao(error).resposta()
        except Error as error:
            logger.warning("the database is away: %s", error, extra={"event": "sem_banco"})
            return HttpResponse(_("indisponível"), status=503, content_type=TEXTO)

    return guarded


@de_maquina
def ver_sistema(request: HttpRequest) -> HttpResponse:
    return JsonResponse(sistema.retrato(), json_dumps_params={"ensure_ascii": False, "indent": 1})


@de_maquina
def _metricas(request: HttpRequest) -> HttpResponse:
    return HttpResponse(metricas.texto(), content_type=metricas.TIPO)


@require_safe
@never_cache
def ver_metricas(request: HttpRequest) -> HttpResponse:
    """With METRICS_TOKEN as the bearer token, or as `de_maquina` says."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if settings.METRICS_TOKEN and hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse(metricas.texto(), content_type=metricas.TIPO)
    return _metricas(request)
