"""The home page. One glance: does it work, is anything wrong, when is it ready."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from executions import clock
from executions.alertas import Alerta, Olhar, alertas
from executions.futuro import previsoes
from executions.hoje import Hoje
from executions.models import Execucao, Host, Portal, Processo
from executions.panorama import Espera, Panorama
from executions.previsao import Previsao, com_amostras
from executions.views.acesso import pagina
from executions.views.fragmento import RITMO_PARADO_MS, RITMO_RODANDO_MS, responder, versao
from executions.views.partilha import Partilha
from executions.views.progresso import Grupo, Parte, maior_falha, partes_da_lista

MOSTRADAS, FILA_MOSTRADA = 50, 20
CONTADAS = 50_000  # ended items of one execution at work that its bar counts by result
FALA_A_CADA_S = 15  # a screen reader is not talked over


@dataclass(frozen=True)
class Linha:
    """One open execution as the panel shows it."""

    execucao: Execucao
    robos: int
    espera: Espera
    partes: list[Parte]
    previsao: Previsao

    @property
    def maior_falha(self) -> Grupo | None:
        """The class of failure that most of its failures have."""
        return maior_falha(self.execucao)


@dataclass(frozen=True)
class Pronto:
    """When all that has a forecast is ready: the latest of them. `sem`: the numbers of those without one."""

    previsao: Previsao | None
    faltam: int
    sem: list[int]


class Painel:
    """What the page shows, in five queries whatever the number of executions, robots and items."""

    def __init__(self, agora: datetime) -> None:
        rows = Execucao.objects.que_pedem_atencao(agora).com_respostas(CONTADAS, status=Execucao.Status.RUNNING)
        marcadas = list(com_amostras(rows.com_espera(agora).com_nomes().em_ordem(), agora))
        self.agora = agora
        self.panorama = Panorama(agora, marcadas)
        self.portais = Portal.objects.com_credenciais_ruins(agora)
        self.hoje = Hoje(agora)
        self.alertas: list[Alerta] = alertas(Olhar(self.panorama, self.portais, marcadas))
        at_work = {robo.execucao_id for robo in self.panorama.robos}
        open_ones = self.panorama.abertas
        self.rodando = [e for e in open_ones if e.pk in at_work]
        self.fila = [e for e in open_ones if e.pk not in at_work]
        self.previsoes = previsoes(self.panorama)

    def linha(self, execucao: Execucao) -> Linha:
        robos, previsao = len(self.panorama.robos_de(execucao)), self.previsoes[execucao.pk]
        espera = self.panorama.espera_de(execucao) or previsao.espera
        return Linha(execucao, robos, espera, partes_da_lista(execucao), previsao)

    @property
    def pronto(self) -> Pronto:
        known = [p for p in self.previsoes.values() if p.fim]
        last = max(known, key=lambda p: p.fim or self.agora, default=None)
        without = [pk for pk, p in self.previsoes.items() if not p.fim]
        return Pronto(last, sum(p.faltam for p in known), without)

    @property
    def por_minuto(self) -> float:
        return sum(self.previsoes[e.pk].amostra.por_minuto for e in self.rodando)

    @property
    def lugares(self) -> int:
        """Of the machines that take more robots."""
        return sum(host.places for host in self.panorama.hosts_vivos if host.draining_at is None)

    @property
    def maquinas(self) -> list[tuple[Host, int, bool]]:
        look = self.panorama
        return [(host, look.robos_em(host), host in look.hosts_vivos) for host in look.hosts]

    @property
    def situacao_dos_portais(self) -> list[tuple[Portal, int, float | None]]:
        """(portal, its sessions in use, seconds an item costs a robot there now; None: nothing is being measured)."""
        found = []
        for portal in self.portais:
            samples = [self.previsoes[e.pk].amostra for e in self.rodando if e.portal_id == portal.pk]
            medians = sorted(sample.mediana for sample in samples if sample.basta)
            cost = medians[len(medians) // 2] if medians else None
            found.append((portal, self.panorama.robos_no_portal(portal.pk), cost))
        return found

    @property
    def fala(self) -> str:
        """The one sentence for who listens to the page."""
        n, m = len(self.rodando), len(self.alertas)
        running = ngettext("%(n)d execução em andamento", "%(n)d execuções em andamento", n) % {"n": n}
        wrong = ngettext("%(n)d aviso", "%(n)d avisos", m) % {"n": m}
        return f"{running}, {wrong}."


@dataclass(frozen=True)
class Visto:
    """The panel as it was rendered for all who may see the same of it."""

    contexto: dict[str, Any]
    corpo: str
    ritmo: int


_partilha: Partilha[Visto] = Partilha()
# What the panel's parts ask about the person who looks.
PERMISSOES = ("reabrir", "ver_tela", "view_host", "view_portal", "view_processo", "view_script")


@pagina()
def painel(request: HttpRequest) -> HttpResponse:
    """The robots' screens only to whom asks for them (`?telas=1`): an open panel alone makes no robot show anything.

    Polls share a look of the last second; a page that is opened takes its own.
    """
    may = [request.user.has_perms([f"executions.{name}"]) for name in PERMISSOES]
    telas = request.GET.get("telas") == "1" and may[PERMISSOES.index("ver_tela")]
    if getattr(request, "htmx", False):
        visto = _partilha.obter((get_language(), telas, *may), lambda: _olhar(request, telas))
    else:
        visto = _olhar(request, telas)
    falado, anexo = _falar(request, visto.contexto["fala"])
    endereco = {"f": falado} | ({"telas": "1"} if telas else {})
    return responder(
        request, "painel", dict(visto.contexto), ritmo=visto.ritmo, corpo=visto.corpo, endereco=endereco, anexo=anexo
    )


def _olhar(request: HttpRequest, telas: bool) -> Visto:
    painel = Painel(clock.db_now())
    if telas:
        Processo.objects.assistir(painel.panorama.robos, painel.agora)
    contexto: dict[str, Any] = {
        "painel": painel,
        "agora": painel.agora,
        "rodando": [painel.linha(e) for e in painel.rodando[:MOSTRADAS]],
        "fila": [painel.linha(e) for e in painel.fila[:FILA_MOSTRADA]],
        "itens_na_fila": sum(e.n_pending for e in painel.fila),
        "pronto": painel.pronto,
        "titulo_da_pagina": _titulo(len(painel.alertas)),
        "fala": painel.fala,
        "telas": telas,
    }
    ritmo = RITMO_RODANDO_MS if painel.panorama.processos else RITMO_PARADO_MS
    return Visto(contexto, render_to_string("executions/_painel.html", contexto, request), ritmo)


def _titulo(avisos: int) -> str:
    name = _("Painel")
    return f"({avisos}) {name}" if avisos else name


def _falar(request: HttpRequest, fala: str) -> tuple[str, str | None]:
    """(what was said and when, for the address of the next poll; the sentence to swap in, when it is new and due)."""
    now, said = int(time.time()), versao(fala)
    before, _dot, at = request.GET.get("f", "").partition(".")
    if not getattr(request, "htmx", False) or not at.isdecimal() or len(at) > 12:
        return f"{said}.{now}", None
    if before == said or now - int(at) < FALA_A_CADA_S:
        return f"{before}.{at}", None
    return f"{said}.{now}", render_to_string("executions/_falado.html", {"fala": fala, "fora_de_banda": True})
