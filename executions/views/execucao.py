from functools import cached_property

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse

from executions import clock
from executions.models import Execucao, Registro
from executions.panorama import Panorama
from executions.views.acesso import pagina
from executions.views.botoes import botoes_de, grupos_de
from executions.views.fragmento import RITMO_PARADO_MS, RITMO_RODANDO_MS, responder
from executions.views.progresso import Contagem

ITENS_POR_PAGINA = 100
LINHAS_DO_LOG = 100


class ItensPaginados(Paginator):
    """Pages of a known total: the batch's own counter, so no COUNT is asked."""

    def __init__(self, execucao: Execucao) -> None:
        self._total = execucao.total_arquivos
        super().__init__(execucao.itens.para_tabela(), ITENS_POR_PAGINA)

    @cached_property
    def count(self) -> int:
        return self._total


@pagina()
def execucao(request: HttpRequest, pk: int) -> HttpResponse:
    """One execution. Six queries, whatever its size, beside those of the session and the permissions.

    The polling ends when the execution has ended and its last process is gone, so no robot is left on the page as
    if it still ran.
    """
    agora = clock.db_now()
    lidas = list(Execucao.objects.abertas_e(pk).com_espera(agora).com_nomes().em_ordem())
    batch = next((lida for lida in lidas if lida.pk == pk), None)
    if batch is None:
        raise Http404("Esta execução não existe.")
    panorama, contagem = Panorama(agora, lidas), Contagem(batch)
    robos = panorama.robos_de(batch)
    itens = ItensPaginados(batch).get_page(request.GET.get("pagina"))
    botoes, grupos = botoes_de(batch, request.user), grupos_de(contagem, request.user)
    contexto = {
        "execucao": batch,
        "contagem": contagem,
        "espera": panorama.espera_de(batch) if batch.aberta else None,
        "robos": robos,
        "agora": agora,
        "itens": itens,
        "registros": list(Registro.objects.ultimos(batch, LINHAS_DO_LOG)),
        "botoes": botoes,
        "grupos": grupos,
    }
    ended = not batch.aberta and not robos
    ritmo = None if ended else RITMO_RODANDO_MS if robos else RITMO_PARADO_MS
    endereco = {"pagina": str(itens.number)}
    return responder(
        request, "execucao", contexto, ritmo=ritmo, acoes=(botoes, grupos), detalhes="executions/_detalhes.html",
        endereco=endereco,
    )  # fmt: skip
