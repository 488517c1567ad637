"""What nobody needs any more goes: old notices, firings and occurrences, and what was checked and never started."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from executions.models import Aviso, Conferencia, Disparo, Execucao, Ocorrencia, Processo

AT_ONCE = 1000  # rows of a kind in one step: the next one goes on


def apagar_antigos(agora: datetime) -> int:
    """Deletes expired drafts, and notices, firings and alarms that ended more than HISTORY_DAYS ago, the oldest first.

    Returns how many.

    A notice that is still to be sent stays, an alarm that is not over, and a firing whose script or execution still
    lives: by it the next firing knows that it must be skipped, and the end knows whom to tell.
    """
    limit = agora - timedelta(days=settings.HISTORY_DAYS)
    told = Aviso.objects.filter(Q(sent_at__lt=limit) | Q(falhou_em__lt=limit))
    living = Q(execucao__in=Execucao.objects.abertas()) | Q(processo__in=Processo.objects.vivos())
    fired = Disparo.objects.filter(at__lt=limit).exclude(desfecho=Disparo.Desfecho.INICIANDO).exclude(living)
    over = Ocorrencia.objects.filter(fechada_em__lt=limit)
    n = Conferencia.objects.varrer(agora)
    for rows in (told, fired, over):
        oldest = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        n += rows.model.objects.filter(pk__in=oldest).delete()[0]
    return n
