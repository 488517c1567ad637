"""The scheduler: one reconcile step.

It asks for the robots that open executions may have now, fires the schedules that are due and tells what ended.
"""

from executions import agenda, avisos, clock
from executions.models import Execucao
from executions.robos import pedir_robos
from executions.scripts import enviar_em_espera


def step() -> int:
    """Serves every open execution in order of arrival; returns how many robots it asked for. Two at once do no harm."""
    enviar_em_espera()
    open_ones = Execucao.objects.abertas().em_ordem().values_list("pk", flat=True)
    asked = sum(pedir_robos(pk).robos for pk in open_ones)
    agenda.disparar(clock.db_now())
    avisos.passo()
    return asked
