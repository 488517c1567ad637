import re

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock, vault
from executions.models.aviso import Aviso

# What apprise knows that acts on the machine itself instead of on the network.
LOCAL_SCHEMES = frozenset({"syslog", "dbus", "kde", "qt", "glib", "gnome", "macosx", "windows", "file"})
EMAIL = "e-mail"


def esquema(url: str) -> str:
    """ "e-mail" for a bare address (or mailto: before it), else the URL's scheme. Raises ValidationError."""
    text = url.strip()
    if match := re.match(r"([a-z][a-z0-9+.-]{1,30})://\S", text, re.IGNORECASE):
        if match[1].lower() in LOCAL_SCHEMES or re.search(r"\s", text):
            raise ValidationError(gettext("Este endereço não pode ser usado."))
        return match[1].lower()
    EmailValidator(gettext("Informe um endereço de e-mail ou um endereço do apprise (esquema://…)."))(endereco(text))
    return EMAIL


def endereco(url: str) -> str:
    return re.sub(r"^mailto:", "", url.strip(), flags=re.IGNORECASE)


class Destino(models.Model):
    """Where notices go: an e-mail address or an apprise URL. Stored encrypted and never shown again.

    The server itself connects to it, to inner addresses too: only those with `add_destino` make one.
    """

    nome = models.CharField(_("nome"), max_length=100, unique=True)
    tipo = models.CharField(_("tipo"), max_length=32, editable=False)
    url_cifrada = models.TextField(_("endereço"), editable=False)
    ativo = models.BooleanField(_("ativo"), default=True)
    recebe_alertas = models.BooleanField(
        _("recebe alertas"), default=False, help_text=_("É avisado do que pede atenção na instalação toda.")
    )

    class Meta:
        db_table = "destinos"
        ordering = ["nome"]
        verbose_name = _("destino")

    def __str__(self) -> str:
        return self.nome

    @property
    def url(self) -> str:
        """The address in clear, for the sender's memory only. Raises vault.SegredoIlegivel."""
        return vault.decrypt(self.url_cifrada)

    def trocar_url(self, url: str) -> None:
        """Sets another address (unsaved). Raises ValidationError."""
        self.tipo = esquema(url)
        self.url_cifrada = vault.encrypt(endereco(url) if self.tipo == EMAIL else url.strip())

    def testar(self, usuario: "models.Model | None" = None) -> Aviso:
        """A notice that only says that notices arrive; sent like any other."""
        words = gettext("Este é um teste do destino %(nome)s. Se você o recebeu, os avisos chegam.") % {
            "nome": self.nome
        }
        if usuario:
            words = f"{words} {gettext('Pedido por %(usuario)s.') % {'usuario': usuario}}"
        return Aviso.objects.create(
            destino=self, assunto=gettext("[Controle de Robôs] Teste de aviso"), next_at=clock.db_now(),
            corpo=words,
        )  # fmt: skip
