"""The acts: each calls one verb, says what came of it and goes back. Repeated, they change nothing and say so."""

import uuid as uuids

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from executions import repeticao, robos
from executions.errors import ContagemMudou
from executions.itens import Filtro
from executions.models import PRIORIDADES, Execucao, Processo
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
    """Reopens the failures: all; with `item` the chosen ones; with `filtro` those of a filter, exactly `n` of them."""
    execucao = get_object_or_404(Execucao, pk=pk)
    chosen = {int(text) for text in request.POST.getlist("item") if text.isdecimal() and len(text) < 10}
    exactly = request.POST.get("n", "")
    which = Q()
    if chosen:
        which = Q(ordem__in=chosen)
    elif "filtro" in request.POST:
        filtro = Filtro.exato(request.POST)
        if filtro is None or not exactly.isdecimal():
            return _voltar(request, execucao, messages.ERROR, recados.PEDIDO_INCOMPLETO)
        which = filtro.falhas().condicao()
    elif request.POST.getlist("item") or "escolhidos" in request.POST:
        return _voltar(request, execucao, messages.ERROR, recados.NADA_ESCOLHIDO)
    expected = len(chosen) or (int(exactly) if exactly.isdecimal() else None)
    try:
        n = execucao.reabrir(quem(request), quais=which, exatos=expected)
    except ContagemMudou as changed:
        return _voltar(request, execucao, messages.WARNING, recados.contagem_mudou(changed.n))
    if n:
        return _voltar(request, execucao, messages.SUCCESS, recados.reabertas(n))
    return _voltar(request, execucao, messages.INFO, recados.NADA_A_REABRIR)


@acao("iniciar")
def max_robots(request: HttpRequest, pk: int) -> HttpResponse:
    """Another maximum of robots, while it runs too."""
    execucao = get_object_or_404(Execucao, pk=pk)
    text = request.POST.get("max_robots", "")
    try:
        changed = execucao.definir_max_robots(int(text) if text.isdecimal() else 0, quem(request))
    except ValueError as error:
        return _voltar(request, execucao, messages.ERROR, str(error))
    if not changed:
        return _voltar(request, execucao, messages.INFO, recados.MAXIMO_IGUAL)
    alive = Processo.objects.vivos().filter(execucao=execucao).count()
    return _voltar(request, execucao, messages.SUCCESS, recados.maximo_mudado(int(text), alive))


@acao("enfileirar")
def repetir(request: HttpRequest, pk: int) -> HttpResponse:
    """A new execution of those that were not found, with the same options; or the one that does so already."""
    execucao = get_object_or_404(Execucao, pk=pk)
    new, made = repeticao.das_nao_localizadas(execucao, quem(request))
    if new is None:
        return _voltar(request, execucao, messages.INFO, recados.NADA_A_REPETIR)
    level, text = (messages.SUCCESS, recados.REPETIDA) if made else (messages.INFO, recados.JA_REPETIDA)
    return _voltar(request, new, level, text)


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


def _voltar(request: HttpRequest, execucao: Execucao | None, nivel: int, texto: str | Promise) -> HttpResponse:
    """Back to the execution, or to the page of its own that sent the form (`volta`)."""
    messages.add_message(request, nivel, str(texto))
    url = reverse("executions:execucao", args=[execucao.pk]) if execucao else reverse("executions:painel")
    back = request.POST.get("volta", "")
    if back.startswith((f"{url}?", f"{url}itens/")) and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        url = back
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)
