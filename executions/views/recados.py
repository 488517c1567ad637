"""What the pages and the admin say after an act: what happened, what it means."""

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from executions.models import Prioridade, Processo
from executions.panorama import Espera
from executions.robos import Pedido
from executions.templatetags.paginas import quantos

PAUSADA = "Execução pausada. Os robôs terminam o item em mãos e saem."
NAO_PAUSADA = "Nada mudou: a execução já estava pausada ou já terminou."
RETOMADA = "Execução retomada."
NAO_RETOMADA = "Nada mudou: a execução não estava pausada."
NAO_PRIORIZADA = gettext_lazy("Nada mudou: a execução já tinha esta prioridade ou já terminou.")
ENCERRADA = "Execução encerrada. Os itens abertos falharam como encerrados e os robôs estão sendo parados."
NAO_ENCERRADA = "Nada mudou: a execução já tinha terminado."
NADA_A_REABRIR = "Nada mudou: não há falhas a reabrir."


def do_pedido(pedido: Pedido) -> tuple[int, str]:
    """(message level, sentence) for how many robots were asked for and what the execution waits for."""
    waits = "" if pedido.espera == Espera.NADA else f" {pedido.espera.label}"
    if pedido.robos:
        asked = quantos(pedido.robos, "robô pedido", "robôs pedidos")
        return messages.SUCCESS, f"{asked}.{waits}"
    level = messages.INFO if pedido.espera in (Espera.NADA, Espera.COMPLETA) else messages.WARNING
    return level, f"Nenhum robô novo foi pedido.{waits}"


def priorizada(prioridade: Prioridade) -> str:
    texts = {
        Prioridade.BAIXA: _("Prioridade baixa: as outras na fila começam antes."),
        Prioridade.NORMAL: _("Prioridade normal: a execução volta à ordem de chegada."),
        Prioridade.ALTA: _("Prioridade alta: começa antes das outras na fila. O que já roda não é interrompido."),
    }
    return texts[prioridade]


def robo_encerrado(robo: Processo) -> str:
    return f"{robo}: encerramento pedido. A máquina dele o para em instantes."


def robo_reiniciado(robo: Processo) -> str:
    return f"{robo}: reinício pedido. O item em mãos voltou a pendente."


def robo_intocado(robo: Processo) -> str:
    return f"Nada mudou: {robo} já terminou ou já está sendo parado."
