import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.formatos import momento
from executions.models.registro import Registro

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MARCA = "cr_"
PREFIXO = 10  # characters shown of a token: too few to guess the rest by
USO_SECONDS = 60
MAX_DIAS = 3650


def _sha256(texto: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(texto.encode(errors="surrogateescape")).hexdigest()


class TokenAPIQuerySet(models.QuerySet["TokenAPI"]):
    def validos(self) -> "TokenAPIQuerySet":
        """Neither revoked, nor expired, nor of a user who was deactivated."""
        lasting = Q(expira_em=None) | Q(expira_em__gt=clock.db_now())
        return self.filter(lasting, revogado_em=None, user__is_active=True)

    def do_texto(self, texto: str) -> "TokenAPI | None":
        """The valid token that this text is, with its user."""
        return self.validos().select_related("user").filter(sha256=_sha256(texto)).first()


class TokenAPI(models.Model):
    """A bearer token of one user. Only its hash is kept: the text is shown once, when it is made."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens_api", verbose_name=_("usuário")
    )
    nome = models.CharField(
        _("nome"), max_length=100, help_text=_("Para que serve, por exemplo «integração do escritório».")
    )
    prefixo = models.CharField(_("prefixo"), max_length=PREFIXO, editable=False, db_index=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True, editable=False)
    so_leitura = models.BooleanField(
        _("só leitura"), default=False, help_text=_("Consulta, e não inicia, enfileira nem encerra nada.")
    )
    dias = models.PositiveIntegerField(
        _("validade (dias)"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_DIAS)],
        help_text=_("Vazio: vale até ser revogado."),
    )  # fmt: skip
    expira_em = models.DateTimeField(_("expira em"), null=True, blank=True, editable=False)
    criado_em = models.DateTimeField(_("criado em"), editable=False)
    usado_em = models.DateTimeField(_("último uso"), null=True, blank=True, editable=False)
    revogado_em = models.DateTimeField(_("revogado em"), null=True, blank=True, editable=False)

    objects = models.Manager.from_queryset(TokenAPIQuerySet)()

    class Meta:
        db_table = "tokens_api"
        ordering = ["-id"]
        verbose_name = _("token da API")
        verbose_name_plural = _("tokens da API")

    def __str__(self) -> str:
        return f"{self.nome} ({self.prefixo}…)"

    @property
    def alcance(self) -> str:
        return gettext("só leitura") if self.so_leitura else gettext("todas as permissões do usuário")

    @property
    def validade(self) -> str:
        """Until when it is accepted, in the local zone."""
        return (
            gettext("válido até %(hora)s") % {"hora": momento(self.expira_em)}
            if self.expira_em
            else gettext("sem prazo")
        )

    def gerar(self, por: "AbstractBaseUser | None" = None) -> str:
        """Makes and saves this new token. Returns its text, which nobody can read again."""
        texto = MARCA + secrets.token_urlsafe(32)
        self.prefixo, self.sha256, self.criado_em = texto[:PREFIXO], _sha256(texto), clock.db_now()
        self.expira_em = self.criado_em + timedelta(days=self.dias) if self.dias else None
        with transaction.atomic():
            self.save(force_insert=True)
            text = gettext("Token da API %(token)s criado para %(user)s: %(alcance)s, %(validade)s.") % {
                "token": self,
                "user": self.user,
                "alcance": self.alcance,
                "validade": self.validade,
            }
            Registro.objects.anotar("token_criado", text, usuario=por)
        return texto

    def revogar(self, por: "AbstractBaseUser | None" = None) -> bool:
        """Refused from now on. False when it was revoked before."""
        with transaction.atomic():
            if not TokenAPI.objects.filter(pk=self.pk, revogado_em=None).update(revogado_em=clock.db_now()):
                return False
            text = gettext("Token da API %(token)s de %(user)s revogado.") % {"token": self, "user": self.user}
            Registro.objects.anotar("token_revogado", text, level="warning", usuario=por)
        return True

    def usar(self) -> None:
        """Notes its use, at most once a minute: a poll must not write each time."""
        agora = clock.db_now()
        if self.usado_em is None or agora - self.usado_em >= timedelta(seconds=USO_SECONDS):
            TokenAPI.objects.filter(pk=self.pk).update(usado_em=agora)
