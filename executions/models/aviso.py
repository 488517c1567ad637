from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock

BACKOFF_MINUTES = (1, 5, 15, 60, 60)
MAX_ATTEMPTS = 6
LEASE_SECONDS = 60  # longer than a sender's own time limit: nobody else tries meanwhile


class AvisoQuerySet(models.QuerySet["Aviso"]):
    def por_enviar(self) -> "AvisoQuerySet":
        return self.filter(next_at__isnull=False)

    def vencidos(self, agora: datetime) -> "AvisoQuerySet":
        """Due, and no host was asked for them lately; the longest due first."""
        limit = agora - timedelta(seconds=settings.SENT_TIMEOUT_SECONDS)
        lost = Q(asked_at=None) | Q(asked_at__lt=limit)
        return self.por_enviar().filter(lost, next_at__lte=agora).order_by("next_at", "id")

    def em_curso(self, agora: datetime) -> "AvisoQuerySet":
        """Asked of a host, and neither sent nor failed yet."""
        return self.por_enviar().filter(asked_at__gte=agora - timedelta(seconds=settings.SENT_TIMEOUT_SECONDS))


class Aviso(models.Model):
    """One notice to one place. `next_at` is when it is next tried (or its sender's lease); null once it has ended."""

    destino = models.ForeignKey("executions.Destino", models.CASCADE, related_name="avisos", verbose_name=_("destino"))
    assunto = models.CharField(_("assunto"), max_length=200)
    corpo = models.TextField(_("corpo"))
    processo = models.ForeignKey(
        "executions.Processo", models.SET_NULL, null=True, blank=True, related_name="avisos", verbose_name=_("processo")
    )
    execucao = models.ForeignKey(
        "executions.Execucao", models.SET_NULL, null=True, blank=True, related_name="avisos", verbose_name=_("execução")
    )
    attempts = models.PositiveIntegerField(_("tentativas"), default=0)
    next_at = models.DateTimeField(_("próxima tentativa"), null=True, blank=True)
    asked_at = models.DateTimeField(_("pedido em"), null=True, blank=True)
    sent_at = models.DateTimeField(_("enviado em"), null=True, blank=True)
    falhou_em = models.DateTimeField(_("falhou em"), null=True, blank=True)
    erro = models.CharField(_("erro"), max_length=300, blank=True)

    objects = models.Manager.from_queryset(AvisoQuerySet)()

    class Meta:
        db_table = "avisos"
        ordering = ["-id"]
        verbose_name = _("aviso")
        indexes = [models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="aviso_por_enviar")]
        constraints = [
            models.CheckConstraint(
                condition=Q(next_at__isnull=False, sent_at=None, falhou_em=None)
                | Q(next_at=None, sent_at__isnull=False, falhou_em=None)
                | Q(next_at=None, sent_at=None, falhou_em__isnull=False),
                name="aviso_por_enviar_enviado_ou_falho",
            )
        ]

    def __str__(self) -> str:
        return self.assunto

    def reivindicar(self) -> bool:
        """By whoever is about to send it, by compare-and-swap on the time it was due: only one wins, for a lease."""
        agora = clock.db_now()
        if self.next_at is None or self.next_at > agora:
            return False
        mine = Aviso.objects.filter(pk=self.pk, next_at=self.next_at)
        if self.attempts >= MAX_ATTEMPTS:  # the last sender died with it
            mine.update(
                next_at=None, asked_at=None, falhou_em=agora, erro=self.erro or gettext("O envio foi interrompido.")
            )
            return False
        lease = agora + timedelta(seconds=LEASE_SECONDS)
        if not mine.update(next_at=lease, asked_at=agora, attempts=self.attempts + 1):
            return False
        self.next_at, self.attempts = lease, self.attempts + 1
        return True

    def enviado(self) -> bool:
        """False when the lease was over and somebody else holds it."""
        return self._mine(next_at=None, asked_at=None, sent_at=clock.db_now(), erro="")

    def nao_enviado(self, erro: str, *, definitivo: bool = False) -> bool:
        """Tried again after 1, 5, 15, 60 and 60 minutes; given up after six attempts, or at once when `definitivo`."""
        agora = clock.db_now()
        if definitivo or self.attempts >= MAX_ATTEMPTS:
            return self._mine(next_at=None, asked_at=None, falhou_em=agora, erro=erro[:300])
        wait = timedelta(minutes=BACKOFF_MINUTES[self.attempts - 1])
        return self._mine(next_at=agora + wait, asked_at=None, erro=erro[:300])

    def _mine(self, **changes: Any) -> bool:
        return bool(Aviso.objects.filter(pk=self.pk, next_at=self.next_at, attempts=self.attempts).update(**changes))
