"""POST /enqueue: from names or uploaded files to a queued execution."""

import json
from typing import Annotated, Any, Literal

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Router, Schema
from ninja.errors import ValidationError as Invalido
from pydantic import Field, ValidationError

from executions import lotes, robos
from executions.api.acesso import exigir, quem, quem_pode
from executions.api.descricao import descrito
from executions.api.problemas import JSON_INVALIDO, Problema, de_excecao, respostas
from executions.api.robots import iniciado
from executions.api.tipos import Nome, Resposta, Robots, Texto, aviso_sem_maquina
from executions.intake import Entrada, Lote
from executions.intake_files import LIMITE_BYTES, arquivo_grande
from executions.models import Execucao

router = Router(tags=[gettext_noop("fila")])
MAIS_NOMES = 10_000
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
FILES = ("files", "files[]")


@descrito(
    gettext_noop(
        "`usuario` fica guardado ao lado do usuário autenticado. Portal e credencial só são "
        "precisos se houver dúvida.\n\n`avisar`: os nomes dos destinos avisados do fim."
    )
)
class Pedido(Schema):
    files: Annotated[list[str], Field(max_length=MAIS_NOMES)] = []
    mode: Literal["headless", "visible"] = "headless"
    robots: Robots = 1
    prioridade: Literal["baixa", "normal", "alta"] = "normal"
    usuario: Annotated[Texto, Field(max_length=150)] = ""
    portal: Annotated[Texto, Field(max_length=50)] = ""
    credencial: Annotated[Texto, Field(max_length=150)] = ""
    titulo: Annotated[Texto, Field(max_length=200)] = ""
    avisar: Annotated[list[Nome], Field(max_length=20)] = []
    iniciar: bool = False


@descrito(gettext_noop("`ordem` conta as linhas do pedido a partir de 1."))
class Rejeitado(Schema):
    ordem: int
    arquivo: str
    motivo: str


class Enfileirada(Resposta):
    execucao: int
    status: str
    aceitos: int
    rejeitados: list[Rejeitado]
    robots: int = 0
    espera: str = ""


def _corpo() -> dict[str, Any]:
    names = Pedido.model_json_schema()
    either = {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": MAIS_NOMES}
    upload = names | {"properties": names["properties"] | {"files": either}}
    kinds = {"application/json": names, "multipart/form-data": upload, "application/x-www-form-urlencoded": names}
    return {"required": True, "content": {kind: {"schema": schema} for kind, schema in kinds.items()}}


@router.post(
    "/enqueue", auth=quem_pode("enfileirar"), response=respostas(Enfileirada, 413, 415, 507),
    operation_id="enqueue", summary=gettext_noop("Enfileirar"),
    openapi_extra={"requestBody": _corpo()},
)  # fmt: skip
@descrito(
    gettext_noop(
        "Enfileira as linhas aceitas como uma execução, e diz por que cada uma das outras não o "
        "foi.\n\n`files`: arquivos PDF enviados, uma lista JSON de nomes, ou campos de formulário. "
        "Quando nenhuma linha é aceita, nada é enfileirado: 422, com as razões."
    )
)
def enqueue(request: HttpRequest) -> Any:
    pedido, uploads = _ler(request)
    user = quem(request)
    if pedido.iniciar:
        exigir(user, "iniciar")
    lote = lotes.ler([*map(_entrada, uploads), *pedido.files], pedido.portal)
    if not lote.aceitas:
        said = _("Nenhum arquivo foi aceito.") if lote.rejeitadas else _("Envie ao menos um arquivo em files.")
        raise Problema(422, said, rejeitados=[r.model_dump() for r in _rejeitados(lote)])
    portal, credencial = lotes.escolher(lote, pedido.portal, pedido.credencial)
    avisados = lotes.destinos(pedido.avisar)
    batch = Execucao.objects.enfileirar(
        lote.aceitas, portal=portal, credencial=credencial, max_robots=pedido.robots, mode=pedido.mode,
        prioridade=Execucao.Prioridade.de_palavra(pedido.prioridade),
        titulo=pedido.titulo, usuario=user, solicitante=pedido.usuario, origem="api",
        destinos=avisados,
    )  # fmt: skip
    return _resposta(batch, lote, robos.iniciar(batch, user) if pedido.iniciar else None)


def _resposta(batch: Execucao, lote: Lote, pedido: robos.Pedido | None) -> Enfileirada:
    said = _("Execução %(n)s enfileirada: %(contagem)s.") % {"n": batch.pk, "contagem": lote.contagem}
    started = iniciado(batch, pedido) if pedido else None
    return Enfileirada(
        mensagem=f"{said} {started.mensagem}" if started else said, aviso=aviso_sem_maquina(), execucao=batch.pk,
        status=batch.status, aceitos=len(lote.aceitas), rejeitados=_rejeitados(lote),
        robots=started.robots if started else 0, espera=started.espera if started else "",
    )  # fmt: skip


def _rejeitados(lote: Lote) -> list[Rejeitado]:
    return [Rejeitado(ordem=linha.ordem, arquivo=linha.nome, motivo=linha.erro) for linha in lote.rejeitadas]


def _entrada(upload: UploadedFile) -> Entrada:
    name = str(upload.name)
    if (upload.size or 0) > LIMITE_BYTES:
        return Entrada(name, erro=arquivo_grande())
    return Entrada(name, upload.read())


def _ler(request: HttpRequest) -> tuple[Pedido, list[UploadedFile]]:
    """The request in whichever of its forms it came. Raises Problema."""
    if request.content_type in FORMS:
        uploads = [upload for key in FILES for upload in request.FILES.getlist(key)]
        return _validado(_do_formulario(request)), uploads
    if request.content_type not in ("application/json", ""):
        raise Problema(415, _("Envie application/json, multipart/form-data ou application/x-www-form-urlencoded."))
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Problema(400, JSON_INVALIDO) from error
    return _validado(body), []


def _do_formulario(request: HttpRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {key: request.POST[key] for key in Pedido.model_fields if key in request.POST}
    files = [name for key in FILES for name in request.POST.getlist(key)]
    told = [name for name in request.POST.getlist("avisar") if name]
    return fields | {"files": _nomes(files), "avisar": _nomes(told)}


def _nomes(values: list[str]) -> Any:
    return _lista(values[0]) if len(values) == 1 else values


def _lista(text: str) -> Any:
    """A single field may hold the whole list as JSON; "[urgente] 1.pdf" is a name."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return found if isinstance(found, list) else [text]


def _validado(body: Any) -> Pedido:
    try:
        return Pedido.model_validate(body)
    except ValidationError as error:
        raise de_excecao(Invalido(error.errors(include_url=False, include_input=False))) from error  # type: ignore[arg-type]
