"""Small makers of rows, and what the tests of the state machine look at."""

import itertools
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connection, connections

from executions import clock
from executions.intake import Linha
from executions.models import Credencial, Execucao, Host, JobItem, Portal, Processo, Script, Tentativa
from executions.results import Resposta, Resultado

T = TypeVar("T")
RESPOSTA = Resposta(Resultado.NAO_LOCALIZADA)
_numeros = itertools.count(1)


def novo_portal(**campos: Any) -> Portal:
    n = next(_numeros)
    padrao = {"slug": f"portal-{n}", "nome": f"Portal {n}", "adaptador": "projudi", "tribunais": ["8.99"]}
    return Portal.objects.create(**padrao | {"base_url": "http://127.0.0.1:1/"} | campos)


def nova_credencial(portal: Portal | None = None, *, aceita: bool = True, **campos: Any) -> Credencial:
    """A login of the portal; `aceita`: it has just been accepted, so many robots may use it."""
    nova = Credencial(portal=portal or novo_portal(), usuario=f"advogado{next(_numeros)}", **campos)
    nova.trocar_senha("segredo")
    nova.accepted_at = clock.db_now() if aceita else None
    nova.save()
    return nova


def novo_host(**campos: Any) -> Host:
    padrao = {"nome": f"maquina-{next(_numeros)}", "epoch": "1", "boot_id": "b", "pid": 1, "start_ticks": 1}
    lugares = {"places": 8, "script_places": 1, "heartbeat_at": clock.db_now()}
    return Host.objects.create(**padrao | lugares | campos)


def novo_script(**campos: Any) -> Script:
    """A registered script, whose file nobody needs."""
    n = next(_numeros)
    return Script.objects.create(**{"nome": f"script-{n}.py", "arquivo": f"script-{n}.py", "sha256": "0" * 64} | campos)


def nova_execucao(
    itens: int = 4, casos: int | None = None, *, credencial: Credencial | None = None, **campos: Any
) -> Execucao:
    """A queued batch. Item k (from 0) belongs to case "caso-{k % casos}"; each is a case of its own by default."""
    credencial = credencial or nova_credencial()
    linhas = [Linha(k + 1, f"arquivo-{k}.pdf", f"caso-{k % (casos or itens)}") for k in range(itens)]
    return Execucao.objects.enfileirar(linhas, portal=credencial.portal, credencial=credencial, **campos)


def por_para_rodar(processo: Processo) -> Processo:
    """T18: what a supervisor does with a requested robot."""
    assert processo.iniciar()
    assert processo.rodar(pid=100_000 + processo.pk, start_ticks=processo.pk, boot_id="b", pasta="")
    processo.refresh_from_db()
    return processo


def novo_robo(execucao: Execucao, host: Host | None = None, **campos: Any) -> Processo:
    """A running robot of this batch, asked for without T2's limits. `campos` overwrite its row."""
    host = host or Host.objects.first() or novo_host()
    robo = por_para_rodar(Processo.objects.pedir(execucao, host, clock.db_now()))
    if campos:
        Processo.objects.filter(pk=robo.pk).update(**campos)
        robo.refresh_from_db()
    return robo


def tomado(execucao: Execucao, robo: Processo | None = None, **kwargs: Any) -> JobItem:
    """The item that this robot (or a new one) claims now. Each call is a claim object of its own."""
    item = JobItem.objects.tentar_iniciar(execucao, robo or novo_robo(execucao), **kwargs)
    assert item is not None
    return item


def feitos(batch: Execucao, segundos: list[float], agora: datetime, **campos: Any) -> None:
    """The first items of the batch have ended, the last of them just now, each after so many seconds."""
    for n, (item, cost) in enumerate(zip(batch.itens.order_by("ordem"), reversed(segundos), strict=False)):
        end = agora - timedelta(seconds=n)
        values = {"status": "done", "resultado": "protocolada", "started_at": end - timedelta(seconds=cost)}
        JobItem.objects.filter(pk=item.pk).update(**values | {"finished_at": end} | campos)
    n = len(segundos)
    Execucao.objects.filter(pk=batch.pk).update(
        n_done=n, n_pending=batch.total_arquivos - n, status="running", started_at=agora - timedelta(hours=1)
    )


def contadores(execucao: Execucao) -> tuple[int, int, int, int]:
    """(pending, running, done, failed), after proving that they equal a recount of the items."""
    execucao.refresh_from_db()
    nomes = ("n_pending", "n_running", "n_done", "n_failed")
    escritos = tuple(getattr(execucao, nome) for nome in nomes)
    contados = execucao.itens.por_status()
    assert escritos == tuple(contados[nome] for nome in nomes)
    assert sum(escritos) == execucao.total_arquivos
    assert execucao.aberta or escritos[:2] == (0, 0)
    return escritos  # type: ignore[return-value]


def retrato(execucao: Execucao) -> tuple[Any, ...]:
    """Everything that the verbs write of a batch: equal before and after means that nothing was written."""
    return (
        list(Execucao.objects.filter(pk=execucao.pk).values()),
        list(execucao.itens.order_by("pk").values()),
        list(Tentativa.objects.filter(item__execucao=execucao).order_by("pk").values()),
        list(Processo.objects.filter(execucao=execucao).order_by("pk").values()),
    )


def in_threads(n: int, func: Callable[[int], T]) -> list[T]:
    """func(0) … func(n-1) at the same moment: each in a thread of its own, connected before the first begins.

    Raises the first error.
    """
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    together = threading.Barrier(n)

    def body(i: int) -> None:
        try:
            connection.ensure_connection()
            together.wait(30)
            results[i] = func(i)
        except BaseException as error:  # noqa: BLE001 (raised again below)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=body, args=(i,), daemon=True) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    if errors:
        raise errors[0]
    assert len(results) == n, "a thread did not end within 60 s"
    return [results[i] for i in range(n)]


def em_postgres() -> bool:
    return connection.vendor == "postgresql"
