"""Rows 28 and 29: an administrator edits, deletes and narrows a batch while a real host works on it."""

import http.client
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Max
from django.test import Client

from tests import chain, factories
from tests.faults.world import Batch, World, world
from tests.web import web

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(600)]
Note = Callable[..., None]


@pytest.fixture(scope="module")
def broken_world(transactional_db: None) -> Iterator[World]:
    """With room for eight robots, slow enough that all of them are at work at once."""
    with world(latency=0.5, HOST_MAX_ROBOTS=8) as made:
        yield made


class Admin:
    """A superuser's browser at the admin of a real web server."""

    def __init__(self, port: int) -> None:
        client = Client()
        client.force_login(User.objects.create_superuser(f"chefe{User.objects.count()}"))
        session, token = client.cookies[settings.SESSION_COOKIE_NAME].value, "a" * 32
        self.port = port
        self._headers = {"Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token}
        self._headers["Content-Type"] = "application/x-www-form-urlencoded"

    def post(self, batch: Batch, act: str, **fields: object) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            address = f"/admin/executions/execucao/{batch.execucao.pk}/{act}/"
            connection.request("POST", address, urlencode(fields), self._headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def edit(self, batch: Batch, titulo: str, max_robots: int) -> int:
        return self.post(batch, "change", titulo=titulo, max_robots=max_robots, prioridade=0)


def test_a_batch_at_work_is_edited_by_many_and_deleted_by_nobody_and_ends_right(mundo: World, counted: Note) -> None:
    batch = mundo.lot(16, max_robots=2)
    with web() as port:
        admin = Admin(port)
        batch.held()

        def act(n: int) -> int:
            if n % 4 == 3:
                return admin.post(batch, "delete", post="yes")
            return admin.edit(batch, f"Título {n}", 1 + n % 3)

        statuses = factories.in_threads(12, act)
    assert [status for n, status in enumerate(statuses) if n % 4 == 3] == [403] * 3
    assert [status for n, status in enumerate(statuses) if n % 4 != 3] == [302] * 9
    batch.execucao.refresh_from_db()
    assert batch.execucao.titulo.startswith("Título ") and batch.execucao.max_robots in (1, 2, 3)
    batch.lot = replace(batch.lot, max_robots=3)
    mundo.finish(batch, 120)
    assert not batch.execucao.itens.exclude(attempts=1, crashes=0).exists()
    assert not batch.execucao.processos.filter(status__in=("killed", "lost")).exists()
    assert not mundo.left_over()
    counted(12, [])


def test_eight_robots_become_two_by_an_admins_save_and_nobody_is_killed(mundo: World, counted: Note) -> None:
    batch = mundo.lot(60, max_robots=8)
    running = batch.execucao.itens.em_andamento
    chain.wait_for(lambda: running().count() == 8, 90, "eight robots at work")
    with web(1) as port:
        assert Admin(port).edit(batch, "Menos", 2) == 302
    last = batch.execucao.processos.aggregate(Max("pk"))["pk__max"]
    chain.wait_for(lambda: running().count() <= 2, 60, "two robots at work")
    mundo.portal.latency = 0.02  # the rest may go fast
    took = mundo.finish(batch, 120)
    ends = list(batch.execucao.processos.values_list("motivo", flat=True))
    # On a busy machine the watchdog may find one that left before its supervisor has said so.
    assert "excedente" in ends and ends.count("excedente") + ends.count("perdido") >= 6
    assert set(ends) <= {"excedente", "concluido", "perdido"}
    assert not batch.execucao.processos.filter(status="killed").exists()
    assert not batch.execucao.processos.filter(pk__gt=last).exists(), "a robot was asked for beyond the limit"
    assert not batch.execucao.itens.exclude(attempts=1, crashes=0).exists()
    counted(1, [took])
