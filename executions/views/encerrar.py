"""Ending scripts' processes: one, all scripts, or everything, after a page that names what dies."""

import uuid as uuids

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from executions import historico, robos, scripts
from executions.formatos import contados
from executions.models import Processo
from executions.views.acesso import acao, pagina_de, quem
from executions.views.baixas import Baixas
from executions.views.quadro import Cartao

CANCELADO = gettext_lazy(
    "Cancelamento pedido. O script tem alguns segundos para terminar por si; depois é parado à força."
)
CANCELADO_NA_FILA = gettext_lazy("Cancelado: o script ainda não tinha começado.")
ENCERRADO = gettext_lazy("Encerramento pedido. A máquina dele para o script e tudo o que ele abriu.")
INTOCADO = gettext_lazy("Nada mudou: o script já terminou ou já está sendo parado.")
NENHUM_SCRIPT = gettext_lazy("Nada mudou: nenhum script está rodando nem na fila.")
NADA_VIVO = gettext_lazy("Nada mudou: nada está aberto e nenhum processo está vivo.")


@acao("executar_script")
def cancelar(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    row = _paravel(request, uuid)
    if not row.cancelar(quem(request)):
        return _dizer(request, messages.INFO, INTOCADO, row)
    text = CANCELADO_NA_FILA if row.status == Processo.Status.REQUESTED else CANCELADO
    return _dizer(request, messages.SUCCESS, text, row)


@acao("executar_script")
def encerrar(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    row = _paravel(request, uuid)
    if row.matar(quem(request)):
        return _dizer(request, messages.SUCCESS, ENCERRADO, row)
    return _dizer(request, messages.INFO, INTOCADO, row)


@never_cache
@pagina_de("view_processo", "view_script", "executar_script")
def confirmar_encerrar(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    row = _paravel(request, uuid)
    if not _a_parar([row]):
        messages.info(request, INTOCADO)
        return redirect("executions:processo", uuid=uuid)
    return render(request, "executions/confirmar_processo.html", {"processo": row, "cartao": Cartao(row)})


@never_cache
@pagina_de("view_processo", "view_script", "encerrar_todos")
def confirmar_todos(request: HttpRequest) -> HttpResponse:
    """Names every script, robot and execution; offers to end the scripts, or everything."""
    vivos = historico.vivos_e([])
    living_scripts = [p for p in vivos if p.script_id]
    baixas = Baixas.de_tudo()
    if baixas.vazia:
        messages.info(request, NADA_VIVO)
        return redirect("executions:processos")
    contexto = {
        "scripts": living_scripts,
        "a_parar": len(_a_parar(living_scripts)),
        "robos": [p for p in vivos if not p.script_id],
        "vivos": len(vivos),
        "baixas": baixas,
        "memoria": sum(p.rss or 0 for p in vivos),
    }
    return render(request, "executions/confirmar_todos.html", contexto)


@acao("encerrar_todos")
def encerrar_scripts(request: HttpRequest) -> HttpResponse:
    n = scripts.matar_todos(quem(request))
    if not n:
        return _dizer(request, messages.INFO, NENHUM_SCRIPT)
    text = ngettext("Parada pedida a %(n)s script.", "Parada pedida a %(n)s scripts.", n)
    return _dizer(request, messages.SUCCESS, contados(text, n))


@acao("encerrar_todos")
def encerrar_tudo(request: HttpRequest) -> HttpResponse:
    baixas = Baixas.de_tudo()
    dying = _a_parar(baixas.processos)
    if not dying and not baixas.execucoes:
        return _dizer(request, messages.INFO, NADA_VIVO)
    if baixas.processos and request.POST.get("n", "").strip() != str(len(baixas.processos)):
        # Typed wrong, or right when the page was made: what would die now is shown before it is asked again.
        alive = len(baixas.processos)
        text = ngettext(
            "Nada foi encerrado: há %(n)s processo vivo agora. Digite exatamente este número.",
            "Nada foi encerrado: há %(n)s processos vivos agora. Digite exatamente este número.",
            alive,
        )
        messages.error(request, contados(text, alive))
        return redirect("executions:confirmar_encerrar_todos")
    n = robos.encerrar_todos(quem(request))
    ended = contados(ngettext("%(n)s execução encerrada", "%(n)s execuções encerradas", n), n)
    asked = contados(ngettext("%(n)s processo", "%(n)s processos", len(dying)), len(dying))
    return _dizer(
        request, messages.SUCCESS, _("Parada pedida a %(asked)s; %(ended)s.") % {"asked": asked, "ended": ended}
    )


def _a_parar(processos: list[Processo]) -> list[Processo]:
    """Those that live and were not asked to die yet."""
    return [p for p in processos if p.vivo and p.kill_requested_at is None]


def _paravel(request: HttpRequest, uuid: uuids.UUID) -> Processo:
    """A script's process that this person may stop."""
    row = get_object_or_404(Processo.objects.scripts().select_related("script", "host", "usuario"), uuid=uuid)
    if row.script is None or not row.script.pode_parar(quem(request)):
        raise PermissionDenied(_("Você não pode parar este script."))
    return row


def _dizer(request: HttpRequest, nivel: int, texto: "str | Promise", processo: Processo | None = None) -> HttpResponse:
    messages.add_message(request, nivel, str(texto))
    return redirect("executions:processo", uuid=processo.uuid) if processo else redirect("executions:processos")
