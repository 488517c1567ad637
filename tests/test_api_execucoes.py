"""POST /enqueue and GET /api/execucoes/<id>: a batch in, its answers out."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions import clock
from executions.models import Destino, Execucao, JobItem, Processo, Registro
from executions.results import Resposta, Resultado
from tests.api import CASE, FILED, TODAS, Api, certo, http, problema  # noqa: F401
from tests.factories import nova_credencial, nova_execucao, novo_host, novo_portal, novo_robo, tomado
from tests.intake_helpers import OUTRO

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n%%EOF"


@pytest.fixture
def api() -> Api:
    return Api(*TODAS)


def test_a_json_list_of_names_becomes_an_execution_and_the_others_get_their_reason(api: Api) -> None:
    credencial = nova_credencial()
    files = [FILED, "sem número.pdf", "", FILED, f"{OUTRO}.docx", "a\0b.pdf", "\ud800.pdf", "x" * 300 + ".pdf"]
    body = {"files": files, "mode": "visible", "robots": 3, "usuario": "maria", "titulo": "Lote", "extra": 1}
    said = certo(api.post("/enqueue", body))
    assert (said["aceitos"], said["status"]) == (1, "queued") and "1 arquivo aceito, 6 rejeitados." in said["mensagem"]
    assert [line["ordem"] for line in said["rejeitados"]] == [2, 3, 4, 5, 6, 7]
    reasons = [line["motivo"] for line in said["rejeitados"]]
    assert "Não encontrei número" in reasons[0] and "repetido" in reasons[1] and ".docx" in reasons[2]
    batch = Execucao.objects.get(pk=said["execucao"])
    assert (batch.mode, batch.max_robots, batch.solicitante, batch.titulo) == ("visible", 3, "maria", "Lote")
    assert (batch.credencial, batch.origem, batch.total_arquivos) == (credencial, "api", 1)
    assert batch.usuario.tokens_api.count() == 1
    assert batch.itens.get().numero_processo == CASE and not Processo.objects.exists()
    assert Registro.objects.get(evento="enfileirada").usuario == batch.usuario


def test_who_is_told_of_the_end_is_named_and_an_unknown_name_enqueues_nothing(api: Api) -> None:
    nova_credencial()
    chosen = [Destino.objects.create(nome=nome, tipo="json", url_cifrada="x") for nome in ("equipe", "chefe", "outro")]
    assert certo(api.post("/enqueue", {"files": [FILED], "avisar": ["equipe", "chefe"]}))
    certo(api.form("/enqueue", {"files": [FILED], "avisar": ["equipe", "chefe"]}))
    certo(api.form("/enqueue", {"files": [FILED], "avisar": '["equipe", "chefe"]'}))
    for batch in Execucao.objects.all():
        assert set(batch.destinos.all()) == set(chosen[:2])
    certo(api.form("/enqueue", {"files": [FILED], "avisar": ""}))
    assert not Execucao.objects.latest("pk").destinos.exists()
    for wrong in (["equipe", "ninguém"], [""], "equipe", [1], [["equipe"]]):
        assert problema(api.post("/enqueue", {"files": [FILED], "avisar": wrong}), 422)
    said = problema(api.form("/enqueue", {"files": [FILED], "avisar": "ninguém"}), 422)
    assert said["detail"] == "Destino desconhecido: ninguém." and Execucao.objects.count() == 4


def test_uploaded_files_are_kept_with_their_content(api: Api) -> None:
    nova_credencial()
    uploads = [SimpleUploadedFile(FILED, PDF), SimpleUploadedFile("foto.png", b"x"), SimpleUploadedFile(FILED, PDF)]
    said = certo(api.form("/enqueue", {"files": uploads, "robots": "2", "mode": "headless", "usuario": "joão"}))
    item = JobItem.objects.get()
    assert (bytes(item.arquivo), item.nome_arquivo, len(item.sha256)) == (PDF, FILED, 64)
    assert [line["arquivo"] for line in said["rejeitados"]] == ["foto.png", FILED]
    assert item.execucao.max_robots == 2 and item.execucao.solicitante == "joão"


@pytest.mark.parametrize("key", ["files", "files[]"])
def test_form_fields_hold_names_one_each_or_a_json_list(api: Api, key: str) -> None:
    nova_credencial()
    names = [FILED, f"{OUTRO}_1234_5678_x.pdf"]
    for value in (names, json.dumps(names)):
        said = certo(api.form("/enqueue", {key: value}))
        assert said["aceitos"] == 2
    single = certo(api.client.post("/enqueue", {key: f"[urgente] {FILED}"}))
    assert single["aceitos"] == 1
    urlencoded = f"files={CASE}&robots=1"
    said = api.client.post("/enqueue", urlencoded, content_type="application/x-www-form-urlencoded")
    assert certo(said)["aceitos"] == 1


def test_when_nothing_is_accepted_nothing_is_queued(api: Api) -> None:
    nova_credencial()
    said = problema(api.post("/enqueue", {"files": ["nada.pdf", "outro.pdf"]}), 422)
    assert [line["ordem"] for line in said["rejeitados"]] == [1, 2] and all(x["motivo"] for x in said["rejeitados"])
    for empty in ({}, {"files": []}, {"files": ["", "  "]}):
        assert "ao menos um arquivo" in problema(api.post("/enqueue", empty), 422)["detail"]
    assert not Execucao.objects.exists() and not Registro.objects.exclude(evento="token_criado").exists()


@pytest.mark.parametrize(
    "fields",
    [{"mode": "outro"}, {"robots": 0}, {"robots": 101}, {"robots": "dois"}, {"robots": True}, {"robots": 2**70},
     {"robots": 1.5}, {"robots": None}, {"usuario": "\0"}, {"usuario": "x" * 151}, {"usuario": 1}, {"titulo": "\ud800"},
     {"portal": "\0"}, {"portal": "nada"}, {"credencial": "nada"}, {"credencial": "\0"}, {"iniciar": "talvez"},
     {"files": FILED}, {"files": [1]}, {"files": [[FILED]]}, {"files": {"a": 1}}, {"files": None}],
)  # fmt: skip
def test_wrong_fields_are_422_and_nothing_is_queued(api: Api, fields) -> None:
    nova_credencial()
    assert problema(api.post("/enqueue", {"files": [FILED]} | fields), 422)
    assert not Execucao.objects.exists()


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("text/plain", b"x", 415), ("application/xml", b"<x/>", 415), ("multipart/form-data", b"x", 400),
     ("multipart/form-data; boundary=" + "é" * 3, b"x", 400), ("application/x-www-form-urlencoded", b"files=%00", 422),
     ("application/x-www-form-urlencoded; charset=utf-16", b"files=a", 400),
     ("application/x-www-form-urlencoded", b"files=%ff%fe", 422), ("multipart/form-data; boundary=a", b"--a\r\n", 422)],
)  # fmt: skip
def test_a_malformed_form_is_a_problem_never_worse(api: Api, kind: str, body: bytes, status: int) -> None:
    nova_credencial()
    assert problema(api.client.generic("POST", "/enqueue", body, content_type=kind), status)


def test_too_many_fields_files_or_names_are_refused(api: Api, settings) -> None:
    nova_credencial()
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS, settings.DATA_UPLOAD_MAX_NUMBER_FILES = 5, 2
    assert problema(api.form("/enqueue", {"files": [f"{n}.pdf" for n in range(6)]}), 413)
    assert problema(api.form("/enqueue", {"files": [SimpleUploadedFile(f"{n}.pdf", b"x") for n in range(3)]}), 413)
    assert problema(api.post("/enqueue", {"files": ["x.pdf"] * 10_001}), 422)


def test_too_big_a_file_is_a_rejected_line_and_is_not_read(api: Api, monkeypatch) -> None:
    nova_credencial()
    monkeypatch.setattr("executions.api.fila.LIMITE_BYTES", 20)
    uploads = [SimpleUploadedFile(FILED, PDF), SimpleUploadedFile(f"{OUTRO}.pdf", PDF * 2)]
    said = certo(api.form("/enqueue", {"files": uploads}))
    assert said["aceitos"] == 1 and "grande demais" in said["rejeitados"][0]["motivo"]


def test_enqueue_and_start_needs_both_permissions(api: Api) -> None:
    novo_host()
    nova_credencial()
    assert problema(Api("enfileirar").post("/enqueue", {"files": [FILED], "iniciar": True}), 403)
    assert not Execucao.objects.exists()
    said = certo(api.post("/enqueue", {"files": [FILED], "iniciar": True}))
    assert said["robots"] == 1 and Processo.objects.get().execucao_id == said["execucao"]


def test_portal_and_credential_are_asked_for_only_in_doubt(api: Api) -> None:
    portal = novo_portal()
    one, other = nova_credencial(portal), nova_credencial(portal)
    assert one.usuario in problema(api.post("/enqueue", {"files": [FILED]}), 422)["detail"]
    said = certo(api.post("/enqueue", {"files": [FILED], "portal": portal.slug, "credencial": other.usuario}))
    assert Execucao.objects.get(pk=said["execucao"]).credencial == other


def test_an_execution_tells_how_far_it_is_and_what_was_answered(api: Api) -> None:
    batch = nova_execucao(5, titulo="Lote", solicitante="maria")
    robo = novo_robo(batch)
    tomado(batch, robo).concluir(Resposta(Resultado.PROTOCOLADA, protocolada_em=clock.db_now(), protocolo="123"))
    tomado(batch, robo).falhar("navegador", "caiu")
    tomado(batch, robo)
    said = certo(api.get(f"/api/execucoes/{batch.pk}"))
    assert said["contagem"] == {"pendentes": 2, "em_andamento": 1, "concluidos": 1, "falhas": 1}
    assert (said["status"], said["progresso"], said["total_arquivos"], said["eta"]) == ("running", 40, 5, None)
    assert (said["titulo"], said["solicitante"], said["portal"]) == ("Lote", "maria", batch.portal.slug)
    rows = said["resultados"]
    assert [row["status"] for row in rows] == ["done", "failed", "running", "pending", "pending"]
    assert (rows[0]["resultado"], rows[0]["protocolo"], rows[1]["erro_classe"]) == ("protocolada", "123", "navegador")
    assert problema(api.get(f"/api/execucoes/{batch.pk + 1}"), 404)


def test_results_come_a_page_at_a_time(api: Api) -> None:
    batch = nova_execucao(5)
    seen, after = [], 0
    while after is not None:
        page = certo(api.get(f"/api/execucoes/{batch.pk}", depois=after, limite=2))
        seen += [row["ordem"] for row in page["resultados"]]
        after = page["proximo"]
    assert seen == [1, 2, 3, 4, 5]
    assert certo(api.get(f"/api/execucoes/{batch.pk}", depois=5))["resultados"] == []
    for wrong in ({"limite": 0}, {"limite": 501}, {"limite": "x"}, {"depois": -1}, {"depois": "\0"}):
        assert problema(api.get(f"/api/execucoes/{batch.pk}", **wrong), 422)


def test_the_forecast_comes_from_the_last_items(api: Api) -> None:
    batch = nova_execucao(15)
    robo = novo_robo(batch)
    for _ in range(5):
        item = tomado(batch, robo)
        batch.itens.filter(pk=item.pk).update(started_at=clock.db_now() - timedelta(seconds=10))
        item.concluir(Resposta(Resultado.NAO_LOCALIZADA))
    assert certo(api.get(f"/api/execucoes/{batch.pk}"))["eta"] == pytest.approx(100, abs=5)
    batch.pausar()
    assert certo(api.get(f"/api/execucoes/{batch.pk}"))["eta"] is None
    batch.encerrar()
    ended = certo(api.get(f"/api/execucoes/{batch.pk}"))
    assert (ended["eta"], ended["progresso"], ended["status"], ended["motivo"]) == (
        None, 100, "error", "Encerrada pelo operador.",
    )  # fmt: skip


def test_a_page_never_reads_the_files(api: Api) -> None:
    url, cost = f"/api/execucoes/{nova_execucao(5).pk}", []
    for limit in (1, 5, 5):
        with CaptureQueriesContext(connection) as queries:
            assert len(certo(api.get(url, limite=limit))["resultados"]) == limit
        cost.append(len(queries))
        assert not any('"arquivo"' in query["sql"] for query in queries)
    assert cost[1] == cost[2]
