"""The pages between a button that ends in "…" and an act that kills: they name what dies, with fresh numbers."""

import uuid as uuids

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from executions.itens import Filtro
from executions.models import Execucao, Processo
from executions.views import recados
from executions.views.acesso import pagina
from executions.views.baixas import BaixaDeRobo, Baixas


@never_cache
@pagina("encerrar")
def encerrar(request: HttpRequest, pk: int) -> HttpResponse:
    execucao = get_object_or_404(Execucao, pk=pk)
    if not execucao.aberta:
        messages.info(request, recados.NAO_ENCERRADA)
        return redirect("executions:execucao", pk=pk)
    baixas = Baixas.de_execucoes(Execucao.objects.filter(pk=pk))
    return render(request, "executions/confirmar_execucao.html", {"execucao": execucao, "baixas": baixas})


@never_cache
@pagina("reabrir")
def reabrir(request: HttpRequest, pk: int) -> HttpResponse:
    """How many failures a filter has just now, before they are all reopened."""
    execucao = get_object_or_404(Execucao.objects.com_nomes(), pk=pk)
    filtro = Filtro.ler(request.GET).falhas()
    n = filtro.itens(execucao).count()
    if not n:
        messages.info(request, recados.NADA_A_REABRIR)
        return redirect("executions:execucao", pk=pk)
    contexto = {"execucao": execucao, "filtro": filtro, "n": n}
    return render(request, "executions/confirmar_reabrir.html", contexto)


@never_cache
@pagina("encerrar")
def encerrar_robo(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    return _do_robo(request, uuid, reiniciar=False)


@never_cache
@pagina("encerrar")
def reiniciar_robo(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    return _do_robo(request, uuid, reiniciar=True)


def _do_robo(request: HttpRequest, uuid: uuids.UUID, *, reiniciar: bool) -> HttpResponse:
    robo = get_object_or_404(Processo.objects.robos().com_item(), uuid=uuid)
    baixa = BaixaDeRobo.de(robo)
    if not baixa.encerravel:
        messages.info(request, recados.robo_intocado(robo))
        return redirect("executions:execucao", pk=robo.execucao_id)
    return render(request, "executions/confirmar_robo.html", {"robo": robo, "baixa": baixa, "reiniciar": reiniciar})
