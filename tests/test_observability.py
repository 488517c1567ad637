"""What monitoring asks: alive, ready, how everything is, and the figures. Nothing is told to who may not know."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from executions import clock, metricas, prontidao
from executions.models import Batida, Execucao, Host, Processo, Registro
from tests.api import Api
from tests.factories import (
    RESPOSTA,
    em_postgres,
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_portal,
    novo_robo,
    tomado,
)
from tests.pages import como, pagina_leve  # noqa: F401 (a fixture)
from workers import scheduler, watchdog
from workers.watchdog import Watchdog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pagina_leve")]
Amostras = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    metricas.esquecer()


def amostras(texto: str) -> Amostras:
    """(name, labels) -> value, read by Prometheus's own parser."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(texto)
        for sample in family.samples
    }


def medidas() -> Amostras:
    metricas.esquecer()
    response = Api("view_host").get("/metrics")
    assert response.status_code == 200, response.content
    return amostras(response.content.decode())


# ---- ready ----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_ready_writes_one_row_and_says_ok_to_anybody() -> None:
    response = Client().get("/healthz/ready")
    assert (response.status_code, response.content.decode()) == (200, "ok")
    assert Batida.objects.get().obra == "prontidao"
    first = Batida.objects.get().at
    Client().get("/healthz/ready")
    assert Batida.objects.get().at > first


@pytest.mark.django_db(transaction=True)
def test_ready_is_503_within_a_second_or_so_while_the_database_takes_no_write() -> None:
    Batida.bater("prontidao")
    began = timezone.now()
    with _writer_in_the_way():
        response = Client().get("/healthz/ready")
    assert (response.status_code, response.content.decode()) == (503, "indisponível")
    assert timezone.now() - began < timedelta(seconds=4)
    _until_the_probe_is_over()
    assert Client().get("/healthz/ready").status_code == 200


class _writer_in_the_way:
    """Another connection that holds what the probe writes."""

    def __enter__(self) -> None:
        self.done, ready = threading.Event(), threading.Event()

        def hold() -> None:
            with connection.cursor() as cursor:
                cursor.execute("BEGIN" if em_postgres() else "BEGIN IMMEDIATE")
                cursor.execute("UPDATE batidas SET at = at")
                ready.set()
                self.done.wait(20)
                cursor.execute("ROLLBACK")
            connection.close()

        self.thread = threading.Thread(target=hold)
        self.thread.start()
        assert ready.wait(10)

    def __exit__(self, *args: Any) -> None:
        self.done.set()
        self.thread.join()


def _until_the_probe_is_over() -> None:
    thread = prontidao._sonda._thread
    assert thread
    thread.join(10)


def test_probes_that_come_while_one_hangs_start_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    go, started = threading.Event(), []

    def hang(wrote: list[bool]) -> None:
        started.append(1)
        go.wait(10)
        wrote.append(True)

    monkeypatch.setattr(prontidao, "LIMIT_SECONDS", 0.05)
    sonda = prontidao.Sonda()
    monkeypatch.setattr(sonda, "_work", hang)
    assert [sonda.escreve() for _ in range(3)] == [False, False, False]
    assert len(started) == 1
    go.set()
    monkeypatch.setattr(prontidao, "LIMIT_SECONDS", 10)
    assert sonda.escreve() is True


@pytest.mark.parametrize(("where", "value"), [("disco.livre", 5.0), ("migrado", False)])
def test_ready_is_503_without_disk_or_with_a_migration_missing(where: str, value: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(prontidao._sonda, "escreve", lambda: True)
    assert Client().get("/healthz/ready").status_code == 200
    monkeypatch.setattr(f"executions.prontidao.{where}", lambda: value)
    response = Client().get("/healthz/ready")
    assert (response.status_code, response.content.decode()) == (503, "indisponível")


def test_a_missing_migration_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prontidao, "_migrado", False)
    assert prontidao.migrado() is True
    monkeypatch.setattr(prontidao, "_migrado", False)
    with connection.cursor() as cursor:
        last = "(SELECT max(name) FROM django_migrations WHERE app = 'executions')"
        cursor.execute(f"DELETE FROM django_migrations WHERE app = 'executions' AND name = {last}")
    assert prontidao.migrado() is False


def test_live_and_ready_are_answered_over_plain_http(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SECURE_SSL_REDIRECT = True
    monkeypatch.setattr(prontidao, "faltas", list)
    assert [Client().get(f"/healthz/{kind}").status_code for kind in ("live", "ready", "sistema")] == [200, 200, 301]


# ---- who may ask ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/healthz/sistema", "/metrics"])
def test_only_who_may_see_the_hosts_is_told(path: str) -> None:
    assert Client().get(path).status_code == 401
    assert Api(texto="cr_errado").get(path).status_code == 401
    assert Api("view_execucao").get(path).status_code == 403
    assert Api("view_host").get(path).status_code == 200
    assert como("Leitores").get(path).status_code == 200
    assert como("").get(path).status_code == 403
    assert como("Leitores").post(path).status_code == 405


def test_the_scraper_may_have_a_secret_of_its_own(settings: Any) -> None:
    settings.METRICS_TOKEN = "segredo-do-prometheus"
    bearer = {"authorization": "Bearer segredo-do-prometheus"}
    assert Client(headers=bearer).get("/metrics").status_code == 200
    assert Client(headers=bearer).get("/healthz/sistema").status_code == 401
    assert Client(headers={"authorization": "Bearer outro"}).get("/metrics").status_code == 401
    settings.METRICS_TOKEN = ""
    assert Client(headers={"authorization": "Bearer "}).get("/metrics").status_code == 401


# ---- the system -----------------------------------------------------------------------------------------------------
def test_the_system_tells_of_hosts_loops_robots_portals_and_clocks(tempo: Any) -> None:
    scheduler.step()
    Watchdog().step()
    host = novo_host(nome="maquina-a", canary_at=clock.db_now(), places=3)
    robo = novo_robo(nova_execucao(2), host)
    robo.execucao.portal.abrir_disjuntor()
    tempo.avancar(61)
    host.bater(disco_livre=40.0)
    told = Api("view_host").get("/healthz/sistema").json()
    assert told["agendador"] == {"idade_s": 61.0, "em_dia": False}
    Batida.bater("watchdog")
    told = Api("view_host").get("/healthz/sistema").json()
    assert told["watchdog"] == {"idade_s": 0.0, "em_dia": True}
    (machine,) = told["maquinas"]
    assert (machine["nome"], machine["ligada"], machine["lugares"]) == ("maquina-a", True, 3)
    assert machine["canario"] == {"idade_s": 61.0, "em_dia": True}
    assert machine["disco_livre_percentual"] == 40.0
    assert told["robos"]["running"] == 1
    (portal,) = told["portais"]
    assert (portal["codigo"], portal["no_ar"], portal["desde_s"]) == (robo.execucao.portal.slug, False, 61.0)
    assert told["banco"]["tipo"] == connection.vendor


def test_nothing_has_run_yet_is_not_a_fault_of_the_answer() -> None:
    told = Api("view_host").get("/healthz/sistema").json()
    assert (told["maquinas"], told["agendador"]) == ([], {"idade_s": None, "em_dia": False})


# ---- the figures ----------------------------------------------------------------------------------------------------
def test_the_figures_are_those_of_the_database(tempo: Any) -> None:
    host = novo_host(nome="maquina-a", canary_at=clock.db_now())
    lote = nova_execucao(5, max_robots=3)
    a, b = novo_robo(lote, host), novo_robo(lote, host)
    item = tomado(lote, a)
    tempo.avancar(3)
    item.concluir(RESPOSTA)
    tomado(lote, a).falhar("layout_mudou", "mudou")
    tomado(lote, a).expirar(dono_morto=True)
    tomado(lote, b)
    tempo.avancar(61)
    assert watchdog.expired(clock.db_now()) == 1
    Batida.bater("watchdog")
    Registro.objects.anotar("barrado", "x")
    Processo.objects.filter(pk=b.pk).update(motivo="cercado")
    tempo.avancar(10)
    found = medidas()
    assert found["robo_execucoes", (("status", "running"),)] == 1
    assert found["robo_itens", (("status", "done"),)] == found["robo_itens", (("status", "failed"),)] == 1
    assert found["robo_itens", (("status", "pending"),)] == 3
    assert found["robo_item_espera_segundos", ()] == 74
    assert found["robo_tentativas_total", (("erro_classe", "layout_mudou"),)] == 1
    assert found["robo_tentativas_total", (("erro_classe", "robo_perdido"),)] == 1
    assert found["robo_leases_expirados_total", ()] == 1
    assert found["robo_veneno_total", ()] == 0
    assert found["robo_escritas_barradas_total", ()] == 2
    assert found["robo_robos", (("estado", "running"), ("host", "maquina-a"))] == 2
    answered = (("quantil", "0.5"), ("resultado", "nao_localizada"))
    assert found["robo_item_duracao_segundos", answered] == 3
    assert found["robo_heartbeat_idade_segundos", (("host", "maquina-a"),)] == 74
    assert found["robo_watchdog_idade_segundos", ()] == 10
    assert found["robo_portal_disponivel", (("portal", lote.portal.slug),)] == 1
    assert found["robo_disco_livre_bytes", (("vol", "var"),)] > 0


def test_a_paused_execution_waits_for_nobody(tempo: Any) -> None:
    lote = nova_execucao(1)
    tempo.avancar(30)
    assert medidas()["robo_item_espera_segundos", ()] == 30
    lote.pausar()
    assert medidas()["robo_item_espera_segundos", ()] == 0


def test_a_scrape_costs_as_many_queries_for_300_rows_as_for_1(django_assert_max_num_queries: Any) -> None:
    counts = []
    credencial = nova_credencial()
    for n in (1, 299):
        for i in range(min(n, 20)):
            robo = novo_robo(nova_execucao(2, credencial=credencial), novo_host())
            tomado(robo.execucao, robo).concluir(RESPOSTA)
            novo_portal(slug=f"portal-de-{n}-{i}")
        nova_execucao(n, credencial=credencial)
        Registro.objects.bulk_create(Registro(at=clock.db_now(), evento="barrado", mensagem="x") for _ in range(n))
        metricas.esquecer()
        with django_assert_max_num_queries(20) as captured:
            metricas.texto()
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_database_is_asked_once_in_five_seconds(
    django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(metricas.time, "monotonic", lambda: now)
    first = metricas.texto()
    nova_execucao(1)
    with django_assert_num_queries(0):
        assert metricas.texto() == first
    now += 5
    assert metricas.texto() != first


def test_no_label_names_a_file_a_person_or_a_process() -> None:
    lote = nova_execucao(1)
    robo = novo_robo(lote)
    tomado(lote, robo)
    labels = {name for _, pairs in medidas() for name, _ in pairs}
    assert labels <= {"status", "resultado", "quantil", "erro_classe", "estado", "host", "portal", "vol", "obra"}
    assert Execucao.objects.exists() and Host.objects.exists()


# ---- failed logins --------------------------------------------------------------------------------------------------
def test_a_failed_login_is_kept_without_the_password_and_without_an_unknown_name() -> None:
    como("Leitores")
    known = str(Registro.objects.model.usuario.field.related_model.objects.get().username)  # type: ignore[attr-defined]
    client = Client(REMOTE_ADDR="10.1.2.3")
    client.post("/entrar/", {"username": known, "password": "senha-errada"})
    client.post("/entrar/", {"username": "minha-senha-no-campo-errado", "password": "x"})
    lines = list(Registro.objects.filter(evento="login_falhou").order_by("id").values_list("mensagem", flat=True))
    assert lines == [
        f"Login recusado da conta {known}, de 10.1.2.3.",
        "Login recusado de uma conta que não existe, de 10.1.2.3.",
    ]
    assert medidas()["robo_logins_falhos_total", ()] == 2


def test_a_guessing_machine_does_not_fill_the_table(tempo: Any) -> None:
    for _ in range(25):
        Client().login(username="ninguem", password="x")
    assert Registro.objects.filter(evento="login_falhou").count() == 20
    tempo.avancar(61)
    Client().login(username="ninguem", password="x")
    assert Registro.objects.filter(evento="login_falhou").count() == 21
