"""Waits that end at a time which a clock that has jumped since may never reach, or reach an hour late."""

from datetime import datetime, timedelta

from django.conf import settings

from executions.models import Aviso, Credencial, JobItem, Portal


def soltar(agora: datetime) -> int:
    """Whatever waits for a time to come may go on now: an early try costs less than an hour. Returns how many did.

    But for a blocked login: an early try may lock the account, so it rests, as long as any that is blocked just now.
    """
    rest = agora + timedelta(seconds=settings.BLOCKED_SECONDS)
    return (
        Portal.objects.filter(next_at__gt=agora).update(next_at=agora)
        + Portal.objects.filter(probe_at__gt=agora).update(probe_at=agora)
        + JobItem.objects.em_recuo(agora).update(available_at=agora)
        + Credencial.objects.filter(livre_em__gt=rest).update(livre_em=rest)
        + Aviso.objects.por_enviar().filter(asked_at=None, next_at__gt=agora).update(next_at=agora)
    )
