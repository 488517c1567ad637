"""One robot, seen through its eyes. Whoever looks makes it show its screen; nobody looking, it shows nothing."""

import uuid as uuids

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from executions import clock
from executions.models import JobItem, Processo, Quadro, Registro, Tentativa
from executions.views.acesso import pagina
from executions.views.botoes import Botao
from executions.views.fragmento import RITMO_PARADO_MS, Regiao, responder

RITMO_ASSISTINDO_MS = 1000
LINHAS_DO_LOG = 30


@pagina("view_processo")
def robo(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """At most four queries. The poll keeps the robot showing; that of a person without `ver_tela` does not."""
    agora = clock.db_now()
    row = get_object_or_404(Processo.objects.robos().com_quadro().select_related("host", "execucao"), uuid=uuid)
    pode_ver = request.user.has_perms(["executions.ver_tela"])
    if pode_ver:
        Processo.objects.assistir([row] if row.vivo else [], agora)
    item = JobItem.objects.em_andamento().filter(processo=row).defer("arquivo", "dados").first() if row.vivo else None
    row.caso = item.numero_processo if item else None
    botoes = _botoes(row, pode_encerrar=request.user.has_perms(["executions.encerrar"]))
    contexto = {
        "robo": row,
        "execucao": row.execucao,
        "item": item,
        "tentativas": 0 if row.vivo else Tentativa.objects.filter(processo=row).count(),
        "limite_s": int(settings.ITEM_DEADLINE_SECONDS),
        "quadro": row.ultimo_quadro if pode_ver else None,
        "pode_ver": pode_ver,
        "registros": Registro.objects.do_processo(row.pk, LINHAS_DO_LOG),
        "agora": agora,
        "botoes": botoes,
    }
    ritmo = None if not row.vivo else RITMO_ASSISTINDO_MS if row.pid else RITMO_PARADO_MS // 5
    return responder(request, "robo", contexto, ritmo=ritmo, regioes=[Regiao("executions/_acoes.html", botoes)])


def _botoes(row: Processo, *, pode_encerrar: bool) -> list[Botao]:
    if not pode_encerrar or not row.vivo or row.kill_requested_at:
        return []
    restart = reverse("executions:confirmar_reiniciar_robo", args=[row.uuid])
    end = reverse("executions:confirmar_encerrar_robo", args=[row.uuid])
    return [
        Botao(_("Reiniciar…"), "repetir", restart, confirma=True),
        Botao(_("Encerrar…"), "parar", end, "danger", confirma=True),
    ]


@pagina("ver_tela")
def tela(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """The last frame. It may show personal data: it is kept nowhere on its way. 404 when there is none."""
    jpeg = Quadro.objects.imagem(uuid)
    if jpeg is None:
        raise Http404(_("Este robô não tem imagem agora."))
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)
