"""The second seed document's routes: starting, listing and ending robots."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.models import Credencial, Execucao, Processo, Registro
from tests import factories
from tests.api import TODAS, Api, certo, http, novo_script, problema, script_vivo  # noqa: F401
from tests.factories import contadores, nova_execucao, novo_host, novo_robo, retrato, tomado

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(*TODAS)


def test_start_worker_asks_for_the_robots_of_the_next_open_execution(api: Api) -> None:
    novo_host()
    first, second = nova_execucao(4, max_robots=2), nova_execucao(4)
    said = certo(api.post("/start-worker"))
    assert (said["execucao"], said["iniciado"], said["robots"], said["ja_em_execucao"]) == (first.pk, True, 2, False)
    before = retrato(first)
    again = certo(api.post("/start-worker"))
    assert (again["execucao"], again["iniciado"], again["ja_em_execucao"]) == (first.pk, False, True)
    assert "já está em execução" in again["mensagem"] and retrato(first) == before
    other = certo(api.post("/start-worker", {"execucao": second.pk}))
    assert (other["iniciado"], other["espera"]) == (False, "vez") and "Aguarda a vez" in other["mensagem"]
    assert Registro.objects.filter(evento="iniciada", usuario__isnull=False).count() == 1


def test_start_worker_of_one_execution(api: Api) -> None:
    novo_host()
    nova_execucao(1)
    chosen = nova_execucao(1)
    assert certo(api.post("/start-worker", {"execucao": chosen.pk}))["iniciado"]
    assert Processo.objects.get().execucao == chosen
    assert "já está em execução" in certo(api.post("/start-worker", {"execucao": chosen.pk}))["mensagem"]
    chosen.encerrar()
    Processo.objects.update(status="killed")
    ended = certo(api.post("/start-worker", {"execucao": chosen.pk}))
    assert (ended["iniciado"], ended["espera"]) == (False, "terminada") and "terminou" in ended["mensagem"]
    assert problema(api.post("/start-worker", {"execucao": chosen.pk + 1}), 404)


def test_start_worker_passes_over_those_that_cannot_and_says_why_when_none_can(api: Api) -> None:
    assert "Não há execução aberta" in certo(api.post("/start-worker"))["mensagem"]
    paused = nova_execucao(1)
    paused.pausar()
    assert "Não há execução aberta" in certo(api.post("/start-worker"))["mensagem"]
    waiting = nova_execucao(1)
    said = certo(api.post("/start-worker"))
    assert (said["execucao"], said["iniciado"], said["espera"]) == (waiting.pk, False, "sem_maquina")
    assert "Nenhuma máquina" in said["aviso"] and "Nenhuma máquina" in said["mensagem"]
    novo_host()
    Credencial.objects.filter(pk=waiting.credencial_id).update(livre_em="2999-01-01T00:00:00Z")
    ready = nova_execucao(1)
    assert certo(api.post("/start-worker"))["execucao"] == ready.pk


def test_the_robots_of_all_machines(api: Api) -> None:
    batch = nova_execucao(4, max_robots=3)
    one, two = novo_robo(batch, novo_host(nome="a")), novo_robo(batch, novo_host(nome="b"))
    Processo.objects.filter(pk=one.pk).update(rss=5_000_000, cpu=3.0, passo="busca")
    item = tomado(batch, one)
    said = certo(api.get("/robots"))
    assert said["maquinas"] == ["a", "b"] and said["aviso"] == ""
    first, second = said["robots"]
    assert first["item"] == {"id": item.pk, "ordem": 1, "arquivo": "arquivo-0.pdf", "processo": "caso-0"}
    assert (first["worker_id"], first["host"], first["pid"]) == (str(one.uuid), "a", one.pid)
    assert (first["memory"], first["execucao"], first["passo"]) == (5_000_000, batch.pk, "busca")
    assert first["heartbeat_age"] >= 0 and (second["host"], second["item"]) == ("b", None)
    two.terminar("exited", motivo="concluido")
    assert len(certo(api.get("/robots"))["robots"]) == 1


def test_the_list_costs_the_same_for_one_and_for_many(api: Api) -> None:
    batch, cost = nova_execucao(9, max_robots=9), []
    for n in (1, 2, 3):
        tomado(batch)
        with CaptureQueriesContext(connection) as queries:
            assert len(certo(api.get("/robots"))["robots"]) == n
        cost.append(len(queries))
    assert cost[1] == cost[2]


def test_kill_ends_one_robot_and_twice_changes_nothing(api: Api) -> None:
    batch = nova_execucao(4, max_robots=2)
    one, other = novo_robo(batch), novo_robo(batch)
    item = tomado(batch, one)
    said = certo(api.post("/robots/kill", {"worker_id": str(one.uuid)}))
    assert (said["encerrado"], said["worker_id"]) == (True, str(one.uuid))
    item.refresh_from_db()
    batch.refresh_from_db()
    assert (item.status, item.erro_classe, batch.max_robots) == ("failed", "encerrado", 1)
    before = retrato(batch)
    again = certo(api.post("/robots/kill", {"worker_id": str(one.uuid)}))
    assert not again["encerrado"] and "Nada mudou" in again["mensagem"] and retrato(batch) == before
    other.refresh_from_db()
    assert other.kill_requested_at is None
    assert Registro.objects.filter(evento="robo_encerrado", usuario__isnull=False).count() == 1


def test_kill_by_pid_looks_only_at_living_robots_of_ours(api: Api, settings, tmp_path) -> None:
    batch = nova_execucao(4, max_robots=3)
    a, b, c = novo_host(nome="a"), novo_host(nome="b"), novo_host(nome="c")
    twins = [novo_robo(batch, host, pid=500) for host in (a, b)]
    alone = novo_robo(batch, c, pid=600)
    assert "host" in problema(api.post("/robots/kill", {"pid": 500}), 422)["detail"]
    assert certo(api.post("/robots/kill", {"pid": 500, "host": "b"}))["worker_id"] == str(twins[1].uuid)
    assert certo(api.post("/robots/kill", {"pid": 600}))["encerrado"]
    alone.terminar("killed", motivo="encerrado")
    script_vivo(novo_script(settings, tmp_path), pid=700)
    before = retrato(batch)
    for nobody in ({"pid": 600}, {"pid": 1}, {"pid": 700}, {"pid": 500, "host": "c"}, {"worker_id": str(uuid.uuid4())}):
        assert problema(api.post("/robots/kill", nobody), 404)
    for wrong in ({}, {"pid": 500, "worker_id": str(twins[0].uuid)}, {"pid": 0}, {"pid": "500"}, {"pid": True},
                  {"worker_id": "x"}, {"pid": 2**70}, {"pid": 5, "host": "\0"}):  # fmt: skip
        assert problema(api.post("/robots/kill", wrong), 422)
    assert retrato(batch) == before


def test_kill_workers_ends_everything_and_twice_changes_nothing(api: Api, settings, tmp_path) -> None:
    batches = [nova_execucao(3), nova_execucao(2)]
    item = tomado(batches[0])
    script = script_vivo(novo_script(settings, tmp_path))
    said = certo(api.post("/robots/kill-workers"))
    assert (said["execucoes"], said["processos"]) == (2, 2)
    assert [contadores(batch) for batch in batches] == [(0, 0, 0, 3), (0, 0, 0, 2)]
    assert set(Execucao.objects.values_list("status", flat=True)) == {"error"}
    item.refresh_from_db()
    assert (item.status, item.erro_classe) == ("failed", "encerrado")
    script.refresh_from_db()
    assert script.kill_requested_at and not Processo.objects.vivos().filter(kill_requested_at=None).exists()
    before, lines = [retrato(batch) for batch in batches], Registro.objects.count()
    said = certo(api.post("/robots/kill-workers"))
    assert (said["execucoes"], said["processos"]) == (0, 0) and said["mensagem"].startswith("Nada mudou")
    assert ([retrato(batch) for batch in batches], Registro.objects.count()) == (before, lines)


def test_a_robot_that_is_only_asked_for_has_no_pid_nor_heartbeat(api: Api) -> None:
    novo_host()
    batch = nova_execucao(1)
    api.post("/start-worker")
    (robot,) = certo(api.get("/robots"))["robots"]
    assert (robot["pid"], robot["heartbeat_age"], robot["status"]) == (None, None, "requested")
    assert certo(api.post("/robots/kill", {"worker_id": robot["worker_id"]}))["encerrado"]
    batch.refresh_from_db()
    assert batch.status == "error" and factories.contadores(batch) == (0, 0, 0, 1)
