"""Robots of all machines: the second seed document's routes."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Router, Schema
from pydantic import Field, model_validator

from executions import clock, robos
from executions.api.acesso import quem, quem_pode
from executions.api.descricao import descrito
from executions.api.problemas import Problema, respostas
from executions.api.tipos import MAIOR_ID, Nome, Resposta, aviso_sem_maquina
from executions.models import Execucao, Host, JobItem, Processo
from executions.panorama import Espera

router = Router(tags=[gettext_noop("robôs")])
MAIOR_PID = 2**22  # the kernel's own bound


class Item(Schema):
    id: int
    ordem: int
    arquivo: str
    processo: str


@descrito(gettext_noop("`worker_id` é o nome dele em /robots/kill; `heartbeat_age` em segundos, `memory` em bytes."))
class Robot(Schema):
    worker_id: UUID
    host: str | None
    pid: int | None
    status: str
    execucao: int | None
    item: Item | None
    passo: str
    heartbeat_age: float | None
    memory: int | None
    cpu: float | None


class Robots(Schema):
    robots: list[Robot]
    maquinas: list[str]
    aviso: str = ""


@descrito(gettext_noop("Um robô: pelo `worker_id`, ou pelo `pid` (e `host`, quando duas máquinas têm esse PID)."))
class Alvo(Schema):
    worker_id: UUID | None = None
    pid: Annotated[int, Field(strict=True, ge=1, le=MAIOR_PID)] | None = None
    host: Nome | None = None

    @model_validator(mode="after")
    def _um_so(self) -> "Alvo":
        if (self.worker_id is None) == (self.pid is None):
            raise ValueError(_("informe worker_id ou pid"))
        return self


class MorteDeRobo(Resposta):
    worker_id: UUID
    encerrado: bool


@descrito(gettext_noop("`processos`: robôs e scripts a que se pediu que parassem."))
class FimDeTudo(Resposta):
    execucoes: int
    processos: int


class Inicio(Schema):
    execucao: Annotated[int, Field(strict=True, ge=1, le=MAIOR_ID)] | None = None


@descrito(gettext_noop("`espera` é o código do que a execução espera quando poderia ter mais robôs; vazio se nada."))
class Iniciado(Resposta):
    iniciado: bool
    ja_em_execucao: bool = False
    execucao: int | None = None
    robots: int = 0
    espera: str = ""


@router.get(
    "/robots",
    auth=quem_pode("view_processo"),
    response=respostas(Robots),
    operation_id="robots",
    summary=gettext_noop("Robôs vivos"),
)
@descrito(gettext_noop("Os robôs vivos de todas as máquinas."))
def robots(request: HttpRequest) -> Any:
    agora = clock.db_now()
    rows = list(Processo.objects.vivos().robos().com_item())
    held = JobItem.objects.em_andamento().filter(processo__in=rows)
    held = held.only("id", "ordem", "nome_arquivo", "numero_processo", "processo_id", "execucao_id")
    items = {item.processo_id: item for item in held}
    hosts = list(Host.objects.vivos(agora).values_list("nome", flat=True))
    aviso = "" if hosts else str(Espera.SEM_MAQUINA.label)
    return Robots(robots=[_robot(row, items.get(row.pk), agora) for row in rows], maquinas=hosts, aviso=aviso)


@router.post(
    "/robots/kill",
    auth=quem_pode("encerrar"),
    response=respostas(MorteDeRobo, 404, 413, 415),
    operation_id="robots_kill",
    summary=gettext_noop("Encerrar um robô"),
)
@descrito(
    gettext_noop(
        "Encerra um robô: o item dele falha como `encerrado` e nenhum outro toma o lugar. O último encerra a execução."
    )
)
def kill(request: HttpRequest, alvo: Alvo) -> Any:
    row = _alvo(alvo)
    asked = row.encerrar(quem(request))
    said = _("Encerramento pedido.") if asked else _("Nada mudou: o robô já terminou ou já está sendo encerrado.")
    return MorteDeRobo(mensagem=said, aviso=aviso_sem_maquina() if asked else "", worker_id=row.uuid, encerrado=asked)


@router.post(
    "/robots/kill-workers",
    auth=quem_pode("encerrar_todos"),
    response=respostas(FimDeTudo),
    operation_id="kill_workers",
    summary=gettext_noop("Encerrar todos"),
)
@descrito(
    gettext_noop(
        "Encerra tudo: itens abertos falham, execuções abertas terminam em erro, robôs e scripts são parados à força."
    )
)
def kill_workers(request: HttpRequest) -> Any:
    dying = Processo.objects.em_servico().count()
    n = robos.encerrar_todos(quem(request))
    said = _("Execuções encerradas: %(n)s; processos a parar: %(dying)s.") % {"n": n, "dying": dying}
    if not n and not dying:
        said = _("Nada mudou: nada está aberto, e nenhum processo está vivo sem que já se tenha pedido a sua parada.")
    return FimDeTudo(mensagem=said, aviso=aviso_sem_maquina() if dying else "", execucoes=n, processos=dying)


@router.post(
    "/start-worker", auth=quem_pode("iniciar"), response=respostas(Iniciado, 404, 413, 415),
    operation_id="start_worker", summary=gettext_noop("Iniciar worker"),
)  # fmt: skip
@descrito(gettext_noop("Pede os robôs de uma execução, ou da próxima aberta. «Já em execução» é um sucesso que o diz."))
def start_worker(request: HttpRequest, pedido: Inicio | None = None) -> Any:
    user = quem(request)
    if pedido and pedido.execucao:
        batch = Execucao.objects.filter(pk=pedido.execucao).first()
        if batch is None:
            raise Problema(404, _("Não há execução %(execucao)s.") % {"execucao": pedido.execucao})
        return iniciado(batch, robos.iniciar(batch, user))
    first = None
    for batch in Execucao.objects.abertas().filter(pausada_em=None).em_ordem():
        answer = iniciado(batch, robos.iniciar(batch, user))
        # An execution that waits for its own backoff or credential does not hold up the next one.
        if answer.iniciado or answer.ja_em_execucao:
            return answer
        first = first or answer
    return first or Iniciado(mensagem=_("Não há execução aberta."), aviso=aviso_sem_maquina(), iniciado=False)


def iniciado(batch: Execucao, pedido: robos.Pedido) -> Iniciado:
    """The answer for what asking for this execution's robots gave."""
    running = not pedido.robos and Processo.objects.vivos().filter(execucao=batch).exists()
    waits = "" if pedido.espera in (Espera.NADA, Espera.COMPLETA) else str(pedido.espera.label)
    head = (
        _("Robôs pedidos: %(robos)s.") % {"robos": pedido.robos} if pedido.robos else _("Nenhum robô novo foi pedido.")
    )
    if running:
        head = _("A execução já está em execução.")
    return Iniciado(
        mensagem=" ".join(filter(None, [head, waits])), aviso=aviso_sem_maquina(), iniciado=bool(pedido.robos),
        ja_em_execucao=running, execucao=batch.pk, robots=pedido.robos, espera=pedido.espera.value,
    )  # fmt: skip


def _robot(row: Processo, item: JobItem | None, agora: datetime) -> Robot:
    beat = row.heartbeat_at
    held = None
    if item:
        held = Item(id=item.pk, ordem=item.ordem, arquivo=item.nome_arquivo, processo=item.numero_processo)
    return Robot(
        worker_id=row.uuid, host=row.host.nome if row.host else None, pid=row.pid, status=row.status,
        execucao=row.execucao_id, item=held, passo=row.passo, memory=row.rss, cpu=row.cpu,
        heartbeat_age=max(0.0, (agora - beat).total_seconds()) if beat else None,
    )  # fmt: skip


def _alvo(alvo: Alvo) -> Processo:
    """Only rows of ours are looked at: a PID that is no living robot's is unknown, whatever runs under it."""
    rows = Processo.objects.robos()
    if alvo.worker_id:
        found = list(rows.filter(uuid=alvo.worker_id))
    else:
        rows = rows.vivos().filter(pid=alvo.pid)
        found = list(rows.filter(host__nome=alvo.host) if alvo.host else rows)
    if not found:
        raise Problema(404, _("Não há robô com esta identificação."))
    if len(found) > 1:
        raise Problema(422, _("Mais de uma máquina tem um robô com este PID: informe também host."))
    return found[0]
