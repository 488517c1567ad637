"""The one shape of an error under the API's routes: RFC 9457, application/problem+json."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.core.exceptions import TooManyFilesSent as TooManyFiles
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import gettext_noop
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import ConfigDict

from executions import scripts
from executions.api.descricao import descrito
from executions.envios import SEM_ESPACO, sem_espaco
from executions.lotes import UsoErrado

logger = logging.getLogger("robotcontrol.api")

TIPO = "application/problem+json"
TITULOS = {
    400: _l("Pedido inválido"),
    401: _l("Não autenticado"),
    403: _l("Sem permissão"),
    404: _l("Não encontrado"),
    405: _l("Método não permitido"),
    409: _l("Conflito"),
    413: _l("Pedido grande demais"),
    415: _l("Formato não aceito"),
    422: _l("Dados inválidos"),
    429: _l("Tentativas demais"),
    500: _l("Erro interno"),
    507: _l("Sem espaço em disco"),
}
JSON_INVALIDO = _l("O corpo do pedido não é um JSON válido.")
SO_JSON = _l("Envie o corpo como application/json.")
SEM_AUTENTICACAO = _l("Entre no sistema, ou envie o cabeçalho Authorization: Bearer com um token válido.")
FRASES = {
    "missing": _l("campo obrigatório"),
    "string_type": _l("informe um texto"),
    "int_type": _l("informe um número inteiro"),
    "int_parsing": _l("informe um número inteiro"),
    "int_from_float": _l("informe um número inteiro"),
    "bool_type": _l("informe true ou false"),
    "bool_parsing": _l("informe true ou false"),
    "list_type": _l("informe uma lista"),
    "dict_type": _l("informe um objeto"),
    "model_attributes_type": _l("informe um objeto"),
    "model_type": _l("informe um objeto"),
    "uuid_parsing": _l("informe um UUID"),
    "uuid_type": _l("informe um UUID"),
    "int_parsing_size": _l("número grande demais"),
    "greater_than_equal": _l("o mínimo é {ge}"),
    "less_than_equal": _l("o máximo é {le}"),
    "literal_error": _l("um de {expected}"),
    "string_too_long": _l("no máximo {max_length} caracteres"),
    "string_too_short": _l("não pode ficar vazio"),
    "too_long": _l("no máximo {max_length}"),
    "too_short": _l("no mínimo {min_length}"),
    "value_error": "{error}",
}


@descrito(
    gettext_noop(
        "RFC 9457. `detail` é uma frase para uma pessoa; alguns problemas trazem mais (`pid`, `rejeitados`, `erros`)."
    )
)
class ProblemaSchema(Schema):
    model_config = ConfigDict(extra="allow", title="Problema")

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class Problema(Exception):
    """Answers the request with this problem. `extras` are further members of it."""

    def __init__(
        self,
        status: int,
        detail: "str | Promise",
        *,
        tipo: str = "about:blank",
        depois: int | None = None,
        **extras: Any,
    ) -> None:
        """`depois`: in how many seconds it may be tried again."""
        super().__init__(detail)
        self.status, self.detail, self.tipo, self.depois, self.extras = status, str(detail), tipo, depois, extras

    def resposta(self) -> HttpResponse:
        body = {"type": self.tipo, "title": str(TITULOS[self.status]), "status": self.status, "detail": self.detail}
        response = JsonResponse(body | self.extras, status=self.status, content_type=TIPO)
        if self.status == 401:
            response["WWW-Authenticate"] = "Bearer"
        if self.depois is not None:
            response["Retry-After"] = str(self.depois)
        return response


def respostas(modelo: Any, *erros: int, status: int = 200) -> dict[int, Any]:
    """The documented answers of an operation: its own, those of any operation, and these errors."""
    return {status: modelo} | dict.fromkeys(sorted({400, 401, 403, 422, 429, *erros}), ProblemaSchema)


def de_excecao(error: Exception) -> Problema:
    """What this exception is for a client. Anything unforeseen is a 500 that tells nothing."""
    if sem_espaco(error):
        return Problema(507, SEM_ESPACO)
    for kinds, make in _CONHECIDAS:
        if isinstance(error, kinds):
            return make(error)
    return Problema(500, _("Algo falhou deste lado. O erro foi registrado."))


def registrar(api: NinjaAPI) -> None:
    """Puts these answers in place of ninja's own."""

    def handler(request: HttpRequest, error: Any) -> HttpResponse:
        problem = error if isinstance(error, Problema) else de_excecao(error)
        if problem.detail == JSON_INVALIDO and request.content_type == "multipart/form-data":
            problem = Problema(415, SO_JSON)
        if problem.status >= 500:
            logger.error("request failed path=%s", request.path, exc_info=error, extra={"event": "pedido_falhou"})
            if problem.status == 500:  # a full disk is no mistake of ours
                got_request_exception.send(sender=None, request=request)
        return problem.resposta()

    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, handler)


def _http(error: Any) -> Problema:
    detail = JSON_INVALIDO if error.status_code == 400 else str(error)
    return Problema(error.status_code, detail)


def _validacao(error: Any) -> Problema:
    found = [{"campo": _campo(e["loc"]), "motivo": _frase(e)} for e in error.errors]
    text = "; ".join(f"{e['campo']}: {e['motivo']}" if e["campo"] else e["motivo"] for e in found[:5])
    return Problema(422, f"{text[:1].upper()}{text[1:500]}.", erros=found[:50])


def _campo(loc: tuple[Any, ...]) -> str:
    """("body", "pedido", "script") -> "script"."""
    return ".".join(str(part)[:60] for part in loc if part not in ("body", "query", "path", "form", "pedido"))


def _frase(error: dict[str, Any]) -> str:
    try:
        return str(FRASES.get(error["type"], _l("valor inválido"))).format(**error.get("ctx", {}))
    except (KeyError, IndexError):
        return _("valor inválido")


def _duplicado(error: Any) -> Problema:
    vivo = error.processo
    return Problema(409, str(error), tipo="urn:problema:ja-em-execucao", pid=error.pid, uuid=str(vivo.uuid))


def _dizendo(status: int, detail: "str | Promise" = "") -> "Callable[[Exception], Problema]":
    return lambda error: Problema(status, detail or str(error))


_GRANDE = _l("O pedido é grande demais, ou tem campos ou arquivos demais.")
_CONHECIDAS: "list[tuple[Any, Callable[[Any], Problema]]]" = [
    (AuthenticationError, _dizendo(401, SEM_AUTENTICACAO)),
    (HttpError, _http),
    (ValidationError, _validacao),
    (Http404, _dizendo(404, _l("Não há nada neste endereço."))),
    (scripts.ScriptDesconhecido, _dizendo(404)),
    (scripts.SemPermissao, _dizendo(403)),
    (scripts.JaEmExecucao, _duplicado),
    (scripts.ScriptRecusado, _dizendo(422)),
    (UsoErrado, _dizendo(422)),
    ((RequestDataTooBig, TooManyFieldsSent, TooManyFiles), _dizendo(413, _GRANDE)),
    (RawPostDataException, _dizendo(415, SO_JSON)),
    ((BadRequest, MultiPartParserError, SuspiciousOperation), _dizendo(400, _l("O pedido está malformado."))),
    (UnreadablePostError, _dizendo(400, _l("O envio foi interrompido."))),
]
