"""The machines: what they carry, what runs on them, whether their clusters live; empty one, and let it work again."""

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from executions import clock
from executions.models import Host, Processo
from executions.views.acesso import acao, pagina_de, quem
from executions.views.fragmento import RITMO_PARADO_MS, RITMO_RODANDO_MS, responder

JA_VAZIA = gettext_lazy("Nada mudou: %(nome)s já não recebe robôs nem scripts.")
JA_LIVRE = gettext_lazy("Nada mudou: %(nome)s já recebe robôs e scripts.")


@dataclass(frozen=True)
class Cartao:
    host: Host
    processos: list[Processo]

    @property
    def robos(self) -> list[Processo]:
        return [processo for processo in self.processos if not processo.script_id]

    @property
    def scripts(self) -> list[Processo]:
        return [processo for processo in self.processos if processo.script_id]


@pagina_de("view_host")
def maquinas(request: HttpRequest) -> HttpResponse:
    """Two queries (one more for the database's clock), whatever the number of machines and processes."""
    agora = clock.db_now()
    cartoes = _cartoes(Host.objects.com_vida(agora))
    contexto = {
        "cartoes": cartoes, "agora": agora,
        "ligadas": sum(vars(cartao.host)["ligado"] for cartao in cartoes),
    }  # fmt: skip
    busy = any(cartao.processos for cartao in cartoes)
    return responder(
        request, "pagina_maquinas", contexto, ritmo=RITMO_RODANDO_MS if busy else RITMO_PARADO_MS
    )  # fmt: skip


@never_cache
@pagina_de("view_host", "encerrar")
def confirmar_esvaziar(request: HttpRequest, pk: int) -> HttpResponse:
    host = get_object_or_404(Host, pk=pk)
    if host.draining_at:
        messages.info(request, JA_VAZIA % {"nome": host})
        return redirect("executions:maquinas")
    return render(request, "executions/confirmar_maquina.html", {"cartao": _cartoes(Host.objects.filter(pk=pk))[0]})


@acao("encerrar")
def esvaziar(request: HttpRequest, pk: int) -> HttpResponse:
    host = get_object_or_404(Host, pk=pk)
    if host.esvaziar(quem(request)):
        messages.success(request, _("%(nome)s está sendo esvaziada: nada novo começa nela.") % {"nome": host})
    else:
        messages.info(request, JA_VAZIA % {"nome": host})
    return redirect("executions:maquinas")


@acao("encerrar")
def liberar(request: HttpRequest, pk: int) -> HttpResponse:
    host = get_object_or_404(Host, pk=pk)
    if host.liberar(quem(request)):
        messages.success(request, _("%(nome)s voltou a receber robôs e scripts.") % {"nome": host})
    else:
        messages.info(request, JA_LIVRE % {"nome": host})
    return redirect("executions:maquinas")


def _cartoes(hosts: "QuerySet[Host]") -> list[Cartao]:
    live = Processo.objects.vivos().exclude(host=None).com_item().select_related("script", "execucao")
    by_host: dict[int | None, list[Processo]] = {}
    for processo in live:
        by_host.setdefault(processo.host_id, []).append(processo)
    return [Cartao(host, by_host.get(host.pk, [])) for host in hosts]
