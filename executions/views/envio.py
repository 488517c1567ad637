"""A POST that may bring many megabytes: who may not, or brings too many, is told before the body is read."""

import logging
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from executions.envios import SEM_ESPACO, UmSoArquivo, sem_espaco
from executions.views.acesso import View, acao

logger = logging.getLogger("robotcontrol.web")


def acao_com_envio(permissao: str) -> "Any":
    """`acao`, then the size that was announced, then CSRF: its middleware would read the body before all of them."""

    def decorate(view: View) -> View:
        protected = csrf_protect(view)

        @wraps(view)
        def sized(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return _ler(request) or protected(request, *args, **kwargs)
            except (OSError, OperationalError) as error:
                return _sem_espaco(request, error)

        return csrf_exempt(acao(permissao)(sized))

    return decorate


def _ler(request: HttpRequest) -> HttpResponse | None:
    """Reads the whole body, unless it is refused by this answer. Raises OSError when there is no room for it."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > settings.UPLOAD_MAX_BYTES:
        return recusado(request, envio_grande())
    try:
        len(request.POST)
    except RequestDataTooBig:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20
        return recusado(request, _("Os nomes colados passam de %(n)d MB. Envie-os em partes.") % {"n": limit})
    except (TooManyFilesSent, TooManyFieldsSent):
        limit = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        return recusado(request, _("Um envio tem no máximo %(n)d arquivos. Envie em partes.") % {"n": limit})
    except UnreadablePostError:
        return _interrompido(request)
    if any(getattr(handler, "interrompido", False) for handler in request.upload_handlers):
        return _interrompido(request)
    return None


def envio_grande() -> str:
    text = _("Os arquivos passam de %(n)d MB, o limite de um envio. Nada foi recebido: envie em partes.")
    return text % {"n": settings.UPLOAD_MAX_BYTES // 2**20}


def recusado(request: HttpRequest, motivo: str, status: int = 413) -> HttpResponse:
    return render(request, "executions/envio_recusado.html", {"motivo": motivo}, status=status)


def _sem_espaco(request: HttpRequest, error: Exception) -> HttpResponse:
    """Raises the error again when it is another one."""
    if not sem_espaco(error):
        raise error
    logger.error("no room for an upload path=%s: %s", request.path, error, extra={"event": "sem_espaco"})
    _soltar(request)
    return recusado(request, str(SEM_ESPACO), 507)


def _soltar(request: HttpRequest) -> None:
    for handler in request.upload_handlers:
        if isinstance(handler, UmSoArquivo):
            handler.fechar()


def _interrompido(request: HttpRequest) -> HttpResponse:
    """Half a request: whoever sent it is gone, and nothing of it is kept."""
    _soltar(request)
    return recusado(request, _("O envio foi interrompido. Nada foi recebido."))
