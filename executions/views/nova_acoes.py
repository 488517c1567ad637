"""The acts of a new execution: check, keep or drop a former answer, start, begin anew."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from executions import conferencias, robos
from executions.envios import Enviado
from executions.models import Conferencia, Execucao, Portal
from executions.views import recados
from executions.views.acesso import acao, quem
from executions.views.envio import acao_com_envio
from executions.views.nova import com_rascunho, mostrar
from executions.views.opcoes import Opcoes


@acao_com_envio("enfileirar")
def conferir(request: HttpRequest) -> HttpResponse:
    """Reads what was handed over, and goes to the page that shows every line. Enqueues nothing."""
    if not request.POST.get("nomes", "").strip() and not request.FILES.getlist("arquivos"):
        messages.error(request, _("Nada a conferir: cole ao menos um nome ou envie um arquivo."))
        return _ir(request, reverse("executions:nova"))
    return _conferir(request, conferencias.abrir(quem(request)))


@acao_com_envio("enfileirar")
@com_rascunho
def conferir_de_novo(request: HttpRequest, draft: Conferencia) -> HttpResponse:
    """The same, with what this draft has already."""
    try:
        conferencias.reabrir(draft)
    except conferencias.EmAndamento as error:
        messages.info(request, str(error))
        return _ir(request, reverse("executions:nova"))
    return _conferir(request, draft)


def _conferir(request: HttpRequest, draft: Conferencia) -> HttpResponse:
    enviados = [cast(Enviado, f) for f in request.FILES.getlist("arquivos")]
    portal = Portal.objects.filter(slug=request.POST.get("portal", "")).first()
    conferencias.conferir(draft, request.POST.get("nomes"), enviados, portal)
    return _ir(request, reverse("executions:conferencia", args=[draft.pk]))


@acao("enfileirar")
@com_rascunho
def reaproveitar(request: HttpRequest, draft: Conferencia) -> HttpResponse:
    """Keeps the former answer of one line, or of all (`ordem` empty), or has them verified again."""
    rows = draft.linhas.all().respondidas()
    ordem = request.POST.get("ordem", "")
    if ordem:
        rows = rows.filter(ordem=int(ordem) if ordem.isdecimal() and len(ordem) < 10 else 0)
    rows.update(reaproveitar=request.POST.get("reaproveitar") == "1")
    place = {name: request.POST[name] for name in ("v", "apos") if request.POST.get(name)}
    return redirect(f"{reverse('executions:conferencia', args=[draft.pk])}?{urlencode(place)}")


@acao("enfileirar")
def descartar(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Begins anew: the draft and its files go."""
    Conferencia.objects.filter(pk=uuid, usuario=quem(request).pk, iniciada_em=None).delete()
    return redirect("executions:nova")


@acao("enfileirar")
@com_rascunho
def iniciar(request: HttpRequest, draft: Conferencia) -> HttpResponse:
    """T1, and with `acao=iniciar` T2: one execution a portal. However often it is sent, they are created once."""
    start = request.POST.get("acao") == "iniciar"
    if start and not request.user.has_perm("executions.iniciar"):
        raise PermissionDenied
    if draft.iniciada_em:
        return _ja_iniciada(request, conferencias.iniciadas(draft.pk, quem(request)))
    opcoes = Opcoes(draft, quem(request), request.POST)
    if not opcoes.validas:
        return mostrar(request, draft, opcoes, status=400)
    shown = request.POST.get("n", "")
    try:
        made = conferencias.enfileirar(draft, esperados=int(shown) if shown.isdecimal() else -1, **opcoes.campos)
    except (conferencias.Mudou, conferencias.EmAndamento) as error:
        messages.warning(request, f"{error} {_('Nada foi enfileirado: confira os números e inicie de novo.')}")
        return redirect("executions:conferencia", uuid=draft.pk)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("executions:conferencia", uuid=draft.pk)
    if not made.agora:
        return _ja_iniciada(request, made.execucoes)
    _dizer(request, made.execucoes, start)
    return redirect("executions:execucao", pk=made.execucoes[0].pk)


def _dizer(request: HttpRequest, made: list[Execucao], start: bool) -> None:
    if len(made) > 1:
        listed = ", ".join(f"{batch.pk} ({batch.portal}, {batch.total_arquivos})" for batch in made)
        text = _("Foram criadas %(n)d execuções, uma por portal: %(quais)s.")
        messages.success(request, text % {"n": len(made), "quais": listed})
    for batch in made:
        n = batch.total_arquivos
        text = ngettext(
            "Execução %(pk)d enfileirada com %(n)d item.", "Execução %(pk)d enfileirada com %(n)d itens.", n
        )
        text %= {"pk": batch.pk, "n": n}
        level = messages.SUCCESS
        if start:
            level, asked = recados.do_pedido(robos.iniciar(batch, quem(request)))
            text += f" {asked}"
        messages.add_message(request, level, text)


def _ja_iniciada(request: HttpRequest, made: list[Execucao]) -> HttpResponse:
    messages.info(request, _("Nada mudou: esta conferência já tinha sido iniciada."))
    if not made:
        return redirect("executions:nova")
    return redirect("executions:execucao", pk=made[0].pk)


def _ir(request: HttpRequest, url: str) -> Any:
    """The form was sent by script, for its progress: the whole page goes on from here."""
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)
