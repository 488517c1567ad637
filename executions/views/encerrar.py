"""Ending scripts' processes: one, all scripts, or everything, after a page that names what dies."""

import uuid as uuids

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from executions import historico, robos, scripts
from executions.models import Processo
from executions.templatetags.paginas import quantos
from executions.views.acesso import acao, pagina_de, quem
from executions.views.baixas import Baixas
from executions.views.quadro import Cartao

CANCELADO = "Cancelamento pedido. O script tem alguns segundos para terminar por si; depois é parado à força."
CANCELADO_NA_FILA = "Cancelado: o script ainda não tinha começado."
ENCERRADO = "Encerramento pedido. A máquina dele para o script e tudo o que ele abriu."
INTOCADO = "Nada mudou: o script já terminou ou já está sendo parado."
NENHUM_SCRIPT = "Nada mudou: nenhum script está rodando nem na fila."
NADA_VIVO = "Nada mudou: nada está aberto e nenhum processo está vivo."


@acao("executar_script")
def cancelar(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    row = _script(uuid)
    if row.script is None or not row.script.pode(quem(request)):
        raise PermissionDenied(scripts.SemPermissao.__doc__)
    if not row.cancelar(quem(request)):
        return _dizer(request, messages.INFO, INTOCADO, row)
    text = CANCELADO_NA_FILA if row.status == Processo.Status.REQUESTED else CANCELADO
    return _dizer(request, messages.SUCCESS, text, row)


@acao("encerrar")
def encerrar(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    row = _script(uuid)
    if row.matar(quem(request)):
        return _dizer(request, messages.SUCCESS, ENCERRADO, row)
    return _dizer(request, messages.INFO, INTOCADO, row)


@never_cache
@pagina_de("view_processo", "view_script", "encerrar")
def confirmar_encerrar(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    row = _script(uuid)
    if not _a_parar([row]):
        messages.info(request, INTOCADO)
        return redirect("executions:processo", uuid=uuid)
    return render(request, "executions/confirmar_processo.html", {"processo": row, "cartao": Cartao(row)})


@never_cache
@pagina_de("view_processo", "view_script", "encerrar")
def confirmar_todos(request: HttpRequest) -> HttpResponse:
    """Names every script, robot and execution; offers to end the scripts, and to who may, everything."""
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


@acao("encerrar")
def encerrar_scripts(request: HttpRequest) -> HttpResponse:
    n = scripts.matar_todos(quem(request)) if _a_parar([p for p in historico.vivos_e([]) if p.script_id]) else 0
    if not n:
        return _dizer(request, messages.INFO, NENHUM_SCRIPT)
    return _dizer(request, messages.SUCCESS, f"Parada pedida a {quantos(n, 'script', 'scripts')}.")


@acao("encerrar_todos")
def encerrar_tudo(request: HttpRequest) -> HttpResponse:
    baixas = Baixas.de_tudo()
    dying = _a_parar(baixas.processos)
    if not dying and not baixas.execucoes:
        return _dizer(request, messages.INFO, NADA_VIVO)
    n = robos.encerrar_todos(quem(request))
    ended = quantos(n, "execução encerrada", "execuções encerradas")
    asked = quantos(len(dying), "processo", "processos")
    return _dizer(request, messages.SUCCESS, f"Parada pedida a {asked}; {ended}.")


def _a_parar(processos: list[Processo]) -> list[Processo]:
    """Those that live and were not asked to die yet."""
    return [p for p in processos if p.vivo and p.kill_requested_at is None]


def _script(uuid: uuids.UUID) -> Processo:
    return get_object_or_404(Processo.objects.scripts().select_related("script", "host", "usuario"), uuid=uuid)


def _dizer(request: HttpRequest, nivel: int, texto: str, processo: Processo | None = None) -> HttpResponse:
    messages.add_message(request, nivel, texto)
    return redirect("executions:processo", uuid=processo.uuid) if processo else redirect("executions:processos")
