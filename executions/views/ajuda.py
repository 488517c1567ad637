"""The help page: every word that the pages use, from the models' own choices."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from executions import ajuda as textos
from executions.historico import DESFECHOS
from executions.models import Alarme, Disparo, Execucao, JobItem, Processo
from executions.panorama import Espera
from executions.results import ErroClasse, Resultado
from executions.templatetags import navegacao, paginas
from executions.templatetags import processos as de_processos
from executions.views.acesso import quem

Texto = str | Promise
FINAIS = {Processo.Status.KILLED: ("warn", "parar"), Processo.Status.LOST: ("bad", "semrede")}


@dataclass(frozen=True)
class Palavra:
    """A state as the pages show it (word, icon, tone) and what it means."""

    nome: Texto
    sentido: Texto
    tom: str
    icone: str


@dataclass(frozen=True)
class Secao:
    chave: str
    titulo: Texto
    palavras: list[Palavra]


@require_GET
@login_required
def ajuda(request: HttpRequest) -> HttpResponse:
    open_to_them = {lugar.rota for lugar in navegacao.LUGARES if lugar.aberto_a(quem(request))}
    routes = [(question, answer, f"executions:{name}") for question, answer, name in textos.ONDE]
    contexto = {
        "secoes": secoes(),
        "palavras": textos.PALAVRAS,
        "onde": [(q, answer, reverse(route) if route in open_to_them else "") for q, answer, route in routes],
        "lugares_de_ajuda": navegacao.LUGARES,
    }
    return render(request, "executions/ajuda.html", contexto)


def secoes() -> list[Secao]:
    """Raises KeyError for a choice that has no sentence."""
    tom = paginas
    return [
        Secao("execucoes", _("Estados da execução"), _de_tres(Execucao.Status, tom.EXECUCAO, textos.EXECUCAO)),
        Secao("itens", _("Estados do item"), _de_tres(JobItem.Status, tom.ITEM, textos.ITEM)),
        Secao("resultados", _("Resultados: as respostas"), _de_rotulo(Resultado, tom.RESULTADO, textos.RESULTADO)),
        Secao("falhas", _("Falhas: sem resposta"), _de_rotulo(ErroClasse, {}, textos.FALHA, ("bad", "falha"))),
        Secao("esperas", _("Por que está esperando"), _esperas()),
        Secao("robos", _("O que um robô faz"), _de_tres(tom.TRABALHO, tom.TRABALHO, textos.TRABALHO)),
        Secao("processos", _("Estados dos processos"), _de_rotulo(
            Processo.Status, {k: v[:2] for k, v in tom.PROCESSO.items()} | FINAIS, textos.PROCESSO)),
        Secao("desfechos", _("Como um processo terminou"), _desfechos()),
        Secao("alarmes", _("Quando um alarme toca"), _de_rotulo(Alarme, {}, textos.ALARME, ("bad", "alerta"))),
        Secao("disparos", _("Disparos da agenda"), _de_rotulo(Disparo.Desfecho, tom.DISPARO, textos.DISPARO)),
    ]  # fmt: skip


def _de_tres(escolhas: Any, tons: Mapping[Any, tuple[str, str, Any]], sentidos: Mapping[Any, Texto]) -> list[Palavra]:
    return [Palavra(tons[value][2], sentidos[value], *tons[value][:2]) for value in escolhas]


def _de_rotulo(
    escolhas: Any, tons: Mapping[Any, tuple[str, str]], sentidos: Mapping[Any, Texto],
    padrao: tuple[str, str] = ("idle", "check"),
) -> list[Palavra]:  # fmt: skip
    words = ((value, str(value.label)) for value in escolhas)
    return [Palavra(word[:1].upper() + word[1:], sentidos[v], *tons.get(v, padrao)) for v, word in words]


def _esperas() -> list[Palavra]:
    shown = [value for value in Espera if value not in (Espera.NADA, Espera.TERMINADA)]
    return [Palavra(v.label, textos.ESPERA[v], "idle", paginas.icone_da_espera(v)) for v in shown]


def _desfechos() -> list[Palavra]:
    found = []
    for value in Processo.Motivo:
        tone, icon = de_processos.TOM.get(value, ("bad", "falha"))
        found.append(Palavra(DESFECHOS.get(value) or value.label.capitalize(), textos.MOTIVO[value], tone, icon))
    return found
