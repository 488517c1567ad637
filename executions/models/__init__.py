"""What is known: one noun a file, questions on the QuerySet, verbs on the model."""

from executions.models.controle import Controle
from executions.models.credencial import Credencial
from executions.models.execucao import Execucao
from executions.models.host import Host
from executions.models.job_item import JobItem
from executions.models.portal import Portal
from executions.models.processo import Processo
from executions.models.registro import Registro
from executions.models.saida import Saida
from executions.models.script import ArquivoRecusado, Script
from executions.models.tentativa import Tentativa

__all__ = [
    "ArquivoRecusado", "Controle", "Credencial", "Execucao", "Host", "JobItem", "Portal", "Processo", "Registro",
    "Saida", "Script", "Tentativa",
]  # fmt: skip
