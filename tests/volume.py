"""Five thousand executions with a million items, in bulk: what years of an office leave behind."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from executions.models import Execucao, JobItem
from tests.factories import nova_credencial, novo_host, novo_robo

DIA = timedelta(days=1)
FALHAS, CONFERIR, PROTOCOLADAS = 5, 10, 60  # per cent; the rest was not found


def encher(execucoes: int = 5000, itens: int = 200, *, abertas: int = 50, dias: int = 100) -> None:
    """`execucoes` of `itens` each, evenly over the last `dias`; the newest `abertas` are open, two of them at work."""
    agora, credencial = timezone.now(), nova_credencial()
    host = novo_host(nome="rpa-01", places=4, cpu=41.0, memory=58.0, canary_at=agora)
    padrao = {"portal": credencial.portal, "credencial": credencial, "total_arquivos": itens, "origem": "volume"}
    failed = itens * FALHAS // 100
    closed = []
    for n in range(execucoes - abertas):
        # From 00:00 of the first day to a minute ago: some of them ended today.
        end = agora - timedelta(minutes=1) - (dias * DIA) * (execucoes - abertas - 1 - n) / (execucoes - abertas)
        closed.append(_terminada(n, end, failed, itens, padrao))
    with transaction.atomic():
        Execucao.objects.bulk_create(closed, batch_size=500)
        first = Execucao.objects.earliest("pk")
        _modelo(first, itens, failed)
        _multiplicar(first)
        newest = [_aberta(n, agora, itens, padrao) for n in range(abertas)]
        Execucao.objects.bulk_create(newest)
        queued = Execucao.objects.filter(status="queued").earliest("pk")
        _pendentes(queued, itens, agora)
        _multiplicar(queued)
    for batch in Execucao.objects.filter(status="queued").order_by("pk")[:2]:
        robo = novo_robo(batch, host, cpu=22.0, rss=600_000_000, passo="lendo anexos", login_em=agora)
        assert JobItem.objects.tentar_iniciar(batch, robo)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _terminada(n: int, end: datetime, failed: int, itens: int, padrao: dict[str, Any]) -> Execucao:
    wrong = n % 100 == 7
    return Execucao(
        titulo=f"Petições, lote {n + 1}", status="error" if wrong else "done", n_failed=failed, n_done=itens - failed,
        motivo="Encerrada pelo operador." if wrong else "", motivo_classe="encerrado" if wrong else "",
        created_at=end - timedelta(hours=1), started_at=end - timedelta(minutes=50), finished_at=end, avisada_em=end,
        **padrao,
    )  # fmt: skip


def _aberta(n: int, agora: datetime, itens: int, padrao: dict[str, Any]) -> Execucao:
    return Execucao(
        titulo=f"Na fila, lote {n + 1}", n_pending=itens, created_at=agora, heartbeat_at=agora, max_robots=2,
        prioridade=(0, 0, 0, 1, -1)[n % 5], **padrao,
    )  # fmt: skip


def _linha(batch: Execucao, n: int, **campos: Any) -> JobItem:
    numero = f"{n:07d}-11.2026.8.99.0001"
    nome = f"{numero}_1234_{n:05d}_peticao.pdf"
    return JobItem(execucao=batch, ordem=n + 1, nome_arquivo=nome, numero_processo=numero, **campos)


def _modelo(batch: Execucao, itens: int, failed: int) -> None:
    """The items of the first ended one; those of the others are their copies."""
    rows = []
    for n in range(itens):
        times = {"available_at": batch.created_at, "started_at": batch.started_at, "finished_at": batch.finished_at}
        if n < failed:
            rows.append(_linha(batch, n, status="failed", erro_classe="tempo_esgotado", erro="Passou.", **times))
            continue
        part = n * 100 // itens
        resultado = (
            "possivel" if part < FALHAS + CONFERIR else "protocolada" if part < PROTOCOLADAS else "nao_localizada"
        )
        rows.append(_linha(batch, n, status="done", resultado=resultado, attempts=1, token=1, **times))
    JobItem.objects.bulk_create(rows)


def _pendentes(batch: Execucao, itens: int, agora: datetime) -> None:
    JobItem.objects.bulk_create([_linha(batch, n, available_at=agora) for n in range(itens)])


def _multiplicar(batch: Execucao) -> None:
    """The items of this one again for every other of its state, with that one's times. One statement."""
    table, others = JobItem._meta.db_table, Execucao._meta.db_table
    columns = [field.column for field in JobItem._meta.local_concrete_fields if not field.primary_key]
    instead = {"execucao_id": "e.id"}
    if batch.finished_at:
        instead |= {name: f"e.{name}" for name in ("started_at", "finished_at")} | {"available_at": "e.created_at"}
    picked = ", ".join(instead.get(name, f"i.{name}") for name in columns)
    states = ("queued",) if batch.status == "queued" else ("done", "error")
    marks = ", ".join(["%s"] * len(states))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {picked} FROM {table} i CROSS JOIN {others} e "
            f"WHERE i.execucao_id = %s AND e.id <> %s AND e.status IN ({marks})",
            [batch.pk, batch.pk, *states],
        )  # fmt: skip
