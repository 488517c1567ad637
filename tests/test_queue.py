"""The door to django-q2: messages are wake-ups of one host, acknowledged early, and never run what is not ours."""

import os
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django_q.models import OrmQ
from django_q.tasks import async_task

from executions import queue
from tests import chain, factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_waits_in_its_hosts_queue_and_vanishes_with_its_transaction() -> None:
    queue.send_supervise("u", "maquina-a")
    assert OrmQ.objects.get().key == "robos-maquina-a"
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.send_supervise("v", "maquina-a")
        raise ZeroDivisionError
    assert OrmQ.objects.count() == 1
    assert queue.forget("maquina-b") == 0 and queue.forget("maquina-a") == 1


def test_the_receiver_acknowledges_before_the_work_and_refuses_what_is_not_on_the_list() -> None:
    queue.send_supervise("u", "maquina-a")
    ours: dict[str, Any] = {"func": queue.SUPERVISE, "args": ("u",), "ack_id": OrmQ.objects.get().pk}
    queue._before_task(sender=None, func=None, task=ours)
    assert not OrmQ.objects.exists() and ours == {"func": queue.SUPERVISE, "args": ("u",)}
    foreign: dict[str, Any] = {"func": "os.system", "args": ("touch /tmp/x",), "hook": "h", "chain": ["c"]}
    queue._before_task(sender=None, func=None, task=foreign)
    assert (foreign["args"], foreign["hook"], foreign["chain"]) == (None, None, None)


def test_the_receivers_never_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_acknowledge", lambda task: 1 / 0)
    queue._before_task(sender=None, func=None, task={"func": queue.SUPERVISE, "ack_id": 1})
    queue._after_task(sender=None, task={"func": queue.CANARY, "success": True})


def test_a_real_cluster_runs_the_canary_and_survives_a_message_with_a_foreign_function(tmp_path) -> None:
    witness = tmp_path / "executado"
    with chain.machine(TIME_DIVISOR=10) as host:
        async_task("os.system", f"touch {witness}", q_options={"cluster": queue.queue_name(host.name), "timeout": -1})
        row = factories.Host.objects
        chain.wait_for(lambda: row.get(nome=host.name).canary_at, 20, "the canary")
        chain.wait_for(lambda: not OrmQ.objects.exists(), 20, "an empty queue")
        before = row.get(nome=host.name).canary_at
        chain.wait_for(lambda: row.get(nome=host.name).canary_at > before, 20, "another canary")
    assert not witness.exists()


def test_django_q2s_own_admin_is_not_there() -> None:
    assert not [model for model in admin.site._registry if model._meta.app_label == "django_q"]
    assert os.environ.get("ROBOT_HOST_EPOCH") is None
