from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# Outcomes that are neither an answer nor a class of failure.
ROBO_PERDIDO = "robo_perdido"  # its process was seen to be dead
POSSE_VENCIDA = "posse_vencida"  # its lease ran out


class Tentativa(models.Model):
    """One claim of an item by a robot, whatever came of it. `n` is a running number of the item, never reused."""

    item = models.ForeignKey("executions.JobItem", models.CASCADE, related_name="tentativas", verbose_name=_("item"))
    n = models.PositiveIntegerField(_("número"))
    token = models.PositiveIntegerField(_("token"))
    geracao = models.PositiveIntegerField(_("geração"))
    processo = models.ForeignKey(
        "executions.Processo", models.RESTRICT, related_name="tentativas", verbose_name=_("processo")
    )
    began = models.DateTimeField(_("começou"))
    ended = models.DateTimeField(_("terminou"), null=True, blank=True)
    outcome = models.CharField(_("desfecho"), max_length=40, blank=True)
    erro = models.TextField(_("erro"), blank=True)

    class Meta:
        db_table = "tentativas"
        ordering = ["item_id", "n"]
        verbose_name = _("tentativa")
        indexes = [models.Index(fields=["outcome", "ended"], name="tentativa_por_desfecho")]
        constraints = [models.UniqueConstraint(fields=["item", "token"], name="uma_tentativa_por_token")]

    def __str__(self) -> str:
        return gettext("Tentativa %(n)s do item %(item)s") % {"n": self.n, "item": self.item_id}
