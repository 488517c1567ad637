"""T2: how many robots an execution may have now, and why it has no more. The one place that asks for robots."""

from dataclasses import dataclass
from datetime import datetime

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from executions import clock, queue
from executions.locks import locked
from executions.models import Controle, Execucao, Processo, Registro
from executions.panorama import Espera, Panorama
from executions.results import ErroClasse


@dataclass(frozen=True)
class Pedido:
    """How many robots were asked for just now, and what the execution waits for if it could use more."""

    robos: int
    espera: Espera


def pedir_robos(execucao_id: int) -> Pedido:
    """Asks for as many robots as the execution may have now. Idempotent: a hundred clicks ask for max_robots robots.

    Holds Controle, so two callers never count the same place twice. A batch whose credential was refused, or whose
    robots fail by themselves three times in a row before their login, ends here with that reason.
    """
    with transaction.atomic():
        Controle.lock()
        rows = Execucao.objects.filter(pk=execucao_id).select_related("portal", "credencial")
        batch = locked(rows).first()
        if batch is None or not batch.aberta or _senha_recusada(batch):
            return Pedido(0, Espera.TERMINADA)
        if words := Processo.objects.tres_quedas_antes_do_login(batch):
            return _nenhum_comeca(batch, words)
        agora = clock.db_now()
        panorama = Panorama.ler(agora)
        batch = panorama.aberta(execucao_id) or batch
        n, espera = panorama.vagas(batch)
        asked = 0
        while asked < n:
            host = panorama.lugar_para(batch)
            if host is None:
                espera = panorama.falta_lugar(batch)
                break
            # Only with a place in hand: a probe that cannot start would cost the portal's other batches their minute.
            if batch.portal.fora_do_ar and not batch.portal.ganhar_sonda(agora):
                break
            processo = Processo.objects.pedir(batch, host, agora)
            panorama.contar(processo)
            queue.send_supervise(str(processo.uuid), host.nome)
            asked += 1
    return Pedido(asked, espera)


def iniciar(execucao: Execucao, usuario: "models.Model | None" = None) -> Pedido:
    """The operator's "Iniciar": asks for robots, and keeps who asked."""
    pedido = pedir_robos(execucao.pk)
    if pedido.robos:
        text = _("Robôs pedidos: %(robos)s.") % {"robos": pedido.robos}
        Registro.objects.anotar("iniciada", text, execucao=execucao, usuario=usuario)  # type: ignore[arg-type]
    return pedido


def encerrar_todos(usuario: "models.Model | None" = None) -> int:
    """T11 for everything open: every open execution ends as error, every live process is asked to die.

    Returns how many executions were ended. Holds Controle, so no robot is asked for in between.
    """
    with transaction.atomic():
        Controle.lock()
        # By number, as whoever else locks several: two orders would deadlock.
        n = sum(batch.encerrar(usuario) for batch in Execucao.objects.abertas().order_by("pk"))  # type: ignore[arg-type]
        asked = Processo.objects.all().pedir_morte(clock.db_now(), usuario)  # type: ignore[arg-type]
        if n or asked:
            batches = ngettext("%(n)d execução", "%(n)d execuções", n) % {"n": n}
            others = ngettext("mais %(n)d processo", "mais %(n)d processos", asked) % {"n": asked}
            text = _("Encerrar todos: %(execucoes)s e %(processos)s.") % {"execucoes": batches, "processos": others}
            Registro.objects.anotar("encerrar_todos", text, level="warning", usuario=usuario)  # type: ignore[arg-type]
    return n


def espera_de(execucao: Execucao, agora: datetime) -> Espera:
    """What this execution waits for, without asking for anything (for T12 and the API)."""
    panorama = Panorama.ler(agora)
    found = panorama.aberta(execucao.pk)
    return panorama.espera_de(found) if found else Espera.TERMINADA


def pedir_em_ordem() -> int:
    """Serves every open execution, the most urgent first and then by arrival; returns how many robots it asked for.

    One look picks those that may get something, so that a long queue does not cost a question each.
    """
    panorama = Panorama.ler(clock.db_now())
    worth_it = [e.pk for e in panorama.abertas if e.credencial.recusada_em or panorama.vagas(e)[0]]
    return sum(pedir_robos(pk).robos for pk in worth_it)


def _senha_recusada(batch: Execucao) -> bool:
    if not batch.credencial.recusada_em:
        return False
    text = _("O portal recusou usuário ou senha. Corrija a credencial e reabra as falhas.")
    return batch.interromper(ErroClasse.CREDENCIAL_RECUSADA, text)


def _nenhum_comeca(batch: Execucao, words: str) -> Pedido:
    """The end of a batch for which no robot starts. One that is at work goes on with it, without others."""
    if Processo.objects.vivos().filter(execucao=batch, login_em__isnull=False).exists():
        return Pedido(0, Espera.SEM_LUGAR)
    batch.interromper(
        ErroClasse.NAVEGADOR, _("Três robôs seguidos falharam antes do login. %(words)s") % {"words": words}
    )
    return Pedido(0, Espera.TERMINADA)
