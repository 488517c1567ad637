"""Scripts as processes: the first seed document's routes."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from ninja import Path, Router, Schema
from ninja.responses import Status
from pydantic import Field

from executions import clock, scripts
from executions.api.acesso import exigir, quem, quem_pode
from executions.api.descricao import descrito
from executions.api.problemas import respostas
from executions.api.tipos import Nome, Resposta, Texto, aviso_sem_maquina
from executions.models import Processo

router = Router(tags=[gettext_noop("processos")])
CAUDA = 20_000  # characters of the log's tail
CHUNKS = 200

Valor = Annotated[Texto, Field(max_length=1000)] | int | float | bool | None


class Executar(Schema):
    script: Nome
    params: Annotated[dict[Annotated[Texto, Field(max_length=40)], Valor], Field(max_length=100)] = {}
    timeout: Annotated[int, Field(strict=True, ge=1, le=7 * 24 * 3600)] | None = None


class Matar(Schema):
    script: Nome


@descrito(
    gettext_noop(
        "`elapsed` em segundos, `cpu` em % de um núcleo, `memory` em bytes, da árvore toda de "
        "processos.\n\n`espera` diz o que falta a um que ainda não começou: um lugar, ou uma "
        "máquina ligada."
    )
)
class ProcessoSchema(Schema):
    uuid: UUID
    script: str
    pid: int | None
    running: bool
    exit_code: int | None
    elapsed: float
    cpu: float | None
    memory: int | None
    status: str
    host: str | None
    timeout: int | None
    progresso: float | None
    passo: str
    espera: str


@descrito(gettext_noop("`log` é o fim da saída, null para quem não pode ler saídas."))
class ScriptDetalhado(ProcessoSchema):
    motivo: str
    razao: str
    params: dict[str, Any]
    usuario: str | None
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    log: str | None
    log_cortado: bool


class ExecucaoDeScript(Resposta):
    uuid: UUID
    script: str
    status: str
    pid: int | None
    host: str | None


class MorteDeScript(Resposta):
    script: str
    uuid: UUID | None = None
    pid: int | None = None
    encerrado: bool


class MorteDeScripts(Resposta):
    encerrados: int


@router.get(
    "/processos",
    auth=quem_pode("view_processo"),
    response=respostas(list[ProcessoSchema]),
    operation_id="processos",
    summary=gettext_noop("Scripts vivos"),
)
@descrito(gettext_noop("Os scripts vivos de todas as máquinas, também os que esperam um lugar."))
def processos(request: HttpRequest) -> Any:
    agora = clock.db_now()
    rows = Processo.objects.vivos().scripts().select_related("script", "host").order_by("id")
    sem_maquina = aviso_sem_maquina()
    return [ProcessoSchema(**_campos(row, agora, sem_maquina)) for row in rows]


@router.post(
    "/processos/executar", auth=quem_pode("executar_script"),
    response=respostas(ExecucaoDeScript, 404, 409, 413, 415, status=202), operation_id="executar",
    summary=gettext_noop("Executar um script"),
)  # fmt: skip
@descrito(gettext_noop("Inicia um script, ou o põe na fila por um lugar. 409 enquanto ele já está vivo ou na fila."))
def executar(request: HttpRequest, pedido: Executar) -> Any:
    script = scripts.encontrar(pedido.script)
    row = scripts.pedir_script(script, pedido.params, timeout=pedido.timeout, usuario=quem(request))
    aviso = aviso_sem_maquina()
    said = _("Execução pedida.") if row.host_id else _("Execução pedida: espera um lugar numa máquina.")
    host = row.host.nome if row.host else None
    made = ExecucaoDeScript(
        mensagem=said, aviso=aviso, uuid=row.uuid, script=str(script), status=row.status, pid=row.pid, host=host
    )
    return Status(202, made)


@router.post(
    "/processos/matar", auth=quem_pode("executar_script"), response=respostas(MorteDeScript, 404, 413, 415),
    operation_id="matar", summary=gettext_noop("Encerrar um script"),
)  # fmt: skip
@descrito(
    gettext_noop("Para à força o processo vivo de um script, com a árvore toda. A máquina dele o faz em segundos.")
)
def matar(request: HttpRequest, pedido: Matar) -> Any:
    script, user = scripts.encontrar(pedido.script), quem(request)
    if not script.pode_parar(user):
        exigir(user, "encerrar_todos")
    row = Processo.objects.vivos().filter(script=script).first()
    if row is None:
        return MorteDeScript(
            mensagem=_("Nada mudou: o script não está em execução."), script=str(script), encerrado=False
        )
    asked = row.matar(user)
    said = _("Encerramento pedido.") if asked else _("Nada mudou: o encerramento já foi pedido.")
    aviso = aviso_sem_maquina() if row.host_id else ""
    return MorteDeScript(mensagem=said, aviso=aviso, script=str(script), uuid=row.uuid, pid=row.pid, encerrado=asked)


@router.post(
    "/processos/matar-todos",
    auth=quem_pode("encerrar_todos"),
    response=respostas(MorteDeScripts),
    operation_id="matar_todos",
    summary=gettext_noop("Encerrar todos os scripts"),
)
@descrito(gettext_noop("Para à força todos os scripts vivos."))
def matar_todos(request: HttpRequest) -> Any:
    n = scripts.matar_todos(quem(request))
    many = ngettext("Encerramento pedido a %(n)d script.", "Encerramento pedido a %(n)d scripts.", n) % {"n": n}
    said = many if n else _("Nada mudou: nenhum script a encerrar.")
    return MorteDeScripts(mensagem=said, aviso=aviso_sem_maquina() if n else "", encerrados=n)


@router.get(
    "/processos/{uuid:uuid}", auth=quem_pode("view_processo"), response=respostas(ScriptDetalhado, 404),
    operation_id="processo", summary=gettext_noop("Um processo de script"),
)  # fmt: skip
@descrito(gettext_noop("O processo de um script, vivo ou terminado, com o fim da saída."))
def processo(request: HttpRequest, uuid: Path[UUID]) -> Any:
    row = Processo.objects.scripts().select_related("script", "host", "usuario").filter(uuid=uuid).first()
    if row is None:
        raise Http404
    return ScriptDetalhado(**_campos(row, clock.db_now(), aviso_sem_maquina()), **_detalhes(row, quem(request)))


def _campos(row: Processo, agora: datetime, sem_maquina: str) -> dict[str, Any]:
    waits = row.status == Processo.Status.REQUESTED and row.host_id is None
    began, ended = row.started_at or row.requested_at, row.ended_at or agora
    return {
        "uuid": row.uuid, "script": str(row.script), "pid": row.pid,
        "running": row.status in (Processo.Status.RUNNING, Processo.Status.STOPPING), "exit_code": row.exit_code,
        "elapsed": max(0.0, (ended - began).total_seconds()), "cpu": row.cpu, "memory": row.rss, "status": row.status,
        "host": row.host.nome if row.host else None, "timeout": row.timeout_s, "progresso": row.progresso,
        "passo": row.passo, "espera": (sem_maquina or _("Espera um lugar numa máquina.")) if waits else "",
    }  # fmt: skip


def _detalhes(row: Processo, user: User) -> dict[str, Any]:
    log = _cauda(row) if user.has_perm("executions.view_saida") else None
    return {
        "motivo": row.motivo, "razao": row.razao, "params": row.parametros,
        "usuario": row.usuario.get_username() if row.usuario else None,
        "requested_at": row.requested_at, "started_at": row.started_at, "ended_at": row.ended_at,
        "log": log[-CAUDA:] if log is not None else None,
        "log_cortado": row.saida_cortada or log is not None and len(log) > CAUDA,
    }  # fmt: skip


def _cauda(row: Processo) -> str:
    """At least CAUDA characters of the end, when there are so many; the beginning is never read."""
    parts: list[str] = []
    size = 0
    for text in row.saidas.order_by("-n").values_list("texto", flat=True).iterator(chunk_size=CHUNKS):
        parts.append(text)
        size += len(text)
        if size > CAUDA:
            break
    return "".join(reversed(parts))
