"""Which supervisor a Processo gets."""

from django.conf import settings
from django.utils.translation import gettext as _

from executions.models import ArquivoRecusado, Processo
from workers import faults
from workers.robot_supervisor import RobotSupervisor
from workers.script_supervisor import ScriptSupervisor
from workers.supervisor import Supervisor

KINDS: dict[str, type[Supervisor]] = {Processo.Tipo.ROBO: RobotSupervisor, Processo.Tipo.SCRIPT: ScriptSupervisor}


def supervise(uuid: str) -> None:
    """Supervises this Processo to its end. Returns at once when it is not (or no longer) to be started here."""
    faults.point("message_received")
    processo = Processo.objects.select_related("host", "script").filter(uuid=uuid).first()
    if processo is None or processo.host is None or processo.host.nome != settings.ROBOT_HOST:
        return
    if not processo.iniciar():
        return
    refusal = _refusal(processo)
    if refusal:
        processo.terminar(Processo.Status.EXITED, motivo=Processo.Motivo.RECUSADO, erro=refusal)
    else:
        KINDS[processo.tipo](processo).run()


def _refusal(processo: Processo) -> str:
    """On this machine, now: is the script's file the one that was confirmed?"""
    if processo.script is None:
        return ""
    try:
        if processo.script.sha256_atual() != processo.script.sha256:
            return _("O arquivo do script nesta máquina não é o que foi confirmado.")
    except ArquivoRecusado as error:
        return str(error)
    return ""
