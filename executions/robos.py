"""T2: how many robots an execution may have now, and why it has no more. The one place that asks for robots."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import ngettext

from executions import clock, queue
from executions.locks import locked
from executions.models import Controle, Credencial, Execucao, Host, JobItem, Portal, Processo, Registro
from executions.results import ErroClasse

TURN_BACKOFF_SECONDS = 60


class Espera(models.TextChoices):
    """What an execution that could use another robot is waiting for."""

    NADA = "", ""
    TERMINADA = "terminada", "A execução terminou."
    PAUSADA = "pausada", "Pausada."
    COMPLETA = "completa", "Já tem todos os robôs de que precisa."
    RECUO = "recuo", "Os itens restantes esperam a hora da nova tentativa."
    VEZ = "vez", "Aguarda a vez: outra execução está em andamento."
    PORTAL = "portal", "O portal não responde. Uma sondagem por minuto; nenhuma tentativa é gasta."
    CREDENCIAL = "credencial", "A credencial está bloqueada pelo portal por alguns minutos."
    LOGIN = "login", "Aguarda o primeiro login da credencial antes de abrir mais robôs."
    SESSOES = "sessoes", "O portal ou a credencial já usa todas as sessões permitidas."
    SEM_MAQUINA = "sem_maquina", "Nenhuma máquina de robôs está ligada. Inicie uma com manage.py runrobots."
    SEM_LUGAR = "sem_lugar", "As máquinas ligadas estão sem lugar para mais um robô."


# Waits that are the world's, not a silence of ours (T12 leaves them alone).
LEGITIMATE = frozenset(Espera) - {Espera.NADA, Espera.COMPLETA, Espera.TERMINADA}


@dataclass(frozen=True)
class Pedido:
    """How many robots were asked for just now, and what the execution waits for if it could use more."""

    robos: int
    espera: Espera


def pedir_robos(execucao_id: int) -> Pedido:
    """Asks for as many robots as the execution may have now. Idempotent: a hundred clicks ask for max_robots robots.

    Holds Controle, so two callers never count the same place twice. A batch whose credential was refused, or whose
    robots fail by themselves three times in a row before their login, ends here with that reason.
    """
    with transaction.atomic():
        Controle.lock()
        rows = Execucao.objects.filter(pk=execucao_id).select_related("portal", "credencial")
        batch = locked(rows).first()
        if batch is None or not batch.aberta or _sem_saida(batch):
            return Pedido(0, Espera.TERMINADA)
        agora = clock.db_now()
        n, espera = _vagas(batch, agora)
        asked = 0
        while asked < n:
            host = Host.objects.com_lugar(agora, batch.pk).first()
            if host is None:
                espera = Espera.SEM_LUGAR if Host.objects.vivos(agora).exists() else Espera.SEM_MAQUINA
                break
            # Only with a place in hand: a probe that cannot start would cost the portal's other batches their minute.
            if batch.portal.fora_do_ar and not batch.portal.ganhar_sonda(agora):
                break
            processo = Processo.objects.pedir(batch, host, agora)
            queue.send_supervise(str(processo.uuid), host.nome)
            asked += 1
    return Pedido(asked, espera)


def iniciar(execucao: Execucao, usuario: "models.Model | None" = None) -> Pedido:
    """The operator's "Iniciar": asks for robots, and keeps who asked."""
    pedido = pedir_robos(execucao.pk)
    if pedido.robos:
        text = f"Robôs pedidos: {pedido.robos}."
        Registro.objects.anotar("iniciada", text, execucao=execucao, usuario=usuario)  # type: ignore[arg-type]
    return pedido


def encerrar_todos(usuario: "models.Model | None" = None) -> int:
    """T11 for everything open: every open execution ends as error, every live process is asked to die.

    Returns how many executions were ended. Holds Controle, so no robot is asked for in between.
    """
    with transaction.atomic():
        Controle.lock()
        n = sum(batch.encerrar(usuario) for batch in Execucao.objects.abertas().em_ordem())  # type: ignore[arg-type]
        asked = Processo.objects.all().pedir_morte(clock.db_now(), usuario)  # type: ignore[arg-type]
        if n or asked:
            batches = ngettext("%(n)d execução", "%(n)d execuções", n) % {"n": n}
            others = ngettext("mais %(n)d processo", "mais %(n)d processos", asked) % {"n": asked}
            text = f"Encerrar todos: {batches} e {others}."
            Registro.objects.anotar("encerrar_todos", text, level="warning", usuario=usuario)  # type: ignore[arg-type]
    return n


def espera_de(execucao: Execucao, agora: datetime) -> Espera:
    """What this execution waits for, without asking for anything (for pages and for T12)."""
    if not execucao.aberta:
        return Espera.TERMINADA
    n, espera = _vagas(execucao, agora)
    if not n:
        return espera
    if Host.objects.com_lugar(agora, execucao.pk).exists():
        return Espera.PORTAL if execucao.portal.fora_do_ar else Espera.NADA
    return Espera.SEM_LUGAR if Host.objects.vivos(agora).exists() else Espera.SEM_MAQUINA


def _sem_saida(batch: Execucao) -> bool:
    if batch.credencial.recusada_em:
        text = "O portal recusou usuário ou senha. Corrija a credencial e reabra as falhas."
        return batch.interromper(ErroClasse.CREDENCIAL_RECUSADA, text)
    words = Processo.tres_quedas_antes_do_login(batch)
    if words:
        return batch.interromper(ErroClasse.NAVEGADOR, f"Três robôs seguidos falharam antes do login. {words}")
    return False


def _vagas(batch: Execucao, agora: datetime) -> tuple[int, Espera]:
    """(robots it may have beside those it has, what it waits for when that is less than it could use)."""
    if batch.pausada:
        return 0, Espera.PAUSADA
    live = Processo.objects.vivos().robos()
    mine = live.filter(execucao=batch).count()
    claimable = batch.itens.disponiveis(agora)[: batch.max_robots].count()
    missing = min(batch.max_robots, batch.n_running + claimable) - mine
    if missing <= 0:
        return 0, Espera.COMPLETA if mine else Espera.RECUO
    if _em_andamento(batch, agora).count() >= settings.EXECUCOES_SIMULTANEAS:
        return 0, Espera.VEZ
    if batch.portal.fora_do_ar:
        if live.filter(execucao__portal=batch.portal).exists():
            return 0, Espera.PORTAL
        probe, espera = _com_sessoes(batch, agora, 1)
        return (1, Espera.PORTAL) if probe else (0, espera)
    return _com_sessoes(batch, agora, missing)


def _em_andamento(batch: Execucao, agora: datetime) -> "models.QuerySet[Execucao]":
    """Other executions that hold the turn: a live robot, or an item whose backoff ends within a minute."""
    soon = agora + timedelta(seconds=TURN_BACKOFF_SECONDS)
    robots = Processo.objects.vivos().filter(execucao=OuterRef("pk"))
    backoff = JobItem.objects.pendentes().filter(
        execucao=OuterRef("pk"), available_at__gt=agora, available_at__lte=soon
    )
    waiting = Q(Exists(backoff)) & Q(pausada_em=None) & ~Q(portal__breaker=Portal.Breaker.OPEN)
    return Execucao.objects.abertas().exclude(pk=batch.pk).filter(Q(Exists(robots)) | waiting)


def _com_sessoes(batch: Execucao, agora: datetime, missing: int) -> tuple[int, Espera]:
    live = Processo.objects.vivos().robos()
    credencial = batch.credencial
    if credencial.livre_em and credencial.livre_em > agora:
        return 0, Espera.CREDENCIAL
    on_portal = live.filter(execucao__portal=batch.portal).count()
    on_credencial = live.filter(execucao__credencial=credencial).count()
    free = missing
    if batch.portal.max_sessions is not None:
        free = min(free, batch.portal.max_sessions - on_portal)
    if credencial.max_sessions is not None:
        free = min(free, credencial.max_sessions - on_credencial)
    if free < 1:
        return 0, Espera.SESSOES
    if not _accepted_lately(credencial, agora):
        # A wrong password must be tried once, by one robot: accounts lock.
        return (0, Espera.LOGIN) if on_credencial else (1, Espera.LOGIN)
    return free, Espera.SESSOES if free < missing else Espera.NADA


def _accepted_lately(credencial: Credencial, agora: datetime) -> bool:
    fresh = agora - timedelta(seconds=settings.CREDENTIAL_FRESH_SECONDS)
    return credencial.accepted_at is not None and credencial.accepted_at >= fresh
