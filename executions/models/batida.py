import time
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from executions import clock


class Batida(models.Model):
    """When one of the installation's own works was last done, a row each. Nobody locks these rows for long."""

    class Obra(models.TextChoices):
        AGENDADOR = "agendador", _("agendador")
        WATCHDOG = "watchdog", _("watchdog")
        PRONTIDAO = "prontidao", _("prontidão")

    obra = models.CharField(max_length=10, choices=Obra.choices, unique=True)
    at = models.DateTimeField(_("quando"))
    escrita_s = models.FloatField(_("escrita (s)"), null=True)  # what the write before this one took

    _took: ClassVar[dict[str, float]] = {}  # the last write of each, of this process

    class Meta:
        db_table = "batidas"
        verbose_name = _("batida")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(obra__in=["agendador", "watchdog", "prontidao"]), name="batida_obra"
            )
        ]

    def __str__(self) -> str:
        return self.get_obra_display()

    @classmethod
    def bater(cls, obra: str) -> None:
        """It was done just now.

        The write is timed: how long a small one waits for the database. It tells of the one before, because it cannot
        tell of itself.
        """
        agora, before = clock.db_now(), cls._took.get(obra)
        began = time.monotonic()
        try:
            if not cls.objects.filter(obra=obra).update(at=agora, escrita_s=before):
                Batida.objects.bulk_create([Batida(obra=obra, at=agora)], ignore_conflicts=True)
        finally:
            cls._took[obra] = time.monotonic() - began

    @classmethod
    def todas(cls) -> dict[str, datetime]:
        return dict(cls.objects.values_list("obra", "at"))
