"""What a watched robot's browser showed last. The way from the robot's host to the page is the database."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions.models.processo_queryset import LIVE

if TYPE_CHECKING:
    from uuid import UUID


class QuadroQuerySet(models.QuerySet["Quadro"]):
    def guardar(self, processo_id: int, jpeg: bytes, agora: datetime) -> bool:
        """The new last frame of a living robot, in one or two short statements; False for one that has ended."""
        from executions.models.processo import Processo  # noqa: PLC0415 (mutual nouns)

        mine = self.filter(processo=processo_id)
        if mine.update(jpeg=jpeg, n=models.F("n") + 1, at=agora):
            return True
        if not Processo.objects.vivos().filter(pk=processo_id).exists():
            return False
        self.create(processo_id=processo_id, jpeg=jpeg, at=agora)
        return True

    def ainda(self, processo_id: int, agora: datetime) -> bool:
        """The last frame is what the browser still shows."""
        return bool(self.filter(processo=processo_id).update(at=agora))

    def imagem(self, uuid: "UUID") -> bytes | None:
        """A JPEG, or None when there is none."""
        found = self.filter(processo__uuid=uuid).values_list("jpeg", flat=True).first()
        return None if found is None else bytes(found)

    def orfaos(self) -> "QuadroQuerySet":
        """Of processes that ended: a screen must not outlive its robot."""
        return self.exclude(processo__status__in=LIVE)


class Quadro(models.Model):
    """One row a robot, overwritten. It goes when its robot ends: a screen may show personal data."""

    processo = models.OneToOneField("executions.Processo", models.CASCADE, primary_key=True, related_name="quadro")
    n = models.PositiveIntegerField(_("número"), default=1)
    at = models.DateTimeField(_("quando"))
    jpeg = models.BinaryField()

    objects = models.Manager.from_queryset(QuadroQuerySet)()

    class Meta:
        db_table = "quadros"
        verbose_name = _("quadro")

    def __str__(self) -> str:
        return gettext("Tela %(n)s do processo %(processo)s") % {"n": self.n, "processo": self.processo_id}
