"""What is known: one noun a file, questions on the QuerySet, verbs on the model."""

from executions.models.agendamento import Agendamento, Disparo
from executions.models.aviso import Aviso
from executions.models.batida import Batida
from executions.models.conferencia import ArquivoEnviado, Conferencia, LinhaConferida
from executions.models.controle import Controle
from executions.models.credencial import Credencial
from executions.models.destino import Destino
from executions.models.execucao import MAX_ROBOTS, Execucao
from executions.models.execucao_queryset import PRIORIDADES, Prioridade
from executions.models.host import Host
from executions.models.job_item import JobItem
from executions.models.medida import Medida
from executions.models.ocorrencia import Alarme, Ocorrencia
from executions.models.portal import Portal
from executions.models.processo import Processo
from executions.models.quadro import Quadro
from executions.models.registro import Registro
from executions.models.saida import Saida
from executions.models.script import ArquivoRecusado, AvisarEm, Script
from executions.models.tentativa import Tentativa
from executions.models.token_api import TokenAPI

__all__ = [
    "MAX_ROBOTS", "PRIORIDADES",
    "Agendamento", "Alarme", "ArquivoEnviado", "ArquivoRecusado", "AvisarEm", "Aviso", "Batida", "Conferencia",
    "Controle", "Credencial", "Destino", "Disparo", "Execucao", "Host", "JobItem", "LinhaConferida", "Medida",
    "Ocorrencia", "Portal", "Prioridade", "Processo", "Quadro", "Registro", "Saida", "Script", "Tentativa", "TokenAPI",
]  # fmt: skip
