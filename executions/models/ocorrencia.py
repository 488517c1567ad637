from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Alarme(models.TextChoices):
    """What somebody must be told of. docs/observability.md has the limits and what to do."""

    SEM_PROGRESSO = "sem_progresso", _("Execução sem progresso")
    FILA_PARADA = "fila_parada", _("Itens esperando e nenhum robô")
    CANARIO = "canario", _("Fila de uma máquina não anda")
    AGENDADOR = "agendador", _("Agendador parado")
    WATCHDOG = "watchdog", _("Watchdog parado")
    ESCRITA_BARRADA = "escrita_barrada", _("Escrita de um robô barrada")
    CONTADORES = "contadores", _("Contadores divergentes")
    VENENO = "veneno", _("Itens que derrubam robôs")
    QUEDAS = "quedas", _("Robôs caindo demais")
    PORTAL = "portal", _("Portal fora do ar")
    CREDENCIAL = "credencial", _("Senha recusada")
    DISCO = "disco", _("Disco quase cheio")
    POSSES = "posses", _("Posses vencendo")
    ORFAOS = "orfaos", _("Processos sem dono")
    ENCERRAR_TODOS = "encerrar_todos", _("Tudo foi encerrado")
    LOGINS = "logins", _("Logins recusados")


# Events, not states: they end by growing old, and nobody needs to hear of that.
SEM_FIM = (Alarme.ESCRITA_BARRADA, Alarme.CONTADORES, Alarme.VENENO, Alarme.ENCERRAR_TODOS, Alarme.LOGINS)


class OcorrenciaQuerySet(models.QuerySet["Ocorrencia"]):
    def abertas(self) -> "OcorrenciaQuerySet":
        return self.filter(fechada_em=None)

    def a_fechar(self, agora: datetime) -> "OcorrenciaQuerySet":
        """Open, and not seen for a while: what comes and goes is one occurrence."""
        return self.abertas().filter(vista_em__lt=agora - timedelta(seconds=60 / settings.TIME_DIVISOR))


class Ocorrencia(models.Model):
    """One time that an alarm went off, from its beginning to its end. `alvo` is what it is about, or empty."""

    alarme = models.CharField(_("alarme"), max_length=16, choices=Alarme.choices)
    alvo = models.CharField(_("alvo"), max_length=80, blank=True)
    mensagem = models.CharField(_("mensagem"), max_length=300)
    aberta_em = models.DateTimeField(_("desde"))
    vista_em = models.DateTimeField(_("vista por último em"))
    fechada_em = models.DateTimeField(_("até"), null=True, blank=True)

    objects = models.Manager.from_queryset(OcorrenciaQuerySet)()

    class Meta:
        db_table = "ocorrencias"
        ordering = ["-id"]
        verbose_name = _("ocorrência")
        constraints = [
            # Two schedulers that see the same thing at once: one row, so one notice.
            models.UniqueConstraint(
                fields=["alarme", "alvo"], condition=Q(fechada_em__isnull=True), name="uma_ocorrencia_aberta"
            )
        ]

    def __str__(self) -> str:
        return self.mensagem

    def fechar(self, agora: datetime) -> bool:
        """False when another scheduler was first, or it was seen again meanwhile."""
        return bool(Ocorrencia.objects.a_fechar(agora).filter(pk=self.pk).update(fechada_em=agora))
