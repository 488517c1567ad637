"""The list of executions, filtered by its address."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from executions import clock
from executions.futuro import olhar, previsoes
from executions.lista import MEUS, Filtro, Lista
from executions.models import Execucao
from executions.previsao import Previsao
from executions.views.acesso import pagina
from executions.views.fragmento import RITMO_PARADO_MS, RITMO_RODANDO_MS, responder
from executions.views.progresso import INACABADAS, Parte, partes_da_lista


@dataclass(frozen=True)
class Linha:
    """`itens`: how many of its items came to the chosen result today; None without such a choice."""

    execucao: Execucao
    partes: list[Parte]
    previsao: Previsao | None
    itens: int | None

    @property
    def respondidas(self) -> list[Parte]:
        """Without what is not answered: by result, or a single one where they were too many to count."""
        return self.partes[:-INACABADAS]


@pagina()
def execucoes(request: HttpRequest) -> HttpResponse:
    """At most six queries, whatever the number of executions and items."""
    agora, filtro = clock.db_now(), Filtro.ler(request.GET)
    lista = Lista(filtro, agora, request.user.pk or 0)
    open_ones = [e for e in lista.execucoes if e.aberta]
    forecasts = previsoes(olhar(agora)) if open_ones else {}
    running = any(e.status == Execucao.Status.RUNNING for e in open_ones)
    contexto = {
        "lista": lista,
        "filtro": filtro,
        "agora": agora,
        "meus": MEUS,
        "linhas": [
            Linha(e, partes_da_lista(e), forecasts.get(e.pk), lista.itens.get(e.pk) if filtro.resultado else None)
            for e in lista.execucoes
        ],
        "abas": [(key, words, n, filtro.com(estado=key)) for key, words, n in lista.abas],
        "total_de_itens": sum(lista.itens.values()),
    }
    return responder(
        request, "execucoes", contexto, ritmo=RITMO_RODANDO_MS if running else RITMO_PARADO_MS,
        endereco=filtro.endereco,
    )  # fmt: skip
