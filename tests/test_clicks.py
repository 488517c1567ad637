"""A hundred impatient clicks, through real HTTP and four gunicorn processes, ask for exactly `max_robots` robots."""

import http.client
import os
from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django_q.models import OrmQ

from executions.models import Execucao, Processo
from tests import factories
from tests.web import web

pytestmark = pytest.mark.django_db(transaction=True)
CLICKS = 100


def operator(*codenames: str) -> dict[str, str]:
    """The headers of a browser in which this operator is logged in."""
    user = User.objects.create_user(f"operador{os.urandom(3).hex()}", password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    token = "a" * 32
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token, "Content-Length": "0"}


def post(port: int, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_hundred_simultaneous_clicks_on_iniciar_ask_for_exactly_max_robots_robots(
    counted: Callable[..., None], times: int
) -> None:
    host = factories.novo_host(places=8)
    headers = operator("view_execucao", "iniciar")
    with web() as port:
        for _ in range(times):
            host.bater()  # nobody else does
            execucao, asked = factories.nova_execucao(20, max_robots=3), OrmQ.objects.count()
            path = f"/execucoes/{execucao.pk}/iniciar"
            statuses = factories.in_threads(CLICKS, lambda _, path=path: post(port, path, headers))
            assert statuses == [302] * CLICKS
            assert Processo.objects.filter(execucao=execucao).count() == 3
            assert OrmQ.objects.count() == asked + 3
            assert execucao.registros.filter(evento="iniciada").count() == 1
            execucao.encerrar()
    counted(times, [])


def test_clicks_on_two_executions_start_one_of_them_and_the_other_waits_its_turn() -> None:
    factories.novo_host(places=8)
    batches = [factories.nova_execucao(20, max_robots=2) for _ in range(2)]
    headers = operator("view_execucao", "iniciar")
    with web() as port:
        factories.in_threads(20, lambda i: post(port, f"/execucoes/{batches[i % 2].pk}/iniciar", headers))
    robots = [Processo.objects.filter(execucao=batch).count() for batch in batches]
    assert sorted(robots) == [0, 2]
    assert Execucao.objects.abertas().count() == 2
