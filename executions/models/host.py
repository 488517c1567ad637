from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import JSONArray
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock, disco
from executions.linhas import Linhas
from executions.models.batida import Batida
from executions.models.ocorrencia import Ocorrencia
from executions.models.registro import Registro

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


ALARMES_MOSTRADOS = 20


class HostQuerySet(models.QuerySet["Host"]):
    def vivos(self, agora: datetime) -> "HostQuerySet":
        """Hosts whose heartbeat is fresh."""
        return self.filter(heartbeat_at__gte=agora - timedelta(seconds=settings.STALE_HEARTBEAT_SECONDS))

    def de_todos(self, agora: datetime) -> "HostQuerySet":
        """Live hosts that take short tasks of anybody: not stopping, and not kept for one execution."""
        return self.vivos(agora).filter(draining_at=None, exclusiva=None)

    def com_vida(self, agora: datetime) -> "HostQuerySet":
        """With `ligado`: is its heartbeat fresh (one clock for the whole list, where `viva` asks it a row)."""
        return self.annotate(ligado=Exists(Host.objects.vivos(agora).filter(pk=OuterRef("pk"))))

    def com_alarmes(self) -> "HostQuerySet":
        """With `alarmes`: what goes on now; `agendador_em`: the last step of any scheduler; `com_agenda`: would it have
        something to fire? The same with each row, so that whoever reads the hosts asks no more."""
        from executions.models.agendamento import Agendamento  # noqa: PLC0415 (mutual nouns)

        rows = Ocorrencia.objects.abertas().annotate(linha=JSONArray("alarme", "mensagem", "aberta_em"))
        step = Batida.objects.filter(obra=Batida.Obra.AGENDADOR)
        return self.annotate(
            alarmes=Linhas(rows.values("linha")[:ALARMES_MOSTRADOS]),
            agendador_em=Subquery(step.values("at")[:1]),
            com_agenda=Exists(Agendamento.objects.filter(proximo_em__isnull=False)),
        )

    def que_servem(self, execucao_id: int) -> "HostQuerySet":
        """Those that may serve this execution: everybody's, and its own."""
        return self.filter(Q(exclusiva=None) | Q(exclusiva=execucao_id))

    def com_lugar_de_script(self, agora: datetime) -> "HostQuerySet":
        """Live hosts that may take one more script, the emptiest first."""
        from executions.models.processo import Processo  # noqa: PLC0415 (Processo's own file knows Host)

        taken = Count("processos", filter=Q(processos__status__in=Processo.LIVE, processos__tipo="script"))
        free = self.de_todos(agora).annotate(livres=F("script_places") - taken)
        return free.filter(livres__gt=0).order_by("-livres", "nome")


class Host(models.Model):
    """A machine that runs robots. `epoch` names one run of its agent: what an older one left is cleared at start."""

    nome = models.CharField(_("nome"), max_length=80, unique=True)
    epoch = models.CharField(_("vez em que foi ligada"), max_length=36)
    boot_id = models.CharField(_("boot"), max_length=36)
    pid = models.PositiveIntegerField(_("PID"))
    start_ticks = models.BigIntegerField(_("início do processo"))
    places = models.PositiveIntegerField(_("lugares de robôs"))
    script_places = models.PositiveIntegerField(_("lugares de scripts"))
    exclusiva = models.ForeignKey(
        "executions.Execucao",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("A única execução que esta máquina atende."),
        verbose_name=_("só da execução"),
    )
    cpu = models.FloatField(_("CPU (%)"), null=True, blank=True)
    memory = models.FloatField(_("memória (%)"), null=True, blank=True)
    disco_livre = models.FloatField(_("disco livre (%)"), null=True, blank=True)
    orfaos = models.PositiveIntegerField(
        _("processos órfãos"),
        default=0,
        help_text=_("Que o zelador desta máquina achou sem dono e não conseguiu encerrar."),
    )
    canary_at = models.DateTimeField(_("canário"), null=True, blank=True)
    watchdog_since = models.DateTimeField(_("watchdog desde"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("último sinal"), null=True, blank=True)
    draining_at = models.DateTimeField(_("parando desde"), null=True, blank=True)
    versao = models.CharField(_("versão"), max_length=20, blank=True)

    ligado: bool  # from `com_vida`
    objects = models.Manager.from_queryset(HostQuerySet)()

    class Meta:
        db_table = "hosts"
        ordering = ["nome"]
        verbose_name = _("máquina")

    def __str__(self) -> str:
        return self.nome

    @property
    def disco(self) -> float | None:
        """Used, in per cent."""
        return None if self.disco_livre is None else 100 - self.disco_livre

    @property
    def sem_disco(self) -> bool:
        """No robot starts here until there is room."""
        return self.disco_livre is not None and self.disco_livre <= disco.MINIMO

    def recebe(self, execucao_id: int | None = None) -> bool:
        """`atende`, and there is room on its disk."""
        return self.atende(execucao_id) and not self.sem_disco

    def medir_disco(self) -> bool:
        """Measures the disks of this machine, which this row stands for. Are they too full to work?"""
        self.disco_livre = disco.livre()
        if self.sem_disco:
            Host.objects.filter(pk=self.pk).update(disco_livre=self.disco_livre)
        return self.sem_disco

    @property
    def viva(self) -> bool:
        limit = clock.db_now() - timedelta(seconds=settings.STALE_HEARTBEAT_SECONDS)
        return self.heartbeat_at is not None and self.heartbeat_at >= limit

    def atende(self, execucao_id: int | None = None) -> bool:
        """May robots of this execution (None: of one that does not exist yet) start here, when there is a place?"""
        return self.draining_at is None and self.exclusiva_id in (None, execucao_id)

    def bater(self, **medidas: float | None) -> bool:
        """The agent's heartbeat. False when another epoch has taken the name: this agent must end."""
        mine = Host.objects.filter(pk=self.pk, epoch=self.epoch)
        return bool(mine.update(heartbeat_at=clock.db_now(), **medidas))

    def parar(self) -> None:
        """Nothing new starts here, and the supervisors close their robots' pipes."""
        Host.objects.filter(pk=self.pk, epoch=self.epoch, draining_at=None).update(draining_at=clock.db_now())

    def esvaziar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """A person's `parar`: the host stays on, and empty, until `liberar` or its next start. False when it was so."""
        return self._mudar(
            Host.objects.filter(pk=self.pk, draining_at=None),
            clock.db_now(),
            usuario,
            "maquina_esvaziada",
            gettext("Máquina %(nome)s: esvaziada."),
        )

    def liberar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """It takes robots and scripts again. False when it did already."""
        draining = Host.objects.filter(pk=self.pk, draining_at__isnull=False)
        return self._mudar(draining, None, usuario, "maquina_liberada", gettext("Máquina %(nome)s: liberada."))

    def _mudar(
        self, rows: "HostQuerySet", desde: datetime | None, usuario: "AbstractBaseUser | None", evento: str, texto: str
    ) -> bool:
        with transaction.atomic():
            if not rows.update(draining_at=desde):
                return False
            Registro.objects.anotar(evento, texto % {"nome": self}, usuario=usuario)
        return True
