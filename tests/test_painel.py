"""The home page answers three questions, and each of its numbers leads to the list that it counts."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executions import clock
from executions.alertas import Alerta, Olhar, alertas
from executions.hoje import GRUPOS, Hoje, meia_noite, por_execucao
from executions.models import (
    Agendamento,
    Batida,
    Credencial,
    Execucao,
    Host,
    JobItem,
    Ocorrencia,
    Portal,
    Processo,
    Quadro,
)
from executions.panorama import Panorama
from executions.results import ErroClasse, Resposta, Resultado
from executions.views.partilha import Partilha
from tests.factories import (
    em_postgres,
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_portal,
    novo_robo,
    novo_script,
    tomado,
)
from tests.pages import (
    HTMX,
    JPEG,
    com_robos,
    como,
    pagina_leve,  # noqa: F401 (a fixture)
    pessoa,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
AUTH_QUERIES = 4  # the session, the user, the person's own permissions and those of the groups


def _avisos() -> list[tuple[str, str]]:
    """(badge, title) of every alert there is now."""
    return [(alerta.selo, alerta.titulo) for alerta in _alertas()]


def _alertas() -> list[Alerta]:
    agora = clock.db_now()
    marcadas = list(Execucao.objects.que_pedem_atencao(agora).com_espera(agora).com_nomes().em_ordem())
    look = Olhar(Panorama(agora, marcadas), Portal.objects.com_credenciais_ruins(agora), marcadas)
    return list(alertas(look))


def _html(url: str = "/", **headers: str) -> str:
    return como("Operadores").get(url, headers=headers).content.decode()


# ---- the glance ------------------------------------------------------------------------------------------------------
def test_the_three_answers_of_a_page_without_work() -> None:
    html = _html()
    for words in ("Nada a fazer", "<strong>Não</strong>", "Tudo pronto", "<title>Painel ·"):
        assert words in html


def test_the_three_answers_while_a_batch_runs(tempo: Any) -> None:
    batch = nova_execucao(20)
    robo = novo_robo(batch)
    for _ in range(6):
        item = tomado(batch, robo)
        tempo.avancar(10)
        item.concluir(Resposta(Resultado.PROTOCOLADA))
    Host.objects.update(heartbeat_at=tempo.agora)
    html = _html()
    assert "Sim, 1 execução" in html
    assert "1 robô de 8 possíveis" in html
    assert "Por volta de" in html and "14 itens" in html
    assert 'role="status" id="resumo-falado">1 execução em andamento, 0 avisos.</p>' in html


def test_the_title_counts_what_needs_a_person_and_a_poll_swaps_it() -> None:
    client = como("Operadores")
    novo_host()
    html = client.get("/").content.decode()
    tick = re.findall(r'hx-get="([^"]+)"', html)[0].replace("&amp;", "&")
    novo_portal().abrir_disjuntor()
    assert "<title>(1) Painel · Controle de Robôs</title>" in client.get(tick, headers=HTMX).content.decode()


def test_the_sentence_is_spoken_when_it_is_new_and_not_within_fifteen_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000
    monkeypatch.setattr("executions.views.painel.time.time", lambda: now)
    client = como("Operadores")
    tick = re.findall(r'hx-get="([^"]+)"', client.get("/").content.decode())[0].replace("&amp;", "&")
    com_robos()
    soon = client.get(tick, headers=HTMX).content.decode()
    assert "resumo-falado" not in soon
    tick = re.findall(r'hx-get="([^"]+)"', soon)[0].replace("&amp;", "&")
    now += 15
    due = client.get(tick, headers=HTMX).content.decode()  # nothing else changed: told all the same
    assert 'id="resumo-falado" hx-swap-oob="true">1 execução em andamento, 0 avisos.' in due
    tick = re.findall(r'hx-get="([^"]+)"', due)[0].replace("&amp;", "&")
    assert client.get(tick, headers=HTMX).status_code == 204


def test_the_wall_shows_each_robot_its_case_its_step_and_its_measures() -> None:
    batch = nova_execucao(2)
    novo_robo(batch, novo_host(nome="rpa-01"), passo="lendo anexos", cpu=38.0, rss=612_000_000)
    tomado(batch, batch.processos.get())
    html = _html()
    for words in ("caso-0", "Lendo anexos", "rpa-01", "CPU 38%", "RAM 612 MB", "Trabalhando", "neste item"):
        assert words in html


def test_the_queue_says_priority_items_reason_and_about_when_it_starts(tempo: Any) -> None:
    batch = nova_execucao(10)
    robo = novo_robo(batch)
    for _ in range(5):
        item = tomado(batch, robo)
        tempo.avancar(60)
        item.concluir(Resposta(Resultado.PROTOCOLADA))
    Host.objects.update(heartbeat_at=tempo.agora)
    nova_execucao(3, credencial=batch.credencial, prioridade=1)
    paused = nova_execucao(1)
    paused.pausar()
    html = _html()
    queue = html[html.index('id="fila"') :]
    assert "Alta" in queue and "Aguarda a vez" in queue and "4 itens aguardam" in queue
    start = timezone.localtime(tempo.agora + timedelta(minutes=5) + timedelta(seconds=30))
    assert f'por volta de <time datetime="{start:%Y-%m-%dT%H:%M}' in queue
    assert "quando for retomada" in queue


# ---- nobody is left to tell ------------------------------------------------------------------------------------------
def _parado(ha_s: float = 61) -> None:
    """The only machine's runrobots was killed so long ago: no open execution, no alarm."""
    at = clock.db_now() - timedelta(seconds=ha_s)
    novo_host(heartbeat_at=at)
    Batida.objects.create(obra="agendador", at=at)


def _com_agenda(*, pausada: bool = False) -> None:
    Agendamento.objects.create(nome="diário", cron="0 8 * * *", script=novo_script())
    if pausada:
        Agendamento.objects.update(pausado_em=clock.db_now(), proximo_em=None)


def _agendador_parado() -> bool:
    return ("Agendador parado", "O agendador não trabalha.") in _avisos()


def test_a_runrobots_that_died_without_work_is_told_on_the_page_that_is_looked_at(tempo: Any) -> None:
    _parado()
    assert _agendador_parado()
    assert "O agendador não trabalha." in _html()


def test_a_scheduler_that_works_is_not_told_of(tempo: Any) -> None:
    _parado(59)
    _com_agenda()
    assert not _agendador_parado()


@pytest.mark.parametrize(("pausada", "contado"), [(False, True), (True, False)])
def test_after_an_orderly_stop_it_is_told_only_where_a_schedule_would_have_fired(
    tempo: Any, pausada: bool, contado: bool
) -> None:
    _parado()
    Host.objects.update(heartbeat_at=None)
    _com_agenda(pausada=pausada)
    assert _agendador_parado() is contado


def test_it_is_told_once_where_work_waits_or_the_alarm_has_gone_off(tempo: Any) -> None:
    _parado()
    aberta = Ocorrencia.objects.create(alarme="agendador", mensagem="x", aberta_em=tempo.agora, vista_em=tempo.agora)
    assert not _agendador_parado()
    aberta.delete()
    assert _agendador_parado()
    batch = nova_execucao(1)
    Host.objects.update(heartbeat_at=None)
    batch.pausar()
    assert _agendador_parado()
    batch.retomar()
    assert not _agendador_parado() and ("Parado", "Nenhuma máquina de robôs está ligada.") in _avisos()


def test_it_is_told_while_robots_of_a_silent_machine_work_on(tempo: Any) -> None:
    _parado()
    novo_robo(nova_execucao(2), Host.objects.get())
    assert _agendador_parado() and "Parado" not in [selo for selo, _titulo in _avisos()]


# ---- today -----------------------------------------------------------------------------------------------------------
def _verificados(quando: Any, **grupos: int) -> Execucao:
    """A batch with so many items of each group, verified then."""
    batch = nova_execucao(sum(grupos.values()))
    robo = novo_robo(batch)
    for grupo, n in grupos.items():
        for _ in range(n):
            item = tomado(batch, robo)
            if grupo == "falha":
                item.falhar(ErroClasse.TEMPO_ESGOTADO, "lento", agora=quando)
            else:
                item.concluir(Resposta(Resultado(grupo)), agora=quando)
    return batch


def test_today_begins_at_the_offices_midnight_and_its_bars_sum_to_its_total(tempo: Any) -> None:
    tempo.agora = meia_noite(tempo.agora) + timedelta(hours=14, minutes=20)
    midnight = meia_noite(tempo.agora)
    _verificados(midnight - timedelta(seconds=1), protocolada=3)
    _verificados(midnight, protocolada=1, ambigua=1)
    _verificados(midnight + timedelta(hours=9, minutes=59), nao_localizada=2, falha=1)
    today = Hoje(tempo.agora)
    assert [today.do_grupo(g) for g in GRUPOS] == [1, 2, 1, 1]
    assert today.total == 5 == sum(hour.total for hour in today.horas)
    assert [(h.hora, h.grupos) for h in today.horas if h.total] == [(0, (1, 0, 1, 0)), (9, (0, 2, 0, 1))]
    assert today.horas[-1].hora == 14
    assert "2 às 0h" in _html() and "5 itens verificados" in _html()


def test_what_was_ended_before_any_robot_had_it_was_not_verified_today() -> None:
    now = timezone.now()
    batch = _verificados(now, protocolada=1)
    nova_execucao(5, credencial=batch.credencial).encerrar()
    assert Hoje(timezone.now()).total == 1 and "1 item verificado" in _html()
    assert por_execucao("falha", timezone.now()) == {}


@pytest.mark.parametrize("grupo", GRUPOS)
def test_a_number_of_today_leads_to_a_list_that_counts_the_same(grupo: str) -> None:
    now = timezone.now()
    for _ in range(2):
        _verificados(now, protocolada=2, nao_localizada=1, migrado=3, falha=1)
    _verificados(now - timedelta(days=1), protocolada=1, nao_localizada=1, migrado=1, falha=1)
    client = como("Leitores")
    home = client.get("/").content.decode()
    url, n = re.findall(rf'href="([^"]*resultado={grupo}[^"]*)"><svg.*?</svg><b>(\d+)</b> ', home)[0]
    html = client.get(url.replace("&amp;", "&")).content.decode()
    assert f"{n} " in re.findall(r'<p class="bulk">.*?<span>([^<]+)</span>', html, re.S)[0]
    assert sum(map(int, re.findall(r'data-l="Hoje"><b>(\d+)</b>', html))) == int(n)
    assert len(re.findall(r'<tr id="exec-', html)) == 2


# ---- alerts ----------------------------------------------------------------------------------------------------------
def test_nothing_wrong_is_no_alert() -> None:
    novo_robo(nova_execucao(2))
    assert _avisos() == []


def test_no_host_is_an_alert_only_while_work_waits() -> None:
    assert _avisos() == []
    nova_execucao(1)
    assert _avisos() == [("Parado", "Nenhuma máquina de robôs está ligada.")]


def test_a_silent_host_is_an_alert_while_work_is_open_and_one_switched_off_is_none() -> None:
    novo_host(nome="viva")
    novo_host(nome="desligada", heartbeat_at=None)
    novo_host(nome="muda", heartbeat_at=timezone.now() - timedelta(hours=1))
    assert _avisos() == []
    nova_execucao(1)
    assert _avisos() == [("Sem sinal", "A máquina muda parou de dar sinal.")]


def test_robots_that_work_on_though_their_machine_is_silent_are_not_said_to_be_lost() -> None:
    muda = novo_host(nome="muda", heartbeat_at=timezone.now() - timedelta(hours=1))
    robo = novo_robo(nova_execucao(2), muda)
    assert _avisos() == [("Sem sinal", "A máquina muda parou de dar sinal.")]
    html = como("Operadores").get("/").content.decode()
    assert "1 robô dela ainda trabalha" in html
    assert not [untrue for untrue in ("voltam à fila", "possíveis", "1 de 0") if untrue in html]
    Processo.objects.filter(pk=robo.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert [selo for selo, _titulo in _avisos()] == ["Parado", "Sem sinal"]
    assert "voltam à fila" in como("Operadores").get("/").content.decode()


def test_a_host_whose_canary_is_old_or_whose_memory_or_disk_is_red_is_an_alert() -> None:
    novo_host(nome="a", canary_at=timezone.now() - timedelta(seconds=200))
    novo_host(nome="b", memory=93.0, disco_livre=4.0)
    novo_host(nome="c", memory=89.0, disco_livre=40.0, canary_at=timezone.now())
    assert _avisos() == [
        ("Fila parada", "A fila da máquina a não anda."),
        ("Memória cheia", "A memória da máquina b está em 93%."),
        ("Disco cheio", "O disco da máquina b está em 96%."),
    ]


@pytest.mark.parametrize(("free", "stopped"), [(5.0, True), (5.1, False)])
def test_the_alert_of_a_full_disk_says_when_the_machines_robots_stand_still(free: float, stopped: bool) -> None:
    novo_host(disco_livre=free)
    assert ["Os robôs dela pararam" in alerta.texto for alerta in _alertas()] == [stopped]


def test_a_portal_that_is_down_and_the_credentials_that_it_refused_or_blocked_are_alerts() -> None:
    portal = novo_portal(nome="Projudi X")
    nova_credencial(portal)
    refused, blocked = nova_credencial(portal), nova_credencial(portal)
    refused.recusar()
    blocked.bloquear()
    portal.abrir_disjuntor()
    assert _avisos() == [
        ("Fora do ar", "Projudi X não responde."),
        ("Senha recusada", f"Projudi X recusou a senha de {refused.usuario}."),
        ("Bloqueada", f"Projudi X bloqueou {blocked.usuario} por alguns minutos."),
    ]
    Credencial.objects.update(livre_em=timezone.now() - timedelta(seconds=1), recusada_em=None)
    portal.fechar_disjuntor()
    assert _avisos() == []


def test_failures_that_only_a_person_mends_are_alerts_for_a_day_even_when_the_batch_has_ended() -> None:
    novo_host()
    batch = nova_execucao(2)
    robo = novo_robo(batch)
    for _ in range(2):
        tomado(batch, robo).falhar(ErroClasse.LAYOUT_MUDOU, "Não achei a tabela.")
    assert _avisos() == [("Página mudou", f"2 falhas na #{batch.pk}:")]
    assert f'href="/execucoes/{batch.pk}/?erro=layout_mudou"' in _html()
    JobItem.objects.update(finished_at=timezone.now() - timedelta(hours=25))
    assert _avisos() == []


def test_an_interrupted_batch_is_an_alert_until_it_is_reopened_and_one_ended_by_a_person_is_none() -> None:
    novo_host()
    batch, ended = nova_execucao(1), nova_execucao(1)
    batch.interromper(ErroClasse.NAVEGADOR, "Três robôs seguidos falharam antes do login.")
    ended.encerrar()
    assert _avisos() == [("Interrompida", f"A execução #{batch.pk} parou.")]
    batch.refresh_from_db()
    batch.reabrir()
    assert _avisos() == []


# ---- what it costs ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 60])
@pytest.mark.parametrize("url", ["/", "/execucoes/", "/execucoes/?resultado=protocolada&desde=hoje"])
def test_the_page_takes_at_most_six_queries_whatever_the_number_of_rows(n: int, url: str) -> None:
    for _ in range(n):
        _verificados(timezone.now(), protocolada=1, falha=1)
        novo_robo(nova_execucao(2))
        nova_credencial().recusar()
    client = como("Operadores")
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, headers=HTMX).status_code == 200
    assert len(captured) - AUTH_QUERIES <= 6 + em_postgres()


# ---- the robots' screens ---------------------------------------------------------------------------------------------
def test_the_wall_shows_screens_only_to_whom_asks_for_them_and_may_see_them(tempo: Any) -> None:
    robo = com_robos()
    Quadro.objects.guardar(robo.pk, JPEG, tempo.agora)
    for group, url in (("Operadores", "/"), ("Leitores", "/?telas=1")):
        assert "tela.jpg" not in como(group).get(url).content.decode()
        assert not Processo.objects.exclude(watch_until=None).exists(), "nobody asked: no robot shows its screen"
    html = como("Operadores").get("/?telas=1").content.decode()
    assert f"/robos/{robo.uuid}/tela.jpg?v=1" in html and "Aguardando a primeira imagem" in html
    assert "Esconder telas" in html and "telas=1&amp;v=" in html.replace("&amp;f=", "")
    assert Processo.objects.exclude(watch_until=None).count() == 2


@pytest.mark.parametrize("n", [2, 40])
def test_the_screens_cost_one_statement_each_few_seconds_whatever_the_number_of_robots(n: int, tempo: Any) -> None:
    batch = nova_execucao(n, max_robots=n)
    for _ in range(n):
        Quadro.objects.guardar(novo_robo(batch).pk, JPEG, tempo.agora)
    client, counts = como("Operadores"), []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            html = client.get("/?telas=1").content.decode()
        counts.append(len(captured) - AUTH_QUERIES)
        assert html.count("data-tela=") == n
        assert not [query for query in captured.captured_queries if '"jpeg"' in query["sql"]]
    assert counts == [6, 5]


def test_polls_of_one_second_share_a_look_and_an_opened_page_takes_its_own(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.views.painel._partilha", Partilha())
    settings.POLL_SHARED_SECONDS = 60
    clients = [como("Operadores"), como("Operadores")]
    user, reader = pessoa(), Client()
    user.user_permissions.add(Permission.objects.get(codename="view_execucao"))
    reader.force_login(user)
    assert "Nada a fazer" in clients[0].get("/", headers=HTMX).content.decode()
    nova_execucao(1, titulo="Recém-chegada")
    with CaptureQueriesContext(connection) as captured:
        shared = clients[1].get("/", headers=HTMX).content.decode()
    assert "Recém-chegada" not in shared and len(captured) == AUTH_QUERIES
    assert "Recém-chegada" in reader.get("/", headers=HTMX).content.decode()  # who may see less shares with his equals
    assert "Recém-chegada" in clients[1].get("/").content.decode()
    settings.POLL_SHARED_SECONDS = 0
    assert "Recém-chegada" in clients[1].get("/", headers=HTMX).content.decode()


def _com_respostas(*respostas: Resultado, falhas: int = 0) -> Execucao:
    """At work, with these answers and so many failures, one item in hand and one pending."""
    batch = nova_execucao(len(respostas) + falhas + 2, max_robots=2)
    robo = novo_robo(batch)
    for answer in respostas:
        tomado(batch, robo).concluir(Resposta(answer))
    for _ in range(falhas):
        tomado(batch, robo).falhar("tempo_esgotado", "Passou de 20 s.")
    tomado(batch, robo)
    return batch


def test_the_bar_of_an_execution_at_work_is_split_by_result_and_each_number_leads_to_its_items() -> None:
    batch = _com_respostas(Resultado.PROTOCOLADA, Resultado.PROTOCOLADA, Resultado.POSSIVEL, falhas=1)
    html = como("Leitores").get("/").content.decode()
    assert 'aria-label="2 protocoladas, 1 a conferir, 1 falha, 1 em andamento, 1 pendente"' in html
    assert f'href="/execucoes/{batch.pk}/?resultado=a_conferir#itens"' in html


def test_beyond_a_number_of_answers_the_bar_goes_by_the_counters_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _com_respostas(Resultado.PROTOCOLADA, Resultado.NAO_LOCALIZADA)
    monkeypatch.setattr("executions.views.painel.CONTADAS", 1)
    assert 'aria-label="2 respondidos, 1 em andamento, 1 pendente"' in como("Leitores").get("/").content.decode()


def test_the_commonest_failure_is_named_and_can_be_done_again_by_who_may() -> None:
    batch = _com_respostas(falhas=2)
    link = f'href="/execucoes/{batch.pk}/reabrir/confirmar?erro=tempo_esgotado"'
    seen = como("Leitores").get("/").content.decode()
    assert "2 falhas por tempo esgotado." in seen and link not in seen
    client = como("Operadores")
    assert link in client.get("/").content.decode()
    assert "Reprocessar 2" in client.get(link[6:-1]).content.decode()
