"""PostgreSQL: who stands still inside a transaction, frozen or cut off, does not hold its locks for hours."""

import threading

import pytest
from django.db import connection, transaction

from executions.locks import locked
from executions.models import Execucao
from tests.factories import nova_execucao
from workers.errors import DATABASE_AWAY

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server that could end a session"),
]


def test_the_server_ends_the_transaction_and_its_owner_takes_the_database_for_away() -> None:
    batch = nova_execucao(1)
    holds, may_go, met = threading.Event(), threading.Event(), []

    def frozen() -> None:
        try:
            with transaction.atomic():
                locked(Execucao.objects.filter(pk=batch.pk)).get()
                with connection.cursor() as cursor:
                    cursor.execute("SET idle_in_transaction_session_timeout = '500ms'")
                holds.set()
                may_go.wait(30)
                batch.itens.update(erro="o que ninguém mais pode gravar")
        except DATABASE_AWAY as error:
            met.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=frozen)
    thread.start()
    assert holds.wait(10)
    with transaction.atomic():  # waits for the lock
        assert locked(Execucao.objects.filter(pk=batch.pk)).get() == batch
    may_go.set()
    thread.join(10)
    assert met and batch.itens.get().erro == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("idle_in_transaction_session_timeout", "15000"),
        ("tcp_keepalives_idle", "10"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3"),
    ],
)  # fmt: skip
def test_every_connection_asks_for_the_servers_limits(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        # What was asked for: a local socket, which has no keepalives, shows 0 as what it has.
        cursor.execute("SELECT reset_val, source FROM pg_settings WHERE name = %s", [name])
        assert cursor.fetchone() == (value, "client")
