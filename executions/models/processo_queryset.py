"""Questions about supervised processes, and the words for their states and ends."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from executions.models.execucao import Execucao
    from executions.models.host import Host
    from executions.models.processo import Processo


class Status(models.TextChoices):
    REQUESTED = "requested", _("pedido")
    STARTING = "starting", _("iniciando")
    RUNNING = "running", _("rodando")
    STOPPING = "stopping", _("parando")
    EXITED = "exited", _("terminou")
    KILLED = "killed", _("encerrado")
    LOST = "lost", _("perdido")


NOT_STARTED = (Status.REQUESTED, Status.STARTING)
LIVE = (*NOT_STARTED, Status.RUNNING, Status.STOPPING)


class Tipo(models.TextChoices):
    ROBO = "robo", _("robô")
    SCRIPT = "script", _("script")


class Motivo(models.TextChoices):
    """Why a robot ended."""

    CONCLUIDO = "concluido", _("sem mais itens")
    PAUSA = "pausa", _("execução pausada")
    ENCERRADO = "encerrado", _("encerrado")
    PARADA = "parada", _("parada da máquina")
    PORTAL = "portal", _("portal não responde")
    CREDENCIAL = "credencial", _("credencial recusada")
    BLOQUEADO = "bloqueado", _("acesso bloqueado por ora")
    LOGIN = "login", _("o login pede uma pessoa")
    EXCEDENTE = "excedente", _("acima do máximo de robôs")
    RECICLADO = "reciclado", _("navegador reciclado")
    NAVEGADOR = "navegador", _("falha do navegador")
    SEM_PROGRESSO = "sem_progresso", _("sem progresso")
    CERCADO = "cercado", _("o item já era de outro")
    SEM_BANCO = "sem_banco", _("sem banco de dados")
    SEM_MEMORIA = "sem_memoria", _("a máquina ficou sem memória")
    SEM_DISCO = "sem_disco", _("o disco da máquina está cheio")
    FALHA = "falha", _("caiu")
    PERDIDO = "perdido", _("perdido")
    # of scripts alone
    TEMPO = "tempo", _("tempo limite")
    CANCELADO = "cancelado", _("cancelado")
    MEMORIA = "memoria", _("passou do limite de memória")
    PROCESSOS = "processos", _("passou do limite de processos")
    ENTRADA = "entrada", _("pediu uma entrada")
    RECUSADO = "recusado", _("não pôde ser iniciado")


# What these words, which are a robot's, are of a script.
SCRIPT_ENDS = {Motivo.CONCLUIDO: _("concluído"), Motivo.FALHA: _("falhou")}
# A robot that ended so before its login tells of a fault of ours, not of the world outside.
OWN_FAULTS = (Motivo.NAVEGADOR, Motivo.SEM_PROGRESSO, Motivo.SEM_MEMORIA, Motivo.FALHA)


class ProcessoQuerySet(models.QuerySet["Processo"]):
    def vivos(self) -> "ProcessoQuerySet":
        return self.filter(status__in=LIVE)

    def em_servico(self) -> "ProcessoQuerySet":
        """Alive, and not asked to die."""
        return self.vivos().filter(kill_requested_at=None)

    def trabalharam(self, desde: datetime) -> "ProcessoQuerySet":
        """Those that came to run, and still do or ended since then."""
        at_work = Q(status__in=(Status.RUNNING, Status.STOPPING))
        return self.filter(at_work | Q(started_at__isnull=False, ended_at__gte=desde))

    def robos(self) -> "ProcessoQuerySet":
        return self.filter(tipo=Tipo.ROBO)

    def scripts(self) -> "ProcessoQuerySet":
        return self.filter(tipo=Tipo.SCRIPT)

    def por_avisar(self) -> "ProcessoQuerySet":
        """Scripts that ended, and nobody was told yet."""
        return self.scripts().exclude(status__in=LIVE).filter(avisado_em=None)

    def em_espera(self) -> "ProcessoQuerySet":
        """Scripts that no host was asked for yet, oldest first."""
        return self.scripts().filter(status=Status.REQUESTED, host=None, kill_requested_at=None).order_by("id")

    def sem_supervisor(self, agora: datetime) -> "ProcessoQuerySet":
        """Scripts whose supervisor, which beats for them, has gone silent."""
        limit = agora - timedelta(seconds=settings.STALE_HEARTBEAT_SECONDS)
        return self.scripts().filter(status__in=(Status.RUNNING, Status.STOPPING), heartbeat_at__lt=limit)

    def do_host(self, host: "Host") -> "ProcessoQuerySet":
        return self.filter(host=host)

    def com_item(self) -> "ProcessoQuerySet":
        """With `caso` and `item_em`: the case of the item in hand and its start (None without one), and their names."""
        from executions.models.job_item import JobItem  # noqa: PLC0415 (mutual nouns)

        held = JobItem.objects.em_andamento().filter(processo=OuterRef("pk")).order_by()
        caso, item_em = (Subquery(held.values(name)[:1]) for name in ("numero_processo", "started_at"))
        return self.annotate(caso=caso, item_em=item_em).select_related("host", "execucao").order_by("id")

    def pedir(self, execucao: "Execucao", host: "Host", agora: datetime) -> "Processo":
        """T2's row: a robot asked of this host."""
        return self.create(
            tipo=Tipo.ROBO, execucao=execucao, host=host, geracao=execucao.geracao,
            requested_at=agora, sent_at=agora, timeout_s=None,
        )  # fmt: skip

    def pedir_morte(self, agora: datetime, usuario: "AbstractBaseUser | None" = None) -> int:
        """T11: those only requested are killed at once; the others are asked of their host. Returns how many."""
        by = usuario.get_username() if usuario else ""
        asked = self.filter(status=Status.REQUESTED).update(
            status=Status.KILLED, ended_at=agora, motivo=Motivo.ENCERRADO, kill_requested_at=agora, kill_requested_by=by
        )
        living = self.em_servico()
        return asked + living.update(kill_requested_at=agora, kill_requested_by=by)

    def a_matar(self, agora: datetime, folga: float) -> "ProcessoQuerySet":
        """Asked to die more than these seconds ago (cancelled ones: with their grace), and still there."""
        killed = Q(kill_requested_at__lte=agora - timedelta(seconds=folga))
        cancelled = agora - timedelta(seconds=folga + settings.CANCEL_GRACE_SECONDS)
        return self.vivos().filter(killed | Q(cancel_requested_at__lte=cancelled))

    def nao_iniciados(self, agora: datetime) -> "ProcessoQuerySet":
        """Sent, and not running after SENT_TIMEOUT_SECONDS."""
        limit = agora - timedelta(seconds=settings.SENT_TIMEOUT_SECONDS)
        return self.filter(status__in=NOT_STARTED, sent_at__lt=limit)

    def nao_recebidos(self, agora: datetime) -> "ProcessoQuerySet":
        """Sent, and no supervisor took them up."""
        return self.nao_iniciados(agora).filter(status=Status.REQUESTED)

    def assistir(self, robos: "Iterable[Processo]", agora: datetime) -> int:
        """Somebody watches these robots: their screens are wanted for WATCH_SECONDS more. Returns how many it wrote.

        Said by every poll, written at most each half of that time, however many watch.
        """
        soon = agora + timedelta(seconds=settings.WATCH_SECONDS / 2)
        due = [robo.pk for robo in robos if robo.watch_until is None or robo.watch_until < soon]
        if not due:
            return 0
        still = self.vivos().robos().filter(Q(watch_until=None) | Q(watch_until__lt=soon), pk__in=due)
        return still.update(watch_until=agora + timedelta(seconds=settings.WATCH_SECONDS))

    def com_quadro(self) -> "ProcessoQuerySet":
        """With the robot's last frame, but for the picture itself."""
        return self.select_related("quadro").defer("quadro__jpeg")

    def sem_portal_desde(self, when: datetime) -> models.QuerySet[Any]:
        """(host, portal) of the robots that have left since then because the portal did not answer them; not where its
        breaker has closed after that."""
        left = self.filter(motivo=Motivo.PORTAL, ended_at__gte=when, host__isnull=False)
        changed = F("execucao__portal__breaker_em")
        now = left.filter(Q(execucao__portal__breaker_em=None) | Q(ended_at__gte=changed))
        return now.values_list("host", "execucao__portal").distinct()

    def abandonados(self, agora: datetime) -> "ProcessoQuerySet":
        """T16: their own and their host's heartbeats are both stale: the host is gone.

        Not scripts that no supervisor took up: those wait for another host (`nao_recebidos`).
        """
        limit = agora - timedelta(seconds=settings.STALE_HEARTBEAT_SECONDS)
        silent = Q(heartbeat_at__lt=limit) | Q(heartbeat_at=None, requested_at__lt=limit)
        gone = Q(host=None) | Q(host__heartbeat_at__lt=limit) | Q(host__heartbeat_at=None)
        return self.vivos().exclude(tipo=Tipo.SCRIPT, status=Status.REQUESTED).filter(silent, gone)

    def voltar_a_espera(self) -> int:
        """Scripts that were sent to a host and not taken up wait for any host again. Returns how many."""
        return self.scripts().filter(status=Status.REQUESTED).update(host=None, sent_at=None)

    def tres_quedas_antes_do_login(self, execucao: "Execucao") -> str:
        """The last words of the third robot in a row that failed by our own fault before its login; else empty."""
        ended = self.filter(execucao=execucao, geracao=execucao.geracao, started_at__isnull=False)
        last = list(ended.exclude(status__in=LIVE).order_by("-ended_at", "-id")[:3])
        if len(last) == 3 and all(p.login_em is None and p.motivo in OWN_FAULTS for p in last):
            return last[0].erro or last[0].get_motivo_display()
        return ""
