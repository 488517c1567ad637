"""The doors that django-q2 knocks at: ids in, one call, no rules."""

from django.conf import settings

from executions import agenda, contexto
from workers import faults, notices, supervision


def supervise(uuid: str) -> None:
    with contexto.com(worker=uuid):
        supervision.supervise(uuid)
    faults.point("before_task_end")


def canary() -> str:
    """Does nothing; that it ended is the news."""
    return settings.ROBOT_HOST


def enviar_aviso(aviso_id: str) -> None:
    notices.enviar_aviso(int(aviso_id))


def disparar(disparo_id: str) -> None:
    agenda.comecar(int(disparo_id))
