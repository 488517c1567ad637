from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from executions import clock
from executions.models import Execucao, Portal
from executions.panorama import Espera, Panorama
from executions.views.acesso import pagina
from executions.views.fragmento import RITMO_PARADO_MS, RITMO_RODANDO_MS, responder
from executions.views.progresso import Parte, partes_da_lista

ABERTAS_MOSTRADAS = 100
TERMINADAS_MOSTRADAS = 20


@dataclass(frozen=True)
class Linha:
    """One execution as the panel shows it."""

    execucao: Execucao
    robos: int
    espera: Espera | None
    partes: list[Parte]


@pagina()
def painel(request: HttpRequest) -> HttpResponse:
    """What is open, what it waits for, and what ended lately. Five queries, whatever the size of the batches."""
    agora = clock.db_now()
    panorama = Panorama(agora, list(Execucao.objects.abertas().com_espera(agora).com_nomes().em_ordem()))
    fora_do_ar = [portal for portal in Portal.objects.all() if portal.fora_do_ar]
    contexto = {
        "abertas": [_linha(panorama, execucao) for execucao in panorama.abertas[:ABERTAS_MOSTRADAS]],
        "total_abertas": len(panorama.abertas),
        "terminadas": [_linha(panorama, e) for e in Execucao.objects.terminadas().com_nomes()[:TERMINADAS_MOSTRADAS]],
        "hosts": [(host, panorama.robos_em(host), host in panorama.hosts_vivos) for host in panorama.hosts],
        "hosts_vivos": len(panorama.hosts_vivos),
        "robos": len(panorama.robos),
        "lugares": sum(host.places for host in panorama.hosts_vivos),
        "trabalhando": sum(bool(panorama.robos_de(execucao)) for execucao in panorama.abertas),
        "fora_do_ar": fora_do_ar,
        "avisos": len(fora_do_ar) + (0 if panorama.hosts_vivos else 1),
    }
    return responder(request, "painel", contexto, ritmo=RITMO_RODANDO_MS if panorama.processos else RITMO_PARADO_MS)


def _linha(panorama: Panorama, execucao: Execucao) -> Linha:
    espera = panorama.espera_de(execucao) if execucao.aberta else None
    return Linha(execucao, len(panorama.robos_de(execucao)), espera, partes_da_lista(execucao))
