"""Alarms: each holds exactly while its rule says so, is told once, and its end too."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions import alarmes, clock, robos
from executions.models import (
    Alarme,
    Aviso,
    Batida,
    Credencial,
    Destino,
    Execucao,
    Host,
    JobItem,
    Ocorrencia,
    Portal,
    Processo,
    Registro,
    Tentativa,
)
from tests.conftest import Tempo
from tests.factories import (
    RESPOSTA,
    in_threads,
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_portal,
    novo_robo,
    tomado,
)
from tests.pages import HTMX, como, pagina_leve  # noqa: F401 (a fixture)
from tests.test_architecture import RAIZ
from workers import scheduler
from workers.watchdog import Watchdog

pytestmark = pytest.mark.django_db
Mundo = Callable[[], Any]


def tocando() -> set[tuple[str, str]]:
    """(alarm, what it is about), by the rules alone."""
    return {(alarme.value, alvo) for regra in alarmes.REGRAS for alarme, alvo, _ in regra(clock.db_now())}


def destino(nome: str = "plantão", **campos: Any) -> Destino:
    novo = Destino(**{"nome": nome, "recebe_alertas": True} | campos)
    novo.trocar_url(f"{nome.encode().hex()}@example.org")
    novo.save()
    return novo


# ---- each rule: a world where all is well, and the one thing that sets it off --------------------------------------
def _lote_com_robo(idade_s: float, *, pausada: bool = False) -> str:
    lote = nova_execucao(2)
    tomado(lote, novo_robo(lote))
    Execucao.objects.filter(pk=lote.pk).update(progress_at=clock.db_now() - timedelta(seconds=idade_s))
    if pausada:
        lote.pausar()
    return str(lote.pk)


def _na_fila(idade_s: float, **robo: Any) -> str:
    """An item that has waited so long, and a robot of this kind (none: without)."""
    lote = nova_execucao(1)
    lote.itens.update(available_at=clock.db_now() - timedelta(seconds=idade_s))
    if robo:
        novo_robo(lote, **robo)
    return ""


def _terminado(ha_s: float, **robo: Any) -> dict[str, Any]:
    return {"status": "exited", "ended_at": clock.db_now() - timedelta(seconds=ha_s)} | robo


def _host(**campos: Any) -> str:
    ago = campos.pop("canario", None)
    at = clock.db_now() - timedelta(seconds=ago) if ago is not None else None
    return novo_host(canary_at=at, **campos).nome


def _batida(obra: str, idade_s: float) -> str:
    Batida.objects.create(obra=obra, at=clock.db_now() - timedelta(seconds=idade_s))
    return ""


def _linhas(evento: str, n: int, idade_s: float = 0) -> str:
    for _ in range(n):
        row = Registro.objects.anotar(evento, "aconteceu")
    Registro.objects.update(at=clock.db_now() - timedelta(seconds=idade_s))
    return str(row.pk) if evento == "encerrar_todos" else ""


def _tentativas(idade_s: float, **por_desfecho: int) -> str:
    lote = nova_execucao(1)
    robo, item = novo_robo(lote), lote.itens.get()
    outcomes = [outcome for outcome, n in por_desfecho.items() for _ in range(n)]
    at = clock.db_now() - timedelta(seconds=idade_s)
    Tentativa.objects.bulk_create(
        Tentativa(item=item, n=n, token=n, geracao=1, processo=robo, began=at, ended=at, outcome=outcome)
        for n, outcome in enumerate(outcomes, start=100)
    )
    return ""


def _portal(idade_s: float) -> str:
    portal = novo_portal()
    portal.abrir_disjuntor()
    Portal.objects.update(breaker_em=clock.db_now() - timedelta(seconds=idade_s))
    return portal.slug


def _recusada() -> str:
    credencial = nova_credencial()
    credencial.recusar()
    return str(credencial.pk)


def _cercado(idade_s: float) -> str:
    robo = novo_robo(nova_execucao(1))
    at = clock.db_now() - timedelta(seconds=idade_s)
    Processo.objects.filter(pk=robo.pk).update(status="exited", motivo="cercado", ended_at=at)
    return ""


CASOS: list[tuple[str, Mundo, Mundo]] = [
    ("sem_progresso", lambda: _lote_com_robo(301), lambda: _lote_com_robo(299)),
    ("sem_progresso", lambda: _lote_com_robo(301), lambda: _lote_com_robo(301, pausada=True)),
    ("fila_parada", lambda: _na_fila(601), lambda: _na_fila(599)),
    ("fila_parada", lambda: _na_fila(601), lambda: _na_fila(601, status="running")),
    ("fila_parada", lambda: _na_fila(601, status="requested", started_at=None), lambda: _na_fila(599)),
    ("fila_parada", lambda: _na_fila(601, status="starting", started_at=None), lambda: _na_fila(599)),
    ("fila_parada", lambda: _na_fila(601, **_terminado(1, started_at=None)), lambda: _na_fila(601, **_terminado(599))),
    ("fila_parada", lambda: _na_fila(601, **_terminado(601)), lambda: _na_fila(601, status="stopping")),
    ("canario", lambda: _host(canario=91), lambda: _host(canario=89)),
    ("canario", lambda: _host(canario=91), lambda: _host()),
    ("disco", lambda: _host(disco_livre=9.9), lambda: _host(disco_livre=10.0)),
    ("orfaos", lambda: _host(orfaos=1), lambda: _host(orfaos=0)),
    ("agendador", lambda: _batida("agendador", 61), lambda: _batida("agendador", 59)),
    ("watchdog", lambda: _batida("watchdog", 61), lambda: _batida("prontidao", 61)),
    ("escrita_barrada", lambda: _linhas("barrado", 1), lambda: _linhas("barrado", 1, 601)),
    ("escrita_barrada", lambda: _cercado(1), lambda: _cercado(601)),
    ("contadores", lambda: _linhas("contadores", 1), lambda: _linhas("pausada", 1)),
    ("logins", lambda: _linhas("login_falhou", 5), lambda: _linhas("login_falhou", 4)),
    ("encerrar_todos", lambda: _linhas("encerrar_todos", 1), lambda: _linhas("encerrar_todos", 1, 601)),
    ("veneno", lambda: _tentativas(3599, veneno=3), lambda: _tentativas(3599, veneno=2)),
    ("quedas", lambda: _tentativas(1, robo_perdido=3, migrado=7), lambda: _tentativas(1, robo_perdido=2, captcha=8)),
    ("quedas", lambda: _tentativas(1, veneno=10), lambda: _tentativas(1, robo_perdido=9)),
    ("posses", lambda: _tentativas(1, posse_vencida=6), lambda: _tentativas(601, posse_vencida=6)),
    ("posses", lambda: _tentativas(1, posse_vencida=6), lambda: _tentativas(1, posse_vencida=5)),
    ("portal", lambda: _portal(301), lambda: _portal(299)),
    ("credencial", _recusada, nova_credencial),
]  # fmt: skip


@pytest.mark.parametrize(("alarme", "mal", "bem"), CASOS, ids=[f"{n}-{caso[0]}" for n, caso in enumerate(CASOS)])
def test_an_alarm_goes_off_just_past_its_limit(alarme: str, mal: Mundo, bem: Mundo, tempo: Tempo) -> None:
    bem()
    assert alarme not in {name for name, _ in tocando()}
    _vazio()
    alvo = mal()
    assert (alarme, alvo) in tocando()


def _vazio() -> None:
    Registro.objects.all()._raw_delete("default")
    for model in (Tentativa, JobItem, Processo, Host, Execucao, Credencial, Portal, Batida):
        rows: Any = model._default_manager.all()
        rows._raw_delete(rows.db)


def test_every_alarm_has_a_test_and_a_line_in_the_run_book() -> None:
    assert {caso[0] for caso in CASOS} == set(Alarme.values)
    book = (RAIZ / "docs/observability.md").read_text().partition("## Alarms")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z_]+)` \|", book, re.MULTILINE) == Alarme.values


# ---- told once ------------------------------------------------------------------------------------------------------
def test_it_is_told_once_and_so_is_its_end(tempo: Tempo) -> None:
    destino()
    destino("outro", recebe_alertas=False)
    destino("fora", ativo=False)
    host = novo_host(disco_livre=5.0)
    assert [alarmes.passo() for _ in range(3)] == [1, 0, 0]
    aviso = Aviso.objects.get()
    assert aviso.assunto == "[Controle de Robôs] Alerta: Disco quase cheio"
    assert (aviso.destino.nome, host.nome in aviso.corpo) == ("plantão", True)
    host.bater(disco_livre=50.0)
    tempo.avancar(59)
    alarmes.passo()
    assert Ocorrencia.objects.get().fechada_em is None
    tempo.avancar(2)
    host.bater()
    alarmes.passo()
    alarmes.passo()
    assert Ocorrencia.objects.get().fechada_em == tempo.agora
    assert list(Aviso.objects.order_by("id").values_list("assunto", flat=True))[1:] == [
        "[Controle de Robôs] Acabou: Disco quase cheio"
    ]
    assert list(Registro.objects.order_by("id").values_list("evento", flat=True)) == ["alarme_aberto", "alarme_fechado"]


def test_what_comes_and_goes_within_a_minute_is_one_occurrence(tempo: Tempo) -> None:
    destino()
    host = novo_host()
    for free in (5.0, 50.0, 5.0, 50.0, 5.0):
        host.bater(disco_livre=free)
        alarmes.passo()
        tempo.avancar(20)
    assert (Ocorrencia.objects.count(), Aviso.objects.count()) == (1, 1)


def test_what_comes_again_later_is_told_again(tempo: Tempo) -> None:
    destino()
    host = novo_host()
    for free in (5.0, 50.0, 5.0):
        for _ in range(4):
            host.bater(disco_livre=free)
            alarmes.passo()
            tempo.avancar(25)
    assert Ocorrencia.objects.count() == 2
    assert Aviso.objects.count() == 3


def test_an_event_is_told_each_time_and_its_end_never(tempo: Tempo) -> None:
    destino()
    for _ in range(2):
        nova_execucao(1)
        robos.encerrar_todos()
        alarmes.passo()
        tempo.avancar(30)
    assert Aviso.objects.count() == 2
    tempo.avancar(700)
    alarmes.passo()
    tempo.avancar(61)
    alarmes.passo()
    assert not Ocorrencia.objects.abertas().exists()
    assert Aviso.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_four_schedulers_at_once_tell_it_once() -> None:
    destino()
    novo_host(disco_livre=5.0)
    opened = in_threads(4, lambda i: alarmes.passo())
    assert sum(opened) == 1
    assert (Ocorrencia.objects.count(), Aviso.objects.count()) == (1, 1)
    Ocorrencia.objects.update(vista_em=clock.db_now() - timedelta(seconds=61))
    Host.objects.update(disco_livre=50.0)
    in_threads(4, lambda i: alarmes.passo())
    assert Aviso.objects.count() == 2


def test_the_scheduler_looks_and_the_watchdog_does_when_no_scheduler_runs(tempo: Tempo) -> None:
    novo_host(disco_livre=5.0)
    Watchdog().step()
    assert Ocorrencia.objects.count() == 0
    scheduler.step()
    assert Ocorrencia.objects.get().alarme == "disco"
    tempo.avancar(61)
    Watchdog().step()
    assert set(Ocorrencia.objects.values_list("alarme", flat=True)) == {"disco", "agendador"}


def test_a_look_costs_as_many_queries_for_many_rows_as_for_one(tempo: Tempo) -> None:
    counts = []
    credencial = nova_credencial()
    for n in (1, 30):
        for _ in range(n):
            novo_host(disco_livre=50.0, canary_at=clock.db_now())
            robo = novo_robo(nova_execucao(2, credencial=credencial))
            tomado(robo.execucao, robo).concluir(RESPOSTA)
        nova_execucao(10 * n, credencial=credencial)
        with CaptureQueriesContext(connection) as captured:
            assert alarmes.passo() == 0
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 18


def test_a_destination_receives_alerts_only_when_marked() -> None:
    novo = Destino(nome="a")
    assert novo.recebe_alertas is False
    with pytest.raises(ValidationError):
        novo.trocar_url("nada")


# ---- on the home page -----------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("grupos", "pagina_leve")
def test_the_home_page_shows_what_goes_on_and_leads_to_what_to_do(tempo: Tempo) -> None:
    novo_host(orfaos=2, disco_livre=5.0)
    assert alarmes.passo() == 2
    html = como("Operadores").get("/").content.decode()
    assert "tem processos sem dono que não morrem." in html and 'href="/ajuda/#alarmes"' in html
    assert "Disco cheio" in html and "Disco quase cheio" not in html  # told once, by the rule that knows first
    assert 'id="alarmes"' in como("Operadores").get("/ajuda/").content.decode()
