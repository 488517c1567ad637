from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.errors import ContagemMudou
from executions.locks import locked
from executions.models.execucao_queryset import MAX_ROBOTS, OPEN, ExecucaoQuerySet, Prioridade, Status
from executions.models.registro import Registro
from executions.results import ErroClasse

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from executions.models.job_item import JobItemQuerySet
    from executions.models.processo import Processo


class Execucao(models.Model):
    """A batch of petition files that robots work through, at most `max_robots` at a time."""

    Status = Status
    Prioridade = Prioridade

    class Mode(models.TextChoices):
        HEADLESS = "headless", _("sem janela")
        VISIBLE = "visible", _("com janela")

    titulo = models.CharField(_("título"), max_length=200, blank=True)
    robo = models.CharField(_("robô"), max_length=40, default="peticoes")
    portal = models.ForeignKey("executions.Portal", models.PROTECT, related_name="execucoes", verbose_name=_("portal"))
    credencial = models.ForeignKey(
        "executions.Credencial", models.PROTECT, related_name="execucoes", verbose_name=_("credencial")
    )
    mode = models.CharField(_("modo"), max_length=8, choices=Mode.choices, default=Mode.HEADLESS)
    usuario = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="execucoes",
        verbose_name=_("usuário"),
    )  # fmt: skip
    solicitante = models.CharField(_("solicitante"), max_length=150, blank=True)
    origem = models.CharField(_("origem"), max_length=20, default="cli")
    status = models.CharField(_("situação"), max_length=8, choices=Status.choices, default=Status.QUEUED)
    motivo = models.CharField(_("motivo"), max_length=300, blank=True)
    motivo_classe = models.CharField(
        _("classe do motivo"), max_length=24, choices=ErroClasse.choices, blank=True, editable=False
    )
    prioridade = models.SmallIntegerField(_("prioridade"), choices=Prioridade.choices, default=Prioridade.NORMAL)
    pausada_em = models.DateTimeField(_("pausada em"), null=True, blank=True)
    pausada_por = models.CharField(_("pausada por"), max_length=150, blank=True)
    max_robots = models.PositiveIntegerField(
        _("máximo de robôs"), default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_ROBOTS)]
    )
    total_arquivos = models.PositiveIntegerField(_("arquivos"))
    n_pending = models.IntegerField(_("pendentes"), default=0)
    n_running = models.IntegerField(_("em andamento"), default=0)
    n_done = models.IntegerField(_("respondidos"), default=0)
    n_failed = models.IntegerField(_("falhas"), default=0)
    geracao = models.PositiveIntegerField(_("geração"), default=1)
    heartbeat_at = models.DateTimeField(_("último sinal"), null=True, blank=True)
    progress_at = models.DateTimeField(_("último progresso"), null=True, blank=True)
    created_at = models.DateTimeField(_("criada em"))
    started_at = models.DateTimeField(_("iniciada em"), null=True, blank=True)
    finished_at = models.DateTimeField(_("terminada em"), null=True, blank=True)
    envio = models.UUIDField(
        _("envio"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("A conferência de que veio: cada uma inicia só uma vez."),
    )
    avisada_em = models.DateTimeField(_("avisada em"), null=True, blank=True, editable=False)
    destinos = models.ManyToManyField(
        "executions.Destino",
        blank=True,
        related_name="+",
        verbose_name=_("avisar"),
        help_text=_("Quem é avisado do fim."),
    )

    itens: "JobItemQuerySet"
    prontos: int  # these three from `com_espera`
    retoma_em: datetime | None
    ultima_em: datetime | None
    objects = models.Manager.from_queryset(ExecucaoQuerySet)()

    class Meta:
        db_table = "execucoes"
        ordering = ["-id"]
        verbose_name = _("execução")
        verbose_name_plural = _("execuções")
        permissions = [
            ("enfileirar", _("Pode enfileirar execuções")),
            ("iniciar", _("Pode iniciar, pausar e retomar execuções")),
            ("encerrar", _("Pode encerrar uma execução ou um robô")),
            ("encerrar_todos", _("Pode encerrar todas as execuções e robôs")),
            ("reabrir", _("Pode reabrir falhas")),
        ]
        indexes = [
            models.Index(fields=["status", "id"], name="execucao_por_status"),
            models.Index(fields=["id"], condition=Q(avisada_em=None), name="execucao_por_avisar"),
            models.Index(fields=["status", "finished_at"], name="execucao_por_fim"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(n_pending__gte=0, n_running__gte=0, n_done__gte=0, n_failed__gte=0),
                name="contadores_positivos",
            ),
            models.CheckConstraint(
                condition=Q(total_arquivos=F("n_pending") + F("n_running") + F("n_done") + F("n_failed")),
                name="contadores_somam_o_total",
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN) | Q(n_pending=0, n_running=0), name="terminada_sem_itens_abertos"
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="execucao_status"),
            models.CheckConstraint(condition=Q(prioridade__in=Prioridade.values), name="execucao_prioridade"),
            models.CheckConstraint(condition=Q(max_robots__gte=1), name="ao_menos_um_robo"),
            models.UniqueConstraint(fields=["envio", "portal"], name="uma_execucao_por_envio_e_portal"),
        ]

    def __str__(self) -> str:
        return gettext("Execução %(pk)s") % {"pk": self.pk} + (f": {self.titulo}" if self.titulo else "")

    @property
    def progress(self) -> int:
        return self.n_done + self.n_failed

    @property
    def aberta(self) -> bool:
        return self.status in OPEN

    @property
    def na_fila(self) -> bool:
        return self.status == Status.QUEUED

    @property
    def pausada(self) -> bool:
        return self.pausada_em is not None

    @property
    def liberada(self) -> bool:
        """May its items be claimed (read with its portal)? Open, not paused, and the portal answers."""
        return self.aberta and not self.pausada and not self.portal.fora_do_ar

    def _held(self) -> "Execucao":
        return locked(Execucao.objects.filter(pk=self.pk)).get()

    def pausar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """T17: no new claims; robots exit after the item in hand. False when it is paused or ended already."""
        with transaction.atomic():
            open_ones = Execucao.objects.abertas().filter(pk=self.pk, pausada_em=None)
            by = usuario.get_username() if usuario else ""
            if not open_ones.update(pausada_em=clock.db_now(), pausada_por=by):
                return False
            Registro.objects.anotar("pausada", gettext("Execução pausada."), execucao=self, usuario=usuario)
        return True

    def retomar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """T17: claims go on. The silence is counted anew. False when it was not paused."""
        with transaction.atomic():
            paused = Execucao.objects.filter(pk=self.pk, pausada_em__isnull=False)
            if not paused.update(pausada_em=None, pausada_por="", heartbeat_at=clock.db_now()):
                return False
            Registro.objects.anotar("retomada", gettext("Execução retomada."), execucao=self, usuario=usuario)
        return True

    def definir_max_robots(self, maximo: int, usuario: "AbstractBaseUser | None" = None) -> bool:
        """T17: surplus robots exit after their item; nothing is killed. False when it was so already.

        Raises ValueError outside 1 to MAX_ROBOTS.
        """
        if not 1 <= maximo <= MAX_ROBOTS:
            raise ValueError(gettext("O máximo de robôs vai de 1 a %(maximo)s.") % {"maximo": MAX_ROBOTS})
        with transaction.atomic():
            row = self._held()
            if row.max_robots == maximo:
                return False
            Execucao.objects.filter(pk=self.pk).update(max_robots=maximo)
            change = {"antes": row.max_robots, "depois": maximo}
            text = gettext("Máximo de robôs: de %(antes)s para %(depois)s.") % change
            Registro.objects.anotar("max_robots", text, execucao=self, usuario=usuario)
        return True

    def definir_prioridade(self, prioridade: int, usuario: "AbstractBaseUser | None" = None) -> bool:
        """Its place in the queue from now on. False when it had ended or had it already. ValueError: no such one."""
        new = Prioridade(prioridade)
        with transaction.atomic():
            other = Execucao.objects.abertas().filter(pk=self.pk).exclude(prioridade=new)
            if not other.update(prioridade=new):
                return False
            text = gettext("Prioridade: %(prioridade)s.") % {"prioridade": new.label.lower()}
            Registro.objects.anotar("prioridade", text, execucao=self, usuario=usuario)
        return True

    def encerrar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """T11 for one batch: open items failed `encerrado`, status error, its processes are asked to die."""
        return self.interromper(ErroClasse.ENCERRADO, gettext("Encerrada pelo operador."), usuario=usuario)

    def interromper(
        self, classe: str, mensagem: str, *, usuario: "AbstractBaseUser | None" = None, por: "Processo | None" = None
    ) -> bool:
        """Ends the batch as error with this reason for every open item. False when it had ended already.

        `por`: the robot that says so. One that has ended or was asked to die has no say: others may work on.
        Tokens and generation move on, so nothing that a robot still holds can be written any more.
        """
        from executions.models.processo import Processo  # noqa: PLC0415 (mutual nouns)
        from executions.models.tentativa import Tentativa  # noqa: PLC0415

        agora = clock.db_now()
        with transaction.atomic():
            row = self._held()
            if not row.aberta or (por and not Processo.objects.em_servico().filter(pk=por.pk).exists()):
                return False
            held = Tentativa.objects.filter(item__execucao=row, ended=None)
            held.update(ended=agora, outcome=classe)
            row.itens.abertos().falhar_todos(classe, mensagem, agora)
            Execucao.objects.filter(pk=row.pk).update(
                status=Status.ERROR,
                motivo=mensagem[:300],
                motivo_classe=classe,
                geracao=F("geracao") + 1,
                n_failed=F("n_failed") + F("n_pending") + F("n_running"),
                n_pending=0,
                n_running=0,
                pausada_em=None,
                finished_at=agora,
            )
            Processo.objects.filter(execucao=row).pedir_morte(agora, usuario)
            Registro.objects.anotar(classe, mensagem, level="error", execucao=row, usuario=usuario)
        return True

    def reabrir(
        self,
        usuario: "AbstractBaseUser | None" = None,
        *,
        classe: str = "",
        quais: Q | None = None,
        exatos: int | None = None,
    ) -> int:
        """T13: failed items (all, those of one error class, or `quais`) pending again. Returns how many.

        `exatos`: how many the person was told. Raises ContagemMudou, and writes nothing, when they are not so many.
        """
        agora = clock.db_now()
        with transaction.atomic():
            row = self._held()
            failed = row.itens.falhados().filter(quais or Q(), **({"erro_classe": classe} if classe else {}))
            if exatos is not None and (there := failed.count()) != exatos:
                raise ContagemMudou(there)
            n = failed.voltar_a_pendentes(agora)
            if not n:
                return 0
            changes: dict[str, Any] = {"n_failed": F("n_failed") - n, "n_pending": F("n_pending") + n}
            if not row.aberta:
                changes |= {"geracao": F("geracao") + 1, "status": Status.QUEUED, "finished_at": None, "motivo": ""}
                changes |= {"motivo_classe": "", "started_at": None, "pausada_em": None, "avisada_em": None}
            Execucao.objects.filter(pk=row.pk).update(heartbeat_at=agora, **changes)
            text = gettext("Itens reabertos: %(n)s.") % {"n": n}
            Registro.objects.anotar("reaberta", text, execucao=row, usuario=usuario)
        return n

    def voltar_a_fila(self) -> bool:
        """T16: no live robot is left and items are open: queued again."""
        from executions.models.processo import Processo  # noqa: PLC0415

        with transaction.atomic():
            self._held()
            if Processo.objects.vivos().filter(execucao=self).exists():
                return False
            running = Execucao.objects.filter(pk=self.pk, status=Status.RUNNING, n_running=0)
            return bool(running.update(status=Status.QUEUED))

    def recontar(self) -> dict[str, int]:
        """T14: counters from the items, under the lock; closes a stuck batch. Returns what differed."""
        agora = clock.db_now()
        with transaction.atomic():
            row = self._held()
            counted = row.itens.por_status()
            wrong = {name: n for name, n in counted.items() if getattr(row, name) != n}
            stuck = row.aberta and not counted["n_pending"] and not counted["n_running"]
            if not wrong and not stuck:
                return {}
            changes: dict[str, Any] = dict(counted)
            if stuck:
                changes |= {"status": Status.DONE, "finished_at": agora}
            elif not row.aberta and (counted["n_pending"] or counted["n_running"]):
                changes |= {"status": Status.QUEUED, "finished_at": None, "avisada_em": None}
            Execucao.objects.filter(pk=row.pk).update(**changes)
            text = gettext("Execução sem itens abertos concluída.")
            if wrong:
                text = gettext("Contadores divergentes corrigidos: %(contadores)s.") % {"contadores": wrong}
            Registro.objects.anotar("contadores", text, level="error", execucao=row)
        return wrong
