"""One execution: its page, and what its polls swap of it."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from executions import clock, itens, resumo
from executions.futuro import previsoes
from executions.itens import Filtro
from executions.models import Execucao, Processo, Registro
from executions.panorama import Panorama
from executions.previsao import amostra_de, com_amostras
from executions.views import linhas, log
from executions.views.acesso import pagina
from executions.views.botoes import botoes_de, exportacoes_de
from executions.views.fragmento import RITMO_PARADO_MS, RITMO_RODANDO_MS, Regiao, responder
from executions.views.progresso import Contagem
from executions.views.recados import NIVEIS, novos_no_filtro

LINHAS_DO_LOG = 500
LOG_NA_PAGINA = 2000
ROBOS_NO_FILTRO = 30
RITMO_LENDO_MS = 250  # more of the log is waiting


@pagina()
def execucao(request: HttpRequest, pk: int) -> HttpResponse:
    """One execution. A poll costs six queries, whatever its size, beside those of the session and the permissions.

    The polling ends when the execution has ended and its last process is gone, so no robot is left on the page as
    if it still ran.
    """
    agora = clock.db_now()
    rows = Execucao.objects.abertas_e(pk).com_espera(agora).com_nomes().em_ordem()
    lidas = list(com_amostras(rows, agora))
    batch = next((lida for lida in lidas if lida.pk == pk), None)
    if batch is None:
        raise Http404(_("Esta execução não existe."))
    return Vista(request, batch, Panorama(agora, lidas)).responder()


class Vista:
    """What one look at an execution shows. A poll says which rows and which lines of the log the page has already."""

    def __init__(self, request: HttpRequest, batch: Execucao, panorama: Panorama) -> None:
        self.request, self.batch, self.panorama = request, batch, panorama
        self.agora = panorama.agora
        self.poll = bool(getattr(request, "htmx", False))
        self.filtro = Filtro.ler(request.GET)
        self.coluna = ".".join(map(str, resumo.coluna(batch, self.agora)))
        fresh = not self.poll or request.GET.get("g") != self.coluna
        self.resumo = resumo.ler(batch, self.agora, grafico=fresh)
        self.contagem = Contagem(self.resumo.contagem, self.resumo.falhas)
        self.robos = panorama.robos_de(batch)
        self.total = self.contagem.de(self.filtro)
        self.nivel = request.GET.get("nivel", "") if request.GET.get("nivel", "") in NIVEIS else ""

    def responder(self) -> HttpResponse:
        context = self._contexto()
        known = linhas.ler(self.request.GET.get("linhas", "")) if self.poll else []
        page = None if known else itens.pagina(self.batch, self.filtro)
        rows = page.itens if page else linhas.conhecidas(self.batch, known)
        cells = linhas.celulas(rows, self.robos)
        seen, new = self._log()
        versions = linhas.versoes(cells)
        changed = linhas.mudadas(cells, self.request.GET.get("c", "")) if self.poll else []
        at_load = self.request.GET.get("t", "")
        context |= {
            "pagina": page, "linhas": list(zip(rows, cells, strict=True)), "registros": new,
            "novos": novos_no_filtro(self.total, at_load) if self.poll else "",
        }  # fmt: skip
        if not self.poll:
            context["robos_do_filtro"] = list(
                Processo.objects.robos().filter(execucao=self.batch).select_related("host")[:ROBOS_NO_FILTRO]
            )
        known_total = (
            at_load if self.poll and "t" in self.request.GET else str("" if self.total is None else self.total)
        )
        address = self.filtro.endereco | {
            "linhas": linhas.escrever([row.ordem for row in rows]), "c": versions, "t": known_total,
            "log": log.escrever(seen), "nivel": self.nivel, "g": self.coluna,
        }  # fmt: skip
        return responder(
            self.request, "execucao", context, ritmo=self._ritmo(len(new)), regioes=self._regioes(context),
            endereco=address, anexo=self._anexo(changed, new),
        )  # fmt: skip

    def _contexto(self) -> dict[str, Any]:
        batch, user = self.batch, self.request.user
        failures = self.contagem.de(self.filtro.falhas())
        previsao = previsoes(self.panorama)[batch.pk] if batch.aberta else None
        return {
            "execucao": batch,
            "contagem": self.contagem,
            "espera": (self.panorama.espera_de(batch) or previsao.espera) if previsao else None,
            "previsao": previsao,
            "amostra": amostra_de(batch, self.agora),
            "robos": self.robos,
            "agora": self.agora,
            "filtro": self.filtro,
            "total": self.total,
            "falhas_do_filtro": failures,
            "pontos": self.resumo.pontos,
            "eventos": self.resumo.eventos,
            "nivel": self.nivel,
            "niveis": NIVEIS,
            "log_na_pagina": LOG_NA_PAGINA,
            "botoes": botoes_de(batch, self.contagem, user, len(self.robos)),
            "pode_reabrir": user.has_perm("executions.reabrir"),
            "exportacoes": exportacoes_de(batch, self.filtro, self.total),
        }

    def _regioes(self, context: dict[str, Any]) -> list[Regiao]:
        shown = (context["botoes"], self.contagem.falhas, context["pode_reabrir"])
        return [
            Regiao("executions/_acoes.html", context["botoes"]),
            Regiao("executions/_falhas.html", shown),
            Regiao("executions/_robos.html"),
            Regiao("executions/_grafico.html", self.coluna),
            Regiao("executions/_abas.html"),
            Regiao("executions/_novos.html"),
            Regiao("executions/_eventos.html"),
        ]

    def _log(self) -> tuple[list[int], list[Registro]]:
        """(the numbers of the last ones that the page then has, the lines): to a poll those that it has not."""
        text = self.request.GET.get("log") if self.poll else None
        seen = log.ler(text or "")
        after = None if text is None else log.depois_de(seen)
        new = Registro.objects.do_log(self.batch, self.nivel, after, LINHAS_DO_LOG, sem=seen)
        return log.ultimas([*seen, *(line.pk for line in new)]), new

    def _ritmo(self, lidas: int) -> int | None:
        if self.poll and lidas == LINHAS_DO_LOG:
            return RITMO_LENDO_MS
        if not self.batch.aberta and not self.robos:
            return None
        return RITMO_RODANDO_MS if self.robos else RITMO_PARADO_MS

    def _anexo(self, changed: list[str], new: list[Registro]) -> str | None:
        if not self.poll or not (changed or new):
            return None
        context = {"celulas": changed, "registros": new}
        return render_to_string("executions/_anexo.html", context, self.request)
