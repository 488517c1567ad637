import uuid

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions.locks import locked


class Controle(models.Model):
    """The single row that is the lock for every limit that crosses batches, and this installation's name."""

    instalacao = models.UUIDField(_("instalação"), default=uuid.uuid4, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("controle")

    def __str__(self) -> str:
        return gettext("Instalação %(instalacao)s") % {"instalacao": self.instalacao}

    @classmethod
    def get(cls) -> "Controle":
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def lock(cls) -> "Controle":
        """The row, held until the transaction ends. The first lock of any transaction that takes it."""
        cls.get()
        return locked(cls.objects.filter(pk=1)).get()
