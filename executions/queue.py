"""The only door to django-q2: one queue a host, messages by dotted path, and the receivers that keep it honest.

A message is a wake-up, never the truth: it is sent in the transaction of the row it speaks of, acknowledged early,
and losing, doubling or delaying it changes nothing, because the row says what has been done.
"""

import logging
import os
from typing import Any

from django.conf import settings
from django.db import Error
from django.db.models import Count

from executions import clock

logger = logging.getLogger("robotcontrol.queue")

SUPERVISE = "workers.tasks.supervise"
CANARY = "workers.tasks.canary"
SEND_NOTICE = "workers.tasks.enviar_aviso"
FIRE = "workers.tasks.disparar"
ALLOWED = frozenset({SUPERVISE, CANARY, SEND_NOTICE, FIRE})


def queue_name(host: str) -> str:
    return f"robos-{host}"


def _send(func: str, host: str, *args: str) -> None:
    from django_q.tasks import async_task  # noqa: PLC0415 (its import reads the settings and the registry)

    # No timeout: a hard one terminates the worker, and None breaks it.
    async_task(func, *args, q_options={"cluster": queue_name(host), "timeout": -1, "ack_failure": True})


def send_supervise(uuid: str, host: str) -> None:
    """Asks this host to supervise this Processo. Call it inside the transaction that wrote the row."""
    _send(SUPERVISE, host, uuid)


def send_canary(host: str) -> None:
    """A task that does nothing: its end proves that the host's pusher, a worker and the monitor all live."""
    _send(CANARY, host)


def send_notice(aviso_id: int, host: str) -> None:
    """Asks this host to send this Aviso."""
    _send(SEND_NOTICE, host, str(aviso_id))


def send_fire(disparo_id: int, host: str) -> None:
    """Asks this host to start what this Disparo is for."""
    _send(FIRE, host, str(disparo_id))


def forget(host: str) -> int:
    """Drops what waits in this host's queue (an older epoch's wake-ups). Returns how many messages."""
    from django_q.models import OrmQ  # noqa: PLC0415

    return OrmQ.objects.filter(key=queue_name(host)).delete()[0]


def waiting() -> dict[str, int]:
    """How many messages wait, by host."""
    from django_q.models import OrmQ  # noqa: PLC0415

    rows = OrmQ.objects.order_by().values_list("key").annotate(n=Count("pk"))
    return {key.removeprefix(queue_name("")): n for key, n in rows}


def connect_receivers() -> None:
    from django_q.signals import post_execute, pre_execute  # noqa: PLC0415

    pre_execute.connect(_before_task, dispatch_uid="executions.queue.before")
    post_execute.connect(_after_task, dispatch_uid="executions.queue.after")


def _before_task(sender: Any, func: Any, task: dict[str, Any], **kwargs: Any) -> None:
    """In the worker. Acknowledges before the work, and makes a function outside the allow-list harmless.

    It must never raise: an exception here is outside the worker's try, kills the worker, and the message returns
    for ever.
    """
    try:
        _acknowledge(task)
        if task.get("func") not in ALLOWED:
            logger.error(
                "queue refused func=%r: not in the allow-list", task.get("func"), extra={"event": "fila_recusou"}
            )
            # Calling with args=None fails inside the worker's own try.
            task.update(args=None, hook=None, chain=None)
    except Exception:  # noqa: BLE001 (the boundary named above)
        logger.exception("queue receiver failed", extra={"event": "fila_falhou"})


def _acknowledge(task: dict[str, Any]) -> None:
    from django_q.brokers import get_broker  # noqa: PLC0415

    ack_id = task.pop("ack_id", None)
    if ack_id:
        get_broker().acknowledge(ack_id)


def _after_task(sender: Any, task: dict[str, Any], **kwargs: Any) -> None:
    """In the monitor. Writes the canary's time, for the epoch of the cluster that is running."""
    from executions.models import Host  # noqa: PLC0415

    if task.get("func") != CANARY or not task.get("success"):
        return
    try:
        mine = Host.objects.filter(nome=settings.ROBOT_HOST, epoch=os.environ.get("ROBOT_HOST_EPOCH", ""))
        mine.update(canary_at=clock.db_now())
    except Error:
        logger.exception("canary could not be written", extra={"event": "sem_banco"})
