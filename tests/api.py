"""What the tests of the API share: clients with a token, and how a problem looks."""

import itertools
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from executions import scripts
from executions.models import Script, TokenAPI
from tests import factories
from tests.intake_helpers import NOME, NUMERO

FILED, CASE = NOME, NUMERO
TODAS = (
    "view_execucao", "view_processo", "view_saida", "enfileirar", "iniciar", "encerrar", "encerrar_todos",
    "executar_script",
)  # fmt: skip
_numeros = itertools.count(1)


@pytest.fixture(autouse=True)
def http(settings) -> None:
    """The tests speak plain HTTP, and no wrong token of an earlier test counts."""
    settings.SECURE_SSL_REDIRECT = False
    cache.clear()


def usuario(*codenames: str) -> User:
    user = User.objects.create_user(f"integra{next(_numeros)}")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def token(*codenames: str, user: User | None = None) -> str:
    return TokenAPI(user=user or usuario(*codenames), nome="teste").gerar()


class Api:
    """A client of the API with the token of a user who has these permissions; with None, anonymous."""

    def __init__(self, *codenames: str, texto: str | None = None) -> None:
        self.texto = token(*codenames) if texto is None else texto
        self.client = Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {self.texto}"})

    def get(self, path: str, **data: Any) -> Any:
        return self.client.get(path, data)

    def post(self, path: str, data: Any = None) -> Any:
        """As JSON; without data, no body at all."""
        if data is None:
            return self.client.generic("POST", path)
        return self.client.post(path, data, content_type="application/json")

    def form(self, path: str, data: dict[str, Any]) -> Any:
        return self.client.post(path, data)


def problema(response: HttpResponse, status: int) -> dict[str, Any]:
    """The problem document that this answer must be."""
    body = response.json()
    assert response.status_code == status, (response.status_code, body)
    assert response["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(body) and body["status"] == status and body["detail"]
    return body


def certo(response: HttpResponse, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return response.json()


def novo_script(settings: Any, folder: Any, code: str = "print('oi')", **fields: Any) -> Script:
    """A confirmed script in a folder of the test."""
    settings.SCRIPTS_DIR = folder
    nome = fields.pop("nome", f"script{next(_numeros)}.py")
    (folder / nome).write_text(code)
    row = Script(nome=nome, arquivo=nome, **fields)
    row.confirmar()
    row.save()
    return row


def script_vivo(script: Script, pid: int = 4321) -> Any:
    """Its process, as its supervisor would have it."""
    host = factories.novo_host(script_places=5)
    row = scripts.pedir_script(script)
    assert row.host == host and row.iniciar()
    assert row.rodar(pid=pid, start_ticks=1, boot_id="b", pasta="")
    row.refresh_from_db()
    return row
