"""What all routes of the API share: who gets in, what an error looks like, and the document that tells of them."""

import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from executions.api.documento import api
from executions.models import Execucao, Processo, Registro
from tests import factories
from tests.api import TODAS, Api, certo, http, novo_script, problema, token, usuario  # noqa: F401

pytestmark = pytest.mark.django_db
UUID = uuid.UUID(int=7)

# method, path, the permission it needs, a right body
ROTAS = [
    ("GET", "/api/processos", "view_processo", None),
    ("GET", f"/api/processos/{UUID}", "view_processo", None),
    ("POST", "/api/processos/executar", "executar_script", {"script": "x.py"}),
    ("POST", "/api/processos/matar", "executar_script", {"script": "x.py"}),
    ("POST", "/api/processos/matar-todos", "encerrar_todos", None),
    ("POST", "/enqueue", "enfileirar", {"files": ["x.pdf"]}),
    ("POST", "/start-worker", "iniciar", None),
    ("GET", "/robots", "view_processo", None),
    ("POST", "/robots/kill", "encerrar", {"worker_id": str(UUID)}),
    ("POST", "/robots/kill-workers", "encerrar_todos", None),
    ("GET", "/api/execucoes/1", "view_execucao", None),
]
COM_CORPO = [path for _, path, _, body in ROTAS if body] + ["/start-worker"]


def call(client: Client, method: str, path: str, body=None):
    if method == "GET":
        return client.get(path)
    return client.post(path, body or {}, content_type="application/json")


def nothing_done() -> bool:
    return not (Registro.objects.exclude(evento="token_criado").exists() or Processo.objects.exists())


def test_this_table_has_every_documented_operation() -> None:
    paths = api.get_openapi_schema()["paths"]
    documented = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    written = {(m, p.replace(str(UUID), "{uuid}").replace("execucoes/1", "execucoes/{id}")) for m, p, _, _ in ROTAS}
    assert documented == written


@pytest.mark.parametrize(("method", "path", "permission", "body"), ROTAS)
def test_anonymous_is_401_whatever_he_sends(method, path, permission, body) -> None:
    for client in (Client(enforce_csrf_checks=True), Api(texto="nada").client, Api(texto="").client):
        assert problema(call(client, method, path, body), 401)["title"] == "Não autenticado"
        assert call(client, method, path, body)["WWW-Authenticate"] == "Bearer"
    assert problema(Client(headers={"authorization": "Basic eDp4"}).get(path), 401)
    assert problema(Client().delete(path), 401)
    assert nothing_done()


@pytest.mark.parametrize(("method", "path", "permission", "body"), ROTAS)
def test_without_the_permission_it_is_403_and_names_it(method, path, permission, body) -> None:
    others = [codename for codename in TODAS if codename != permission]
    assert permission in problema(call(Api(*others).client, method, path, body), 403)["detail"]
    assert nothing_done()


@pytest.mark.parametrize(("method", "path", "permission", "body"), ROTAS)
def test_the_wrong_method_is_405_and_says_which_is_right(method, path, permission, body) -> None:
    client = Api(permission).client
    for wrong in {"get", "post", "put", "patch", "delete"} - {method.lower()}:
        response = getattr(client, wrong)(path)
        assert method in problema(response, 405)["detail"] and response["Allow"] == method
    assert nothing_done()


@pytest.mark.parametrize("path", COM_CORPO)
@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b'{"script": "\xff"}', 400), (b"[" * 100_000, 400), (b"9" * 5000, 400), (b"[]", 422), (b'"x"', 422),
     (b"0", 422), (b'{"script": "a\\u0000", "execucao": 1e400, "files": 1, "pid": 99999999999999999999}', 422),
     (b'{"script": "\\ud800", "execucao": true, "files": [1], "worker_id": "x"}', 422),
     (b'{"script": {}, "execucao": "\\u0000", "files": {"a": 1}, "worker_id": {"a": 1}}', 422)],
)  # fmt: skip
def test_a_wrong_body_is_400_or_422_never_worse(path, body, status) -> None:
    response = Api(*TODAS).client.post(path, body, content_type="application/json")
    assert problema(response, status)
    assert nothing_done()


@pytest.mark.parametrize("path", [p for p in COM_CORPO if p != "/enqueue"])
def test_a_form_where_json_is_expected_is_415(path) -> None:
    user = usuario(*TODAS)
    client = Client(enforce_csrf_checks=True, headers={"x-csrftoken": "a" * 32})
    client.force_login(user)
    client.cookies["csrftoken"] = "a" * 32
    assert problema(client.post(path, {"script": "x"}), 415)
    assert problema(Api(*TODAS).form(path, {"script": "x"}), 415)


def test_a_session_needs_the_csrf_token_and_a_bearer_token_does_not() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(usuario(*TODAS))
    assert certo(client.get("/api/processos")) == []
    assert "CSRF" in problema(client.post("/api/processos/matar-todos"), 403)["detail"]
    assert nothing_done()
    client.cookies["csrftoken"] = "a" * 32
    assert certo(client.post("/api/processos/matar-todos", headers={"x-csrftoken": "a" * 32}))["encerrados"] == 0
    assert certo(Api(*TODAS).post("/api/processos/matar-todos"))["encerrados"] == 0


def test_a_wrong_token_is_not_saved_by_a_session() -> None:
    client = Client()
    client.force_login(usuario(*TODAS))
    assert certo(client.get("/robots"))["robots"] == []
    assert problema(client.get("/robots", headers={"authorization": "Bearer nada"}), 401)


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nada", "/api/processos/nada", "/api/execucoes/nada", "/api/execucoes/-1"]
)
def test_an_unknown_address_is_a_404_problem_for_who_is_known(path: str) -> None:
    assert problema(Api().get(path), 404)
    assert problema(Client().get(path), 401)


@pytest.mark.parametrize("number", [0, 2**63, 10**30])
def test_a_number_beyond_any_row_is_422(number: int) -> None:
    api = Api(*TODAS)
    assert problema(api.get(f"/api/execucoes/{number}"), 422)
    assert problema(api.post("/start-worker", {"execucao": number or -1}), 422)
    assert problema(api.get("/api/execucoes/1", depois=10**30), 422)


def test_too_big_a_request_is_413_before_it_is_read(settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 500
    api = Api(*TODAS)
    assert problema(api.post("/enqueue", {"files": ["x" * 2000]}), 413)
    assert problema(api.post("/enqueue", {"files": ["x" * 600]}), 413)
    assert problema(api.form("/enqueue", {"files": "x" * 600}), 413)
    assert problema(Client().post("/enqueue", {"files": "x" * 2000}), 401)
    assert nothing_done() and not Execucao.objects.exists()


def test_an_unforeseen_error_tells_nothing(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    def broken(*args, **kwargs) -> None:
        raise RuntimeError("segredo")

    monkeypatch.setattr("executions.scripts.matar_todos", broken)
    api = Api(*TODAS)
    api.client.raise_request_exception = False
    response = api.post("/api/processos/matar-todos")
    assert "segredo" not in str(problema(response, 500))
    assert "request failed" in caplog.text


def test_the_document_and_its_page_are_for_who_is_known_and_load_nothing_from_outside() -> None:
    assert problema(Client().get("/api/openapi.json"), 401)
    assert Client().get("/api/docs").status_code == 302
    client = Client()
    client.force_login(User.objects.create_user("leitora"))
    assert certo(client.get("/api/openapi.json"))["openapi"].startswith("3.1")
    page = client.get("/api/docs").content.decode()
    assert (
        "//" not in page.replace("<!doctype", "") and "swagger-ui-bundle.js" in page and '"validatorUrl": null' in page
    )
    assert page.count("<script") == 3 and page.count("<script src=") == 2 and "application/json" in page
    for name in ("swagger-ui-bundle.js", "swagger-ui-init.js", "swagger-ui.css"):
        assert client.get(f"/static/ninja/{name}").status_code == 200


def test_every_error_is_documented_under_its_media_type() -> None:
    for path, operations in api.get_openapi_schema()["paths"].items():
        for operation in operations.values():
            assert {400, 401, 403, 422} <= set(operation["responses"]), path
            for status, response in operation["responses"].items():
                kind = "application/problem+json" if status >= 400 else "application/json"
                assert list(response["content"]) == [kind]


@override_settings(SECURE_SSL_REDIRECT=True)
def test_a_token_over_plain_http_is_never_looked_at() -> None:
    assert Client(headers={"authorization": f"Bearer {token()}"}).get("/robots").status_code == 301


def test_no_machine_alive_is_said_by_every_act(settings, tmp_path) -> None:
    api, script = Api(*TODAS), novo_script(settings, tmp_path)
    said = [
        certo(api.post("/api/processos/executar", {"script": script.nome}), 202)["aviso"],
        certo(api.get("/robots"))["aviso"], certo(api.post("/start-worker"))["aviso"],
        certo(api.post("/robots/kill-workers"))["aviso"],
    ]  # fmt: skip
    assert {text[:35] for text in said} == {"Nenhuma máquina de robôs está ligad"}
    factories.novo_host()
    assert certo(api.get("/robots"))["aviso"] == ""
