"""Each figure that Prometheus scrapes: that it is there, described, and right."""

import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.db import OperationalError

from executions import clock, metricas, queue
from executions.models import Aviso, Batida, Destino, Execucao, JobItem, Medida, Registro
from executions.models.medida import Medidor
from tests.factories import RESPOSTA, in_threads, nova_execucao, novo_host, novo_portal, novo_robo, tomado
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from tests.test_observability import medidas
from workers.errors import TempoEsgotado
from workers.life import Life
from workers.robots.peticoes import VerificadorPeticoes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pagina_leve")]


# ---- the names ------------------------------------------------------------------------------------------------------
EXIGIDAS = """
robo_execucoes robo_itens robo_item_espera_segundos robo_item_duracao_segundos robo_claims_total robo_claim_segundos
robo_leases_expirados_total robo_escritas_barradas_total robo_tentativas_total robo_veneno_total robo_robos
robo_processos_orfaos robo_heartbeat_idade_segundos robo_agendador_idade_segundos robo_watchdog_idade_segundos
robo_canario_q2_idade_segundos robo_fila_q2 robo_portal_disponivel robo_portal_latencia_segundos robo_disjuntor_estado
robo_contadores_divergentes_total robo_db_bloqueio_segundos robo_disco_livre_bytes robo_logins_falhos_total
robo_webhook_falhas_total
"""


def test_every_name_is_exported_and_described_and_no_other() -> None:
    metricas.esquecer()
    exported = re.findall(r"^# TYPE (\S+)", metricas.texto().decode(), re.MULTILINE)
    table = (settings.BASE_DIR / "docs" / "observability.md").read_text().partition("## Metrics")[2].partition("## ")[0]
    described = re.findall(r"`(robo_\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    assert sorted(exported) == sorted(described) == sorted(re.split(r"\s", EXIGIDAS.strip()))


def test_hosts_loops_breakers_and_what_went_wrong_are_told_by_their_values(tempo: Any) -> None:
    host = novo_host(nome="maquina-a", canary_at=clock.db_now(), orfaos=2)
    novo_host(nome="maquina-b")
    queue.send_supervise("x", host.nome)
    queue.send_supervise("y", host.nome)
    Batida.bater("agendador")
    down, up = novo_portal(), novo_portal()
    down.abrir_disjuntor()
    Registro.objects.anotar("contadores", "x")
    place = Destino.objects.create(nome="destino")
    for end in ({"falhou_em": clock.db_now()}, {"sent_at": clock.db_now()}):
        Aviso.objects.create(destino=place, **end)
    tempo.avancar(7)
    found = medidas()
    a, b = (("host", "maquina-a"),), (("host", "maquina-b"),)
    assert (found["robo_processos_orfaos", a], found["robo_processos_orfaos", b]) == (2, 0)
    assert (found["robo_fila_q2", a], found["robo_fila_q2", b]) == (2, 0)
    assert found["robo_canario_q2_idade_segundos", a] == found["robo_agendador_idade_segundos", ()] == 7
    assert ("robo_canario_q2_idade_segundos", b) not in found, "an age that nobody knows is not zero"
    states = [(found["robo_disjuntor_estado", (("portal", p.slug),)]) for p in (down, up)]
    assert states == [1, 0]
    assert found["robo_portal_disponivel", (("portal", down.slug),)] == 0
    assert found["robo_contadores_divergentes_total", ()] == found["robo_webhook_falhas_total", ()] == 1


# ---- what the robots add up -----------------------------------------------------------------------------------------
@pytest.fixture
def medidor(monkeypatch: pytest.MonkeyPatch) -> Medidor:
    """A robot's own, with nothing in it."""
    mine = Medidor()
    for module in ("executions.models.job_item_queryset", "workers.robots.peticoes", "workers.life"):
        monkeypatch.setattr(f"{module}.medidor", mine)
    return mine


def test_claims_are_told_by_result_and_outlive_their_robots_history(
    medidor: Medidor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lote = nova_execucao(2, max_robots=1)
    a, b = novo_robo(lote), novo_robo(lote)
    item = tomado(lote, a)
    assert JobItem.objects.tentar_iniciar(lote, b) is None
    item.concluir(RESPOSTA)
    tomado(lote, b).concluir(RESPOSTA)
    assert JobItem.objects.tentar_iniciar(lote, a) is None
    with monkeypatch.context() as broken, pytest.raises(OperationalError):
        broken.setattr(JobItem, "tomar", mock.Mock(side_effect=OperationalError))
        JobItem.objects.tentar_iniciar(nova := nova_execucao(1), novo_robo(nova))
    medidor.gravar()
    medidor.gravar()  # adds nothing twice
    Execucao.objects.all().delete()
    found = medidas()
    claims = {r: found["robo_claims_total", (("resultado", r),)] for r in ("ok", "cheio", "vazio", "erro")}
    assert claims == {"ok": 2, "cheio": 1, "vazio": 1, "erro": 1}
    assert found["robo_claim_segundos_count", ()] == 5
    assert found["robo_claim_segundos_sum", ()] > 0


def test_a_visit_s_time_is_told_by_portal_with_or_without_an_answer(medidor: Medidor) -> None:
    lote = nova_execucao(2)
    robot = VerificadorPeticoes(lote, Path(), lambda step: None)
    robot._failed = set()
    robot.adapter = mock.Mock()
    robot.adapter.visitar.side_effect = [TempoEsgotado("x"), mock.Mock(numero="caso-1")]
    a, b = lote.itens.order_by("ordem")
    with pytest.raises(TempoEsgotado):
        robot.processar(a)
    robot.processar(b)
    robot.processar(b)  # from the visit before
    medidor.gravar()
    found = medidas()
    assert found["robo_portal_latencia_segundos_count", (("portal", lote.portal.slug),)] == 2
    assert found["robo_portal_latencia_segundos_sum", (("portal", lote.portal.slug),)] > 0


def test_what_a_robot_counted_is_added_with_its_heartbeat(medidor: Medidor) -> None:
    robo = novo_robo(nova_execucao(1))
    tomado(robo.execucao, robo)
    Life(robo)._beat()
    assert Medida.somas("tomada")["ok"][0] == 1


def test_a_database_that_refuses_leaves_the_sums_for_the_next_time(
    medidor: Medidor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with medidor.tomada(), medidor.visita("projudi"):
        pass
    with monkeypatch.context() as broken, pytest.raises(OperationalError):
        broken.setattr(Medida, "somar", mock.Mock(side_effect=[None, OperationalError]))
        medidor.gravar()
    medidor.gravar()
    assert {**Medida.somas("tomada"), **Medida.somas("visita")}.keys() == {"vazio"}, "what was added is not added again"
    with medidor.tomada():
        pass
    medidor.gravar()
    assert Medida.somas("tomada")["vazio"][0] == 2


@pytest.mark.django_db(transaction=True)
def test_robots_that_add_at_once_lose_nothing() -> None:
    def add(_: int) -> None:
        mine = Medidor()
        for _n in range(5):
            with mine.tomada() as claim:
                claim.resultado = "ok"
            mine.gravar()

    in_threads(4, add)
    assert Medida.somas("tomada")["ok"][0] == 20


def test_how_long_a_loop_s_write_waited_for_the_database_is_told_by_its_next(
    tempo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Batida, "_took", {})
    Batida.bater("watchdog")
    assert not [name for name, _ in medidas() if name == "robo_db_bloqueio_segundos"]
    Batida._took["watchdog"] = 3.5
    Batida.bater("watchdog")
    assert 0 < Batida._took["watchdog"] < 3.5
    assert medidas()["robo_db_bloqueio_segundos", (("obra", "watchdog"),)] == 3.5
    tempo.avancar(301)
    assert not [name for name, _ in medidas() if name == "robo_db_bloqueio_segundos"]
