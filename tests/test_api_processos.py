"""The first seed document's routes: scripts."""

import uuid

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from executions import scripts
from executions.models import Processo, Registro
from tests import factories
from tests.api import TODAS, Api, certo, http, novo_script, problema, script_vivo, usuario  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(*TODAS)


def test_a_start_is_accepted_once_and_the_second_is_409_in_the_seeds_words(api: Api, settings, tmp_path) -> None:
    factories.novo_host(nome="maquina-x")
    row = novo_script(settings, tmp_path)
    body = {"script": row.nome, "params": {}, "timeout": 30}
    made = certo(api.post("/api/processos/executar", body), 202)
    processo = Processo.objects.get()
    assert (made["uuid"], made["host"], made["status"]) == (str(processo.uuid), "maquina-x", "requested")
    assert (processo.timeout_s, processo.usuario.tokens_api.count()) == (30, 1)
    said = problema(api.post("/api/processos/executar", body), 409)
    assert (said["detail"], said["pid"], said["uuid"]) == ("Script já está na fila", None, made["uuid"])
    assert processo.iniciar() and processo.rodar(pid=777, start_ticks=1, boot_id="b", pasta="")
    said = problema(api.post("/api/processos/executar", body), 409)
    assert (said["detail"], said["pid"]) == ("Script já está em execução (PID: 777)", 777)
    assert Processo.objects.count() == 1
    assert Registro.objects.filter(evento="script_pedido", usuario=processo.usuario).count() == 1


def test_what_cannot_be_started_is_refused_with_its_reason(api: Api, settings, tmp_path) -> None:
    declared = [{"nome": "n", "tipo": "numero", "minimo": 1}]
    row = novo_script(settings, tmp_path, parametros=declared)

    def refused(status: int = 422, **body) -> str:
        return problema(api.post("/api/processos/executar", {"script": row.nome} | body), status)["detail"]

    assert "Não há script" in refused(404, script="nada.py")
    assert "mínimo é 1" in refused(params={"n": 0})
    assert "desconhecido" in refused(params={"outro": 1})
    assert "controle" in refused(params={"n": "\0"}) and refused(params={"n": [1]}) and refused(params=[])
    assert refused(params={"\ud800": 1}) and refused(params={"n": 10**400}) and refused(params={"n": True})
    assert "mínimo é 1" in refused(timeout=0) and "máximo" in refused(timeout=8 * 86400)
    assert "número inteiro" in refused(timeout="dez") and refused(timeout=1.5) and refused(timeout=True)
    assert refused(script="") and refused(script=None) and refused(script="x" * 101)
    (tmp_path / row.arquivo).write_text("mudou")
    assert "mudou" in refused()
    row.ativo = False
    row.save()
    assert "desativado" in refused()
    row.quem_pode.add(Group.objects.create(name="outros"))
    assert "não pode executar" in refused(403)
    assert not Processo.objects.exists() and not Registro.objects.exclude(evento="token_criado").exists()


def test_the_list_has_the_living_with_the_seeds_names(api: Api, settings, tmp_path) -> None:
    assert certo(api.get("/api/processos")) == []
    row = novo_script(settings, tmp_path)
    vivo = script_vivo(row, pid=4242)
    Processo.objects.filter(pk=vivo.pk).update(cpu=12.5, rss=1_000_000, progresso=40.0, passo="metade")
    factories.novo_robo(factories.nova_execucao(1))
    (found,) = certo(api.get("/api/processos"))
    assert found["elapsed"] >= 0
    named = ("script", "pid", "running", "exit_code", "cpu", "memory", "progresso", "passo", "uuid", "timeout")
    expected = (row.nome, 4242, True, None, 12.5, 1_000_000, 40.0, "metade", str(vivo.uuid), 600)
    assert tuple(found[name] for name in named) == expected


def test_matar_kills_the_one_and_twice_changes_nothing(api: Api, settings, tmp_path) -> None:
    row, other = novo_script(settings, tmp_path), novo_script(settings, tmp_path)
    vivo = script_vivo(row, pid=4242)
    said = certo(api.post("/api/processos/matar", {"script": row.nome}))
    assert (said["encerrado"], said["pid"], said["uuid"]) == (True, 4242, str(vivo.uuid))
    vivo.refresh_from_db()
    asked = vivo.kill_requested_at
    assert asked and vivo.kill_requested_by
    again = certo(api.post("/api/processos/matar", {"script": row.nome}))
    vivo.refresh_from_db()
    assert (again["encerrado"], vivo.kill_requested_at) == (False, asked) and "já foi pedido" in again["mensagem"]
    assert Registro.objects.filter(evento="script_encerrado").count() == 1
    idle = certo(api.post("/api/processos/matar", {"script": other.nome}))
    assert (idle["encerrado"], idle["pid"]) == (False, None) and "não está em execução" in idle["mensagem"]
    assert problema(api.post("/api/processos/matar", {"script": "nada.py"}), 404)


def test_who_may_not_run_a_script_may_not_kill_it_unless_he_may_end_all(api: Api, settings, tmp_path) -> None:
    row = novo_script(settings, tmp_path)
    vivo = script_vivo(row)
    row.quem_pode.add(Group.objects.create(name="outros"))
    assert problema(Api("executar_script").post("/api/processos/matar", {"script": row.nome}), 403)
    vivo.refresh_from_db()
    assert vivo.kill_requested_at is None
    assert certo(api.post("/api/processos/matar", {"script": row.nome}))["encerrado"]


def test_matar_todos_kills_scripts_alone_and_twice_changes_nothing(api: Api, settings, tmp_path) -> None:
    vivos = [script_vivo(novo_script(settings, tmp_path), pid=n) for n in (11, 12)][:1]
    robo = factories.novo_robo(factories.nova_execucao(1))
    said = certo(api.post("/api/processos/matar-todos"))
    assert said["encerrados"] == 2
    lines = Registro.objects.count()
    again = certo(api.post("/api/processos/matar-todos"))
    assert again["encerrados"] == 0 and Registro.objects.count() == lines
    assert "a 2 scripts." in said["mensagem"] and "Nada mudou" in again["mensagem"]
    script_vivo(novo_script(settings, tmp_path), pid=13)
    assert "a 1 script." in certo(api.post("/api/processos/matar-todos"))["mensagem"]
    robo.refresh_from_db()
    vivos[0].refresh_from_db()
    assert robo.kill_requested_at is None and vivos[0].kill_requested_at


def test_one_process_with_the_tail_of_its_log(api: Api, settings, tmp_path) -> None:
    row = novo_script(settings, tmp_path)
    vivo = script_vivo(row)
    for n in range(30):
        vivo.saidas.create(n=n, at=vivo.requested_at, canal="out", texto=f"linha {n}\n" + "x" * 1000)
    found = certo(api.get(f"/api/processos/{vivo.uuid}"))
    assert len(found["log"]) == 20_000 and found["log_cortado"] and "linha 29" in found["log"]
    assert "linha 1\n" not in found["log"] and (found["status"], found["running"]) == ("running", True)
    assert vivo.terminar("exited", exit_code=3, motivo="falha")
    ended = certo(api.get(f"/api/processos/{vivo.uuid}"))
    assert (ended["exit_code"], ended["running"], ended["motivo"], ended["razao"]) == (3, False, "falha", "Falhou.")
    assert certo(Api("view_processo").get(f"/api/processos/{vivo.uuid}"))["log"] is None
    assert problema(api.get(f"/api/processos/{uuid.uuid4()}"), 404)
    robo = factories.novo_robo(factories.nova_execucao(1))
    assert problema(api.get(f"/api/processos/{robo.uuid}"), 404)


def test_one_that_waits_says_for_what(api: Api, settings, tmp_path) -> None:
    row = novo_script(settings, tmp_path)
    made = certo(api.post("/api/processos/executar", {"script": row.nome}), 202)
    assert "Nenhuma máquina" in certo(api.get(f"/api/processos/{made['uuid']}"))["espera"]
    assert "Nenhuma máquina" in certo(api.get("/api/processos"))[0]["espera"]
    factories.novo_host(script_places=0)
    assert certo(api.get(f"/api/processos/{made['uuid']}"))["espera"] == "Espera um lugar numa máquina."


def test_the_list_costs_the_same_for_one_and_for_many(api: Api, settings, tmp_path) -> None:
    cost = []
    for n in (1, 2, 3):
        script_vivo(novo_script(settings, tmp_path), pid=n)
        with CaptureQueriesContext(connection) as queries:
            assert len(certo(api.get("/api/processos"))) == n
        cost.append(len(queries))
    assert cost[1] == cost[2]


def test_a_start_that_loses_the_race_for_the_index_is_409(api: Api, settings, tmp_path, monkeypatch) -> None:
    row = novo_script(settings, tmp_path)
    script_vivo(row, pid=99)

    def blind(*args, **kwargs):
        raise IntegrityError

    monkeypatch.setattr(scripts.Controle, "lock", blind)
    said = problema(api.post("/api/processos/executar", {"script": row.nome}), 409)
    assert said["detail"] == "Script já está em execução (PID: 99)"
    Processo.objects.get().terminar("exited", motivo="concluido")  # between the index's refusal and the question
    said = problema(api.post("/api/processos/executar", {"script": row.nome}), 422)
    assert said["detail"] == "Outra execução deste script acabou agora mesmo. Tente de novo."
