"""The acts: each calls one verb, says what came of it and goes back. Repeated, they change nothing and say so."""

import uuid as uuids

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from executions import robos
from executions.models import PRIORIDADES, Execucao, Processo
from executions.results import ErroClasse
from executions.templatetags.paginas import quantos
from executions.views import recados
from executions.views.acesso import acao, quem


@acao("iniciar")
def iniciar(request: HttpRequest, pk: int) -> HttpResponse:
    execucao = get_object_or_404(Execucao, pk=pk)
    return _voltar(request, execucao, *recados.do_pedido(robos.iniciar(execucao, quem(request))))


@acao("iniciar")
def pausar(request: HttpRequest, pk: int) -> HttpResponse:
    execucao = get_object_or_404(Execucao, pk=pk)
    if execucao.pausar(quem(request)):
        return _voltar(request, execucao, messages.SUCCESS, recados.PAUSADA)
    return _voltar(request, execucao, messages.INFO, recados.NAO_PAUSADA)


@acao("iniciar")
def retomar(request: HttpRequest, pk: int) -> HttpResponse:
    execucao = get_object_or_404(Execucao, pk=pk)
    if execucao.retomar(quem(request)):
        return _voltar(request, execucao, messages.SUCCESS, recados.RETOMADA)
    return _voltar(request, execucao, messages.INFO, recados.NAO_RETOMADA)


@acao("iniciar")
def priorizar(request: HttpRequest, pk: int) -> HttpResponse:
    """Its place in the queue, by `prioridade`: baixa, normal or alta."""
    execucao = get_object_or_404(Execucao, pk=pk)
    word = request.POST.get("prioridade", "")
    if word not in PRIORIDADES:
        return _voltar(request, execucao, messages.ERROR, _("Prioridade desconhecida: nada mudou."))
    prioridade = Execucao.Prioridade.de_palavra(word)
    if execucao.definir_prioridade(prioridade, quem(request)):
        return _voltar(request, execucao, messages.SUCCESS, recados.priorizada(prioridade))
    return _voltar(request, execucao, messages.INFO, str(recados.NAO_PRIORIZADA))


@acao("encerrar")
def encerrar(request: HttpRequest, pk: int) -> HttpResponse:
    execucao = get_object_or_404(Execucao, pk=pk)
    if execucao.encerrar(quem(request)):
        return _voltar(request, execucao, messages.SUCCESS, recados.ENCERRADA)
    return _voltar(request, execucao, messages.INFO, recados.NAO_ENCERRADA)


@acao("reabrir")
def reabrir(request: HttpRequest, pk: int) -> HttpResponse:
    """Reopens the failures: all, or with `classe` those of one error class."""
    execucao = get_object_or_404(Execucao, pk=pk)
    classe = request.POST.get("classe", "")
    if classe and classe not in ErroClasse.values:
        return _voltar(request, execucao, messages.ERROR, "Classe de falha desconhecida: nada foi reaberto.")
    n = execucao.reabrir(quem(request), classe=classe)
    if n:
        return _voltar(request, execucao, messages.SUCCESS, f"{quantos(n, 'falha reaberta', 'falhas reabertas')}.")
    return _voltar(request, execucao, messages.INFO, recados.NADA_A_REABRIR)


@acao("encerrar")
def encerrar_robo(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    robo = _robo(uuid)
    if robo.encerrar(quem(request)):
        return _voltar(request, robo.execucao, messages.SUCCESS, recados.robo_encerrado(robo))
    return _voltar(request, robo.execucao, messages.INFO, recados.robo_intocado(robo))


@acao("encerrar")
def reiniciar_robo(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    robo = _robo(uuid)
    if robo.reiniciar(quem(request)):
        return _voltar(request, robo.execucao, messages.SUCCESS, recados.robo_reiniciado(robo))
    return _voltar(request, robo.execucao, messages.INFO, recados.robo_intocado(robo))


def _robo(uuid: uuids.UUID) -> Processo:
    return get_object_or_404(Processo.objects.robos().select_related("execucao"), uuid=uuid)


def _voltar(request: HttpRequest, execucao: Execucao | None, nivel: int, texto: str) -> HttpResponse:
    messages.add_message(request, nivel, texto)
    url = reverse("executions:execucao", args=[execucao.pk]) if execucao else reverse("executions:painel")
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)
