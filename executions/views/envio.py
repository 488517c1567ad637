"""A POST that may bring many megabytes: who may not, or brings too many, is told before the body is read."""

from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from executions.envios import UmSoArquivo
from executions.views.acesso import View, acao


def acao_com_envio(permissao: str) -> "Any":
    """`acao`, then the size that was announced, then CSRF: its middleware would read the body before all of them."""

    def decorate(view: View) -> View:
        protected = csrf_protect(view)

        @wraps(view)
        def sized(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
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
            return protected(request, *args, **kwargs)

        return csrf_exempt(acao(permissao)(sized))

    return decorate


def envio_grande() -> str:
    text = _("Os arquivos passam de %(n)d MB, o limite de um envio. Nada foi recebido: envie em partes.")
    return text % {"n": settings.UPLOAD_MAX_BYTES // 2**20}


def recusado(request: HttpRequest, motivo: str) -> HttpResponse:
    return render(request, "executions/envio_recusado.html", {"motivo": motivo}, status=413)


def _interrompido(request: HttpRequest) -> HttpResponse:
    """Half a request: whoever sent it is gone, and nothing of it is kept."""
    for handler in request.upload_handlers:
        if isinstance(handler, UmSoArquivo):
            handler.fechar()
    return recusado(request, _("O envio foi interrompido. Nada foi recebido."))
