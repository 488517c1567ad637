"""The scheduler: one reconcile step.

It asks for the robots that open executions may have now, fires the schedules that are due and tells what ended.
"""

from executions import agenda, alarmes, avisos, clock
from executions.models import Batida
from executions.robos import pedir_em_ordem
from executions.scripts import enviar_em_espera


def step() -> int:
    """Serves every open execution in their order; returns how many robots it asked for. Two at once do no harm."""
    enviar_em_espera()
    asked = pedir_em_ordem()
    agenda.disparar(clock.db_now())
    alarmes.passo()
    avisos.passo()
    Batida.bater(Batida.Obra.AGENDADOR)
    return asked
