"""What the pages and the admin say after an act: what happened, what it means."""

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from executions.formatos import contados
from executions.models import Prioridade, Processo
from executions.panorama import Espera
from executions.robos import Pedido
from executions.templatetags.paginas import milhar

PAUSADA = gettext_lazy("Execução pausada. Os robôs terminam o item em mãos e saem.")
NAO_PAUSADA = gettext_lazy("Nada mudou: a execução já estava pausada ou já terminou.")
RETOMADA = gettext_lazy("Execução retomada.")
NAO_RETOMADA = gettext_lazy("Nada mudou: a execução não estava pausada.")
NAO_PRIORIZADA = gettext_lazy("Nada mudou: a execução já tinha esta prioridade ou já terminou.")
ENCERRADA = gettext_lazy(
    "Execução encerrada. Os itens abertos falharam como encerrados e os robôs estão sendo parados."
)
NAO_ENCERRADA = gettext_lazy("Nada mudou: a execução já tinha terminado.")
NADA_A_REABRIR = gettext_lazy("Nada mudou: não há falhas a reabrir.")
NADA_ESCOLHIDO = gettext_lazy("Nenhum item foi escolhido: nada foi reaberto.")
PEDIDO_INCOMPLETO = gettext_lazy("O pedido não disse ao certo que falhas reabrir: nada foi reaberto.")
MAXIMO_IGUAL = gettext_lazy("Nada mudou: o máximo de robôs já era esse.")
REPETIDA = gettext_lazy("Execução criada com as não localizadas da anterior, com as mesmas opções.")
JA_REPETIDA = gettext_lazy("Nada mudou: esta execução já verifica as não localizadas da anterior.")
NADA_A_REPETIR = gettext_lazy("Nada mudou: não há itens não localizados.")


NIVEIS = {"": gettext_lazy("Tudo"), "warning": gettext_lazy("Avisos e erros"), "error": gettext_lazy("Só erros")}


def reabertas(n: int) -> str:
    return ngettext("{n} falha reaberta.", "{n} falhas reabertas.", n).format(n=milhar(n))


def contagem_mudou(n: int) -> str:
    """Nothing was done: there are others than were shown."""
    now = ngettext("agora é {n} falha", "agora são {n} falhas", n).format(n=milhar(n))
    return _("O número mudou: {agora}. Nada foi reaberto; confira e repita.").format(agora=now)


def maximo_mudado(maximo: int, vivos: int) -> str:
    text = ngettext("Máximo: {n} robô.", "Máximo: {n} robôs.", maximo).format(n=milhar(maximo))
    extra = vivos - maximo
    if extra <= 0:
        return text
    leave = ngettext("{n} sai depois do item em mãos.", "{n} saem depois do item em mãos.", extra)
    return f"{text} {leave.format(n=milhar(extra))}"


def novos_no_filtro(total: int | None, antes: str) -> str:
    """What has changed in the list since the page was loaded, or nothing."""
    if total is None or not antes.isdecimal() or total == int(antes):
        return ""
    n = total - int(antes)
    if n > 0:
        return ngettext("{n} item novo nesta lista.", "{n} itens novos nesta lista.", n).format(n=milhar(n))
    return ngettext("{n} item saiu desta lista.", "{n} itens saíram desta lista.", -n).format(n=milhar(-n))


def do_pedido(pedido: Pedido) -> tuple[int, str]:
    """(message level, sentence) for how many robots were asked for and what the execution waits for."""
    waits = "" if pedido.espera == Espera.NADA else f" {pedido.espera.label}"
    if pedido.robos:
        asked = contados(ngettext("%(n)s robô pedido.", "%(n)s robôs pedidos.", pedido.robos), pedido.robos)
        return messages.SUCCESS, f"{asked}{waits}"
    level = messages.INFO if pedido.espera in (Espera.NADA, Espera.COMPLETA) else messages.WARNING
    return level, _("Nenhum robô novo foi pedido.") + waits


def priorizada(prioridade: Prioridade) -> str:
    texts = {
        Prioridade.BAIXA: _("Prioridade baixa: as outras na fila começam antes."),
        Prioridade.NORMAL: _("Prioridade normal: a execução volta à ordem de chegada."),
        Prioridade.ALTA: _("Prioridade alta: começa antes das outras na fila. O que já roda não é interrompido."),
    }
    return texts[prioridade]


def robo_encerrado(robo: Processo) -> str:
    return _("%(robo)s: encerramento pedido. A máquina dele o para em instantes.") % {"robo": robo}


def robo_reiniciado(robo: Processo) -> str:
    return _("%(robo)s: reinício pedido. O item em mãos voltou a pendente.") % {"robo": robo}


def robo_intocado(robo: Processo) -> str:
    return _("Nada mudou: %(robo)s já terminou ou já está sendo parado.") % {"robo": robo}
