from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock, vault
from executions.models.registro import Registro


class Credencial(models.Model):
    """A login of a portal. The password is stored encrypted and is never shown again."""

    portal = models.ForeignKey(
        "executions.Portal", models.PROTECT, related_name="credenciais", verbose_name=_("portal")
    )
    usuario = models.CharField(_("usuário do portal"), max_length=150)
    senha_cifrada = models.TextField(_("senha"), editable=False)
    max_sessions = models.PositiveIntegerField(
        _("máximo de sessões"), null=True, blank=True, help_text=_("Vazio: sem limite próprio.")
    )
    accepted_at = models.DateTimeField(_("aceita em"), null=True, blank=True, editable=False)
    recusada_em = models.DateTimeField(_("recusada em"), null=True, blank=True, editable=False)
    livre_em = models.DateTimeField(_("livre a partir de"), null=True, blank=True, editable=False)

    class Meta:
        db_table = "credenciais"
        verbose_name = _("credencial")
        verbose_name_plural = _("credenciais")
        constraints = [models.UniqueConstraint(fields=["portal", "usuario"], name="uma_credencial_por_usuario")]

    def __str__(self) -> str:
        return f"{self.usuario} ({self.portal_id})"

    @property
    def senha(self) -> str:
        """The password in clear, for the robot's memory only. Raises vault.SegredoIlegivel."""
        return vault.decrypt(self.senha_cifrada)

    @senha.setter
    def senha(self, senha: str) -> None:
        self.trocar_senha(senha)

    def trocar_senha(self, senha: str) -> None:
        """Sets a new password (unsaved). A refused credential may be tried again after it."""
        self.senha_cifrada = vault.encrypt(senha)
        self.recusada_em = None
        self.accepted_at = None
        self.livre_em = None

    def aceitar(self) -> None:
        """A login succeeded: other robots may use it at the same time."""
        Credencial.objects.filter(pk=self.pk).update(accepted_at=clock.db_now(), recusada_em=None)

    def recusar(self) -> bool:
        """The portal refused user or password: nobody tries again until it is changed, or the account would lock.

        False when the password is no more the one that was tried: an operator may have just corrected it.
        """
        tried = Credencial.objects.filter(pk=self.pk, senha_cifrada=self.senha_cifrada)
        refused = bool(tried.update(recusada_em=clock.db_now()))
        if refused:
            Registro.objects.anotar(
                "credencial_recusada",
                gettext("O portal recusou a credencial %(usuario)s.") % {"usuario": self.usuario},
                level="error",
            )
        return refused

    def bloqueada(self, agora: datetime) -> bool:
        """Does its portal keep it out for some minutes?"""
        return self.livre_em is not None and self.livre_em > agora

    def bloquear(self) -> None:
        """The portal blocked it for now: not used for BLOCKED_SECONDS."""
        free_at = clock.db_now() + timedelta(seconds=settings.BLOCKED_SECONDS)
        Credencial.objects.filter(pk=self.pk).update(livre_em=free_at)
