"""The portals as their robots meet them: the breaker, the manners, the sessions, the logins, and the last outages."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from executions import clock
from executions.models import Credencial, Execucao, Portal, Processo, Registro
from executions.models.portal import FORA, NO_AR
from executions.views.acesso import acao, pagina_de, quem
from executions.views.fragmento import RITMO_PARADO_MS, RITMO_RODANDO_MS, responder

QUEDAS = 10


@dataclass(frozen=True)
class Queda:
    """One outage, from the log. `ate` is None while it lasts."""

    portal: str
    de: datetime
    ate: datetime | None

    @property
    def segundos(self) -> float | None:
        return (self.ate - self.de).total_seconds() if self.ate else None


@dataclass(frozen=True)
class Cartao:
    """A portal, how many sessions are open now (of `portal.max_sessions`), and its logins with theirs."""

    portal: Portal
    sessoes: int
    abertas: int
    credenciais: list[tuple[Credencial, int]]


@pagina_de("view_portal")
def portais(request: HttpRequest) -> HttpResponse:
    """Five queries (one more for the database's clock), whatever the number of portals, logins and executions."""
    agora = clock.db_now()
    live = Processo.objects.vivos().robos().values_list("execucao__portal", "execucao__credencial")
    sessions = Counter(live.order_by())
    abertas = Counter(Execucao.objects.abertas().values_list("portal", flat=True).order_by())
    logins: dict[int, list[tuple[Credencial, int]]] = {}
    if request.user.has_perms(["executions.view_credencial"]):
        for login in Credencial.objects.defer("senha_cifrada").order_by("usuario"):
            logins.setdefault(login.portal_id, []).append((login, sessions[login.portal_id, login.pk]))
    cartoes = [
        Cartao(
            portal, sum(n for (where, _login), n in sessions.items() if where == portal.pk), abertas[portal.pk],
            logins.get(portal.pk, []),
        )
        for portal in Portal.objects.all()
    ]  # fmt: skip
    contexto = {
        "cartoes": cartoes, "quedas": quedas(Registro.objects.de_portais(4 * QUEDAS))[:QUEDAS], "agora": agora,
        "fora": sum(cartao.portal.fora_do_ar for cartao in cartoes),
    }  # fmt: skip
    return responder(
        request, "pagina_portais", contexto, ritmo=RITMO_RODANDO_MS if sessions else RITMO_PARADO_MS
    )  # fmt: skip


@acao("iniciar")
def sondar(request: HttpRequest, pk: int) -> HttpResponse:
    """The next probe now instead of in a minute; a robot of a waiting execution makes it."""
    portal = get_object_or_404(Portal, pk=pk)
    if portal.antecipar_sonda(quem(request)):
        text = _("%(nome)s: um robô o sonda em instantes, se houver execução dele esperando.")
        messages.success(request, text % {"nome": portal})
    else:
        text = _("Nada mudou: %(nome)s está no ar, ou a sondagem já está a caminho.")
        messages.info(request, text % {"nome": portal})
    return redirect("executions:portais")


def quedas(linhas: list[Registro]) -> list[Queda]:
    """The outages that these lines tell, the newest first. A line names its portal by its first words."""
    found: list[Queda] = []
    by_portal: dict[str, list[tuple[bool, datetime]]] = {}
    for linha in sorted(linhas, key=lambda row: row.pk):
        fell = linha.evento == "portal_fora"
        before, _name, after = (str(FORA if fell else NO_AR) % {"nome": "\0"}).partition("\0")
        name = linha.mensagem.removeprefix(before).removesuffix(after)
        by_portal.setdefault(name, []).append((fell, linha.at))
    for name, events in by_portal.items():
        for (fell, at), (fell_again, until) in pairwise([*events, (True, events[-1][1])]):
            if fell:
                found.append(Queda(name, at, None if fell_again else until))
    return sorted(found, key=lambda queda: queda.de, reverse=True)
