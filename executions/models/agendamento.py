from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock, cron, parametros
from executions.models.execucao import Execucao
from executions.models.registro import Registro
from executions.models.script import AvisarEm

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class AgendamentoQuerySet(models.QuerySet["Agendamento"]):
    def vencidos(self, agora: datetime) -> "AgendamentoQuerySet":
        """Not paused, and due by now, the longest due first."""
        return self.filter(pausado_em=None, proximo_em__lte=agora).order_by("proximo_em", "id")


class Agendamento(models.Model):
    """When to start a script, or an execution of these files. `proximo_em` is the next due time, null when paused."""

    nome = models.CharField(_("nome"), max_length=100, unique=True)
    cron = models.CharField(
        _("expressão cron"), max_length=cron.LIMIT,
        help_text=_("Minuto, hora, dia do mês, mês, dia da semana. «0 8 * * 1-5»: de segunda a sexta às 08:00. "
        "L: último dia do mês."),
    )  # fmt: skip
    script = models.ForeignKey(
        "executions.Script", models.PROTECT, null=True, blank=True, related_name="agendamentos",
        help_text=_("Um script, ou então um portal com a sua credencial."),
    verbose_name=_("script"))  # fmt: skip
    parametros = models.JSONField(_("parâmetros"), default=dict, blank=True, help_text=_('{"nome": "valor"}'))
    timeout_s = models.PositiveIntegerField(
        _("tempo limite (s)"), null=True, blank=True, help_text=_("Vazio: o do script."),
        validators=[MinValueValidator(1), MaxValueValidator(7 * 24 * 3600)],
    )  # fmt: skip
    robo = models.CharField(_("robô"), max_length=40, default="peticoes")
    portal = models.ForeignKey(
        "executions.Portal", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("portal")
    )
    credencial = models.ForeignKey(
        "executions.Credencial", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("credencial")
    )
    mode = models.CharField(
        _("modo"), max_length=8, choices=Execucao.Mode.choices, default=Execucao.Mode.HEADLESS
    )  # fmt: skip
    max_robots = models.PositiveIntegerField(_("máximo de robôs"), default=1, validators=[MinValueValidator(1)])
    titulo = models.CharField(_("título"), max_length=200, blank=True)
    pasta = models.CharField(
        _("pasta de origem"), max_length=300, blank=True,
        help_text=_("Os PDF desta pasta, que cada máquina de robôs precisa enxergar. Ou a lista de nomes."),
    )  # fmt: skip
    nomes = models.TextField(_("nomes de arquivo"), blank=True, help_text=_("Um por linha."))
    avisar_em = models.CharField(_("avisar"), max_length=6, choices=AvisarEm.choices, default=AvisarEm.FALHA)
    destinos = models.ManyToManyField("executions.Destino", blank=True, related_name="+", verbose_name=_("destinos"))
    usuario = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("responsável"), editable=False,
    )  # fmt: skip
    created_at = models.DateTimeField(_("criado em"), editable=False)
    pausado_em = models.DateTimeField(_("pausado em"), null=True, blank=True, editable=False)
    proximo_em = models.DateTimeField(_("próximo disparo"), null=True, blank=True, editable=False, db_index=True)

    disparos: "DisparoQuerySet"
    objects = models.Manager.from_queryset(AgendamentoQuerySet)()

    class Meta:
        db_table = "agendamentos"
        ordering = ["nome"]
        verbose_name = _("agendamento")
        constraints = [
            models.CheckConstraint(
                condition=Q(script__isnull=False, portal__isnull=True, credencial__isnull=True)
                | Q(script__isnull=True, portal__isnull=False, credencial__isnull=False),
                name="agenda_script_ou_execucao",
            ),
            models.CheckConstraint(
                condition=Q(pausado_em__isnull=True) | Q(proximo_em__isnull=True), name="pausado_sem_proximo"
            ),
        ]

    def __str__(self) -> str:
        return self.nome

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new one is put on the calendar. Raises cron.CronInvalido."""
        if self._state.adding:
            self.created_at = self.created_at or clock.db_now()
            if self.proximo_em is None:
                self.remarcar(clock.db_now())
        super().save(*args, **kwargs)

    def remarcar(self, agora: datetime) -> None:
        """Sets the next due time after now (unsaved): at creation, and when the expression changed."""
        following = None if self.pausado_em else cron.proximos(self.cron, agora, 1)
        self.proximo_em = following[0] if following else None

    @property
    def em_palavras(self) -> str:
        return cron.em_palavras(self.cron)

    def pode_ser_iniciado_por(self, usuario: "AbstractBaseUser | AnonymousUser") -> bool:
        """Nobody fires what he may not start himself."""
        needed = ["executar_script"] if self.script_id else ["enfileirar", "iniciar"]
        return bool(usuario.has_perms([f"executions.{name}" for name in needed]))  # type: ignore[union-attr]

    def pausar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """False when it was paused already."""
        with transaction.atomic():
            going = Agendamento.objects.filter(pk=self.pk, pausado_em=None)
            if not going.update(pausado_em=clock.db_now(), proximo_em=None):
                return False
            Registro.objects.anotar(
                "agendamento_pausado", gettext("Agendamento %(nome)s: pausado.") % {"nome": self}, usuario=usuario
            )
        return True

    def retomar(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """Goes on with the next due time from now: those of the pause are not made up. False when it was not paused."""
        following = cron.proximos(self.cron, clock.db_now(), 1)
        with transaction.atomic():
            paused = Agendamento.objects.filter(pk=self.pk, pausado_em__isnull=False)
            if not paused.update(pausado_em=None, proximo_em=following[0] if following else None):
                return False
            Registro.objects.anotar(
                "agendamento_retomado", gettext("Agendamento %(nome)s: retomado.") % {"nome": self}, usuario=usuario
            )
        return True

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        try:
            self.cron = cron.validar(self.cron)
        except cron.CronInvalido as error:
            errors["cron"] = str(error)
        if self.script:
            self._conferir_script(self.script, errors)
        else:
            self._conferir_execucao(errors)
        if errors:
            raise ValidationError(errors)

    def _conferir_script(self, script: Any, errors: dict[str, Any]) -> None:
        if self.portal_id or self.credencial_id or self.pasta or self.nomes.strip():
            errors["script"] = gettext("Escolha um script ou uma execução de arquivos, não os dois.")
        try:
            if not isinstance(self.parametros, dict):
                raise parametros.ParametroInvalido(gettext('Informe os parâmetros como {"nome": "valor"}.'))
            parametros.valores(script.parametros, self.parametros)
        except parametros.ParametroInvalido as error:
            errors["parametros"] = str(error)

    def _conferir_execucao(self, errors: dict[str, Any]) -> None:
        if not self.portal_id or not self.credencial_id:
            errors["script"] = gettext("Escolha um script, ou então um portal e a sua credencial.")
            return
        if self.credencial and self.credencial.portal_id != self.portal_id:
            errors["credencial"] = gettext("A credencial não é deste portal.")
        if self.robo not in settings.ROBOS:
            errors["robo"] = gettext("Robôs conhecidos: %(nomes)s.") % {"nomes": ", ".join(settings.ROBOS)}
        if bool(self.pasta.strip()) == bool(self.nomes.strip()):
            errors["pasta"] = gettext("Informe uma pasta ou uma lista de nomes, e só uma delas.")
        elif self.pasta and not self.pasta.startswith("/"):
            errors["pasta"] = gettext("Informe o caminho inteiro da pasta, desde /.")


class DisparoQuerySet(models.QuerySet["Disparo"]):
    def por_comecar(self) -> "DisparoQuerySet":
        return self.filter(desfecho=Disparo.Desfecho.INICIANDO)


class Disparo(models.Model):
    """One firing of a schedule, and what came of it. `due_at` is null for one that a person asked for."""

    class Desfecho(models.TextChoices):
        INICIANDO = "iniciando", _("iniciando")
        INICIADO = "iniciado", _("iniciado")
        PULADO = "pulado", _("pulado")
        RECUSADO = "recusado", _("recusado")
        MANUAL = "manual", _("iniciado à mão")

    agendamento = models.ForeignKey(Agendamento, models.CASCADE, related_name="disparos", verbose_name=_("agendamento"))
    due_at = models.DateTimeField(_("hora marcada"), null=True, blank=True)
    at = models.DateTimeField(_("quando"))
    desfecho = models.CharField(_("desfecho"), max_length=9, choices=Desfecho.choices, default=Desfecho.INICIANDO)
    mensagem = models.CharField(_("mensagem"), max_length=500, blank=True)
    processo = models.ForeignKey(
        "executions.Processo",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="disparos",
        verbose_name=_("processo"),
    )
    execucao = models.ForeignKey(
        Execucao, models.SET_NULL, null=True, blank=True, related_name="disparos", verbose_name=_("execução")
    )
    usuario = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("usuário")
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    began_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager.from_queryset(DisparoQuerySet)()

    class Meta:
        db_table = "disparos"
        ordering = ["-id"]
        verbose_name = _("disparo")
        constraints = [
            models.UniqueConstraint(fields=["agendamento", "due_at"], name="um_disparo_por_hora"),
            models.CheckConstraint(
                condition=Q(desfecho__in=["iniciando", "iniciado", "pulado", "recusado", "manual"]),
                name="disparo_desfecho",
            ),
        ]
        indexes = [
            models.Index(fields=["at"], condition=Q(desfecho="iniciando"), name="disparo_por_comecar"),
            models.Index(fields=["agendamento", "-id"], name="disparo_por_agendamento"),
        ]

    def __str__(self) -> str:
        return f"{self.agendamento}: {self.get_desfecho_display()}"

    @property
    def em_palavras(self) -> str:
        """What came of it, as sentences."""
        return f"{self.get_desfecho_display().capitalize()}. {self.mensagem}".strip()

    def reivindicar(self) -> bool:
        """Whoever starts it takes it first: only one wins."""
        mine = Disparo.objects.por_comecar().filter(pk=self.pk, began_at=None)
        return bool(mine.update(began_at=clock.db_now()))

    def concluir(self, desfecho: str, mensagem: str = "", **alvo: Any) -> bool:
        """Records what came of it, once. `alvo`: the processo or the execucao that it started."""
        if desfecho == self.Desfecho.INICIADO and self.due_at is None:
            desfecho = self.Desfecho.MANUAL
        open_one = Disparo.objects.por_comecar().filter(pk=self.pk)
        return bool(open_one.update(desfecho=desfecho, mensagem=mensagem[:500], **alvo))
