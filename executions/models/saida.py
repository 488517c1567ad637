from django.db import models
from django.utils.translation import gettext_lazy as _


class SaidaQuerySet(models.QuerySet["Saida"]):
    def depois(self, n: int) -> "SaidaQuerySet":
        """The chunks after this number, in order."""
        return self.filter(n__gt=n).order_by("n")

    def texto(self, *canais: str) -> str:
        """The text of these channels (all without any), as it came."""
        rows = self.filter(canal__in=canais) if canais else self
        return "".join(rows.order_by("n").values_list("texto", flat=True))


class Saida(models.Model):
    """A chunk of what a script wrote, in the order in which it was read."""

    class Canal(models.TextChoices):
        OUT = "out", _("saída")
        ERR = "err", _("erros")
        AVISO = "aviso", _("aviso")

    processo = models.ForeignKey("executions.Processo", models.CASCADE, related_name="saidas")
    n = models.PositiveIntegerField()
    at = models.DateTimeField()
    canal = models.CharField(max_length=5, choices=Canal.choices)
    texto = models.TextField()

    objects = models.Manager.from_queryset(SaidaQuerySet)()

    class Meta:
        db_table = "saidas"
        ordering = ["processo_id", "n"]
        verbose_name = _("saída")
        constraints = [models.UniqueConstraint(fields=["processo", "n"], name="uma_saida_por_numero")]

    def __str__(self) -> str:
        return self.texto[:60]
