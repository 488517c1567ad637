import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.locks import locked
from executions.models.execucao import Execucao
from executions.models.processo_queryset import LIVE, SCRIPT_ENDS, Motivo, ProcessoQuerySet, Status, Tipo
from executions.models.quadro import Quadro
from executions.models.registro import Registro
from executions.results import ErroClasse

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from executions.models.job_item import JobItemQuerySet


class Processo(models.Model):
    """One supervised operating-system process: of a robot or of a script. Its session id equals its pid."""

    Status, Motivo, Tipo, LIVE = Status, Motivo, Tipo, LIVE

    uuid = models.UUIDField(_("UUID"), default=uuid.uuid4, unique=True, editable=False)
    tipo = models.CharField(_("tipo"), max_length=6, choices=Tipo.choices, default=Tipo.ROBO)
    execucao = models.ForeignKey(
        Execucao, models.CASCADE, null=True, blank=True, related_name="processos", verbose_name=_("execução")
    )
    geracao = models.PositiveIntegerField(_("geração"), default=1)
    script = models.ForeignKey(
        "executions.Script", models.PROTECT, null=True, blank=True, related_name="processos", verbose_name=_("script")
    )
    parametros = models.JSONField(_("parâmetros"), default=dict, blank=True)
    usuario = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("usuário")
    )
    host = models.ForeignKey(
        "executions.Host", models.PROTECT, null=True, blank=True, related_name="processos", verbose_name=_("máquina")
    )
    boot_id = models.CharField(_("boot"), max_length=36, blank=True)
    pid = models.PositiveIntegerField(_("PID"), null=True, blank=True)
    start_ticks = models.BigIntegerField(_("início do processo"), null=True, blank=True)
    pasta = models.CharField(_("pasta"), max_length=300, blank=True)
    status = models.CharField(_("situação"), max_length=10, choices=Status.choices, default=Status.REQUESTED)
    exit_code = models.IntegerField(_("código de saída"), null=True, blank=True)
    motivo = models.CharField(_("motivo"), max_length=20, choices=Motivo.choices, blank=True)
    erro = models.TextField(_("últimas palavras"), blank=True)
    passo = models.CharField(_("passo"), max_length=120, blank=True)
    heartbeat_at = models.DateTimeField(_("último sinal"), null=True, blank=True)
    progress_at = models.DateTimeField(_("último progresso"), null=True, blank=True)
    requested_at = models.DateTimeField(_("pedido em"))
    sent_at = models.DateTimeField(_("mandado em"), null=True, blank=True)
    started_at = models.DateTimeField(_("iniciado em"), null=True, blank=True)
    login_em = models.DateTimeField(_("login em"), null=True, blank=True)
    ended_at = models.DateTimeField(_("terminado em"), null=True, blank=True)
    avisado_em = models.DateTimeField(_("avisado em"), null=True, blank=True, editable=False)
    timeout_s = models.PositiveIntegerField(_("limite (s)"), null=True, blank=True)
    kill_requested_at = models.DateTimeField(_("encerramento pedido em"), null=True, blank=True)
    kill_requested_by = models.CharField(_("encerramento pedido por"), max_length=150, blank=True)
    cancel_requested_at = models.DateTimeField(_("cancelamento pedido em"), null=True, blank=True)
    watch_until = models.DateTimeField(_("tela vista até"), null=True, blank=True, editable=False)
    progresso = models.FloatField(_("progresso (%)"), null=True, blank=True)
    amostras = models.JSONField(
        _("amostras"), default=list, blank=True
    )  # [seconds, CPU %, bytes], thinned out as they grow
    saida_total = models.BigIntegerField(_("saída (caracteres)"), default=0)
    saida_cortada = models.BooleanField(_("saída cortada"), default=False)
    cpu = models.FloatField(_("CPU (%)"), null=True, blank=True)
    rss = models.BigIntegerField(_("memória (bytes)"), null=True, blank=True)
    n_processos = models.PositiveIntegerField(_("processos"), null=True, blank=True)
    versao = models.CharField(_("versão"), max_length=20, blank=True)

    itens: "JobItemQuerySet"
    caso: str | None
    objects = models.Manager.from_queryset(ProcessoQuerySet)()

    class Meta:
        db_table = "processos"
        ordering = ["-id"]
        verbose_name = _("processo")
        permissions = [("ver_tela", _("Pode ver a tela dos robôs"))]
        indexes = [
            models.Index(fields=["execucao", "status"], name="processo_por_execucao"),
            models.Index(fields=["host", "status"], name="processo_por_host"),
            models.Index(fields=["id"], condition=Q(tipo="script", avisado_em=None), name="script_por_avisar"),
            models.Index(fields=["ended_at"], condition=Q(motivo="cercado"), name="processo_cercado"),
            models.Index(fields=["ended_at"], condition=Q(motivo="portal"), name="processo_sem_portal"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["host", "boot_id", "pid", "start_ticks"],
                condition=Q(pid__isnull=False),
                name="uma_linha_por_processo",
            ),
            models.UniqueConstraint(
                fields=["script"], condition=Q(status__in=LIVE), name="um_processo_vivo_por_script"
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="processo_status"),
            models.CheckConstraint(
                condition=Q(tipo="robo", execucao__isnull=False, script__isnull=True)
                | Q(tipo="script", script__isnull=False, execucao__isnull=True),
                name="robo_de_execucao_ou_script",
            ),
        ]

    def __str__(self) -> str:
        """A robot has one name from its request to the end of its history, on every host; its PID has not."""
        return (
            gettext("Robô %(pk)s") % {"pk": self.pk}
            if self.tipo == self.Tipo.ROBO
            else gettext("Script %(pid)s") % {"pid": self.pid or self.uuid}
        )

    @property
    def fim(self) -> str:
        """How it ended, in a word or two; empty while nobody said."""
        if self.tipo == self.Tipo.SCRIPT and self.motivo in SCRIPT_ENDS:
            return str(SCRIPT_ENDS[Motivo(self.motivo)])
        return self.get_motivo_display()

    @property
    def razao(self) -> str:
        """Why it ended, as a sentence for a person."""
        said = self.fim.capitalize()
        known = self.erro.startswith(said)
        return " ".join(filter(None, ["" if known else f"{said}.", self.erro]))

    @property
    def vivo(self) -> bool:
        return self.status in LIVE

    @property
    def ultimo_quadro(self) -> Quadro | None:
        return getattr(self, "quadro", None)

    def _moved(self, *source: str, **changes: Any) -> bool:
        return bool(Processo.objects.filter(pk=self.pk, status__in=source).update(**changes))

    def iniciar(self) -> bool:
        """T18, by the supervisor that got the message: only one wins, and none on a host that is stopping."""
        free = Processo.objects.filter(
            pk=self.pk, status=Status.REQUESTED, kill_requested_at=None, host__draining_at=None
        )
        return bool(
            Processo.objects.filter(pk__in=free.values("pk"), status=Status.REQUESTED).update(status=Status.STARTING)
        )

    def rodar(self, *, pid: int, start_ticks: int, boot_id: str, pasta: str) -> bool:
        """The child exists: from now on it may claim."""
        agora = clock.db_now()
        return self._moved(
            Status.STARTING, status=Status.RUNNING, pid=pid, start_ticks=start_ticks, boot_id=boot_id, pasta=pasta,
            started_at=agora, heartbeat_at=agora, progress_at=agora,
            passo="" if self.tipo == self.Tipo.SCRIPT else gettext("iniciando"),
        )  # fmt: skip

    def tocar(self, agora: datetime) -> bool:
        """In the claim's transaction: I am running and not asked to die."""
        mine = Processo.objects.filter(pk=self.pk, status=Status.RUNNING, kill_requested_at=None)
        return bool(mine.update(heartbeat_at=agora, progress_at=agora))

    def bater(self, passo: str, parado_ha: float, *, agora: datetime | None = None) -> bool:
        """T4 and T5: the heartbeat, with the step it is at and for how many seconds that has not changed."""
        agora = agora or clock.db_now()
        return self._moved(
            Status.RUNNING, Status.STOPPING,
            heartbeat_at=agora, passo=passo[:120], progress_at=agora - timedelta(seconds=parado_ha),
        )  # fmt: skip

    def logou(self) -> None:
        self._moved(Status.RUNNING, login_em=clock.db_now())

    def cancelar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """The gentle end of a script: SIGTERM, and SIGKILL after its grace. One that only waits ends at once."""
        agora = clock.db_now()
        with transaction.atomic():
            waiting = Processo.objects.filter(pk=self.pk, status=Status.REQUESTED)
            by = usuario.get_username() if usuario else ""
            gone = waiting.update(status=Status.KILLED, ended_at=agora, motivo=Motivo.CANCELADO, kill_requested_by=by)
            asked = Processo.objects.em_servico().filter(pk=self.pk, cancel_requested_at=None)
            if not (gone or asked.update(cancel_requested_at=agora, kill_requested_by=by)):
                return False
            self._anotar("script_cancelado", gettext("Script cancelado pelo operador."), usuario)
        return True

    def matar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """The hard end of a script: SIGKILL to its whole tree, at once."""
        with transaction.atomic():
            if not Processo.objects.em_servico().filter(pk=self.pk).exists():
                return False
            return self._pedir_morte(usuario, "script_encerrado", gettext("Script encerrado pelo operador."))

    def despedir(self, motivo: str, erro: str = "") -> None:
        """The child's own word on why it ends, written before it goes."""
        self._moved(Status.RUNNING, Status.STOPPING, motivo=motivo, erro=erro[:2000], status=Status.STOPPING)

    def _batch(self) -> Execucao:
        """Its execution, locked: the first lock of any change that may touch the item in hand."""
        return locked(Execucao.objects.filter(processos=self)).get()

    def sair_se_excedente(self) -> bool:
        """T17: leaves when more robots are at work than `max_robots` now allows; exactly the surplus does."""
        with transaction.atomic():
            batch = self._batch()
            staying = Processo.objects.em_servico().filter(execucao=batch).exclude(status=Status.STOPPING)
            if staying.count() <= batch.max_robots:
                return False
            return self._moved(Status.RUNNING, status=Status.STOPPING, motivo=Motivo.EXCEDENTE)

    def encerrar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """T11 for one robot: its item fails `encerrado` and no other takes its place. False when it had ended.

        The last robot's end is the batch's. A script has neither: it is killed.
        """
        if self.tipo == self.Tipo.SCRIPT:
            return self.matar(usuario)
        with transaction.atomic():
            batch = self._batch()
            others = Processo.objects.em_servico().filter(execucao=batch).exclude(pk=self.pk).count()
            if not Processo.objects.em_servico().filter(pk=self.pk).exists():
                return False
            if batch.aberta and not others:
                return batch.encerrar(usuario)
            for item in self.itens.em_andamento():
                item.falhar(ErroClasse.ENCERRADO, gettext("Robô encerrado pelo operador."))
            if batch.aberta:
                Execucao.objects.filter(pk=batch.pk, max_robots__gt=others).update(max_robots=others)
            return self._pedir_morte(usuario, "robo_encerrado", gettext("Robô encerrado pelo operador."))

    def reiniciar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """T11, gentle: its item goes back to pending, the robot is killed and a fresh one takes over.

        False when it had ended, and for a script: nobody would start it again.
        """
        if self.tipo == self.Tipo.SCRIPT:
            return False
        with transaction.atomic():
            self._batch()
            if not Processo.objects.em_servico().filter(pk=self.pk).exists():
                return False
            for item in self.itens.em_andamento():
                item.devolver("reiniciado")
            return self._pedir_morte(usuario, "robo_reiniciado", gettext("Robô reiniciado pelo operador."))

    def _pedir_morte(self, usuario: "AbstractBaseUser | None", evento: str, mensagem: str) -> bool:
        asked = Processo.objects.filter(pk=self.pk).pedir_morte(clock.db_now(), usuario)
        self._anotar(evento, mensagem, usuario)
        return bool(asked)

    def _anotar(self, evento: str, mensagem: str, usuario: "AbstractBaseUser | None") -> None:
        text = f"{self.script}: {mensagem}" if self.script_id else mensagem
        Registro.objects.anotar(evento, text, execucao=self.execucao_id, processo_id=self.pk, usuario=usuario)

    def terminar(
        self,
        status: str,
        *,
        exit_code: int | None = None,
        motivo: str,
        erro: str = "",
        item: str = "expirar",
        de: Iterable[str] = LIVE,
    ) -> bool:
        """T16: the process is gone, verified. Its item, if one is still its own, goes by `item`:

        `expirar` (T9, it crashed), `devolver` (T15), `tentar_de_novo` (T10), `adiar` (T8, it had stood still).
        False when it is none of `de` any more. The caller asks for fresh robots afterwards.
        """
        with transaction.atomic():
            batch = locked(Execucao.objects.filter(pk=self.execucao_id)).first() if self.execucao_id else None
            for held in self.itens.em_andamento():
                _give_up(held, item)
            kept = {"motivo": motivo} if motivo else {}
            words = {"erro": erro[:2000]} if erro else {}
            if not self._moved(*de, status=status, exit_code=exit_code, ended_at=clock.db_now(), **kept, **words):
                transaction.set_rollback(True)
                return False
            if batch:
                Quadro.objects.filter(processo=self.pk).delete()
                batch.voltar_a_fila()
        return True


def _give_up(held: Any, how: str) -> None:
    silent = gettext("O robô não deu sinal de progresso e foi reiniciado.")
    if how == "tentar_de_novo":
        held.tentar_de_novo(ErroClasse.TEMPO_ESGOTADO, silent)
    elif how == "adiar":
        held.adiar(ErroClasse.TEMPO_ESGOTADO, silent, 0)
    elif how == "devolver":
        held.devolver()
    else:
        held.expirar(dono_morto=True)
