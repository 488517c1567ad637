"""The whole installation at a glance, for a program: hosts, loops, robots, portals, clocks. Seven queries."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from executions import clock, disco, queue
from executions.models import Batida, Host, Portal, Processo

LOOP_SECONDS = 60  # a scheduler or a watchdog silent for longer is not running
Obra = Batida.Obra


def retrato() -> dict[str, Any]:
    agora = clock.db_now()
    skew = (timezone.now() - agora).total_seconds()
    done = Batida.todas()
    return {
        "agora": agora.isoformat(),
        "banco": {"tipo": connection.vendor, "diferenca_do_relogio_s": round(skew, 3)},
        "agendador": _laco(done.get(Obra.AGENDADOR), agora),
        "watchdog": _laco(done.get(Obra.WATCHDOG), agora),
        "maquinas": _maquinas(agora),
        "robos": _robos(),
        "portais": _portais(agora),
        "disco": {"livre_percentual": round(disco.livre(), 1)},
    }


def idade(moment: datetime | None, agora: datetime) -> float | None:
    """Seconds since then, never negative; None when it never was."""
    return None if moment is None else round(max(0.0, (agora - moment).total_seconds()), 3)


def _laco(moment: datetime | None, agora: datetime) -> dict[str, Any]:
    age = idade(moment, agora)
    return {"idade_s": age, "em_dia": age is not None and age <= LOOP_SECONDS / settings.TIME_DIVISOR}


def _maquinas(agora: datetime) -> list[dict[str, Any]]:
    messages = queue.waiting()
    canary_limit = settings.CANARY_LIMIT_SECONDS
    found = []
    for host in Host.objects.com_vida(agora):
        canary = idade(host.canary_at, agora)
        found.append({
            "nome": host.nome, "ligada": host.ligado, "parando": host.draining_at is not None,
            "sinal_idade_s": idade(host.heartbeat_at, agora),
            "canario": {"idade_s": canary, "em_dia": canary is not None and canary <= canary_limit},
            "watchdog_desde": host.watchdog_since.isoformat() if host.watchdog_since else None,
            "lugares": host.places, "lugares_de_scripts": host.script_places, "fila": messages.get(host.nome, 0),
            "cpu_percentual": host.cpu, "memoria_percentual": host.memory, "disco_livre_percentual": host.disco_livre,
            "orfaos": host.orfaos,
        })  # fmt: skip
    return found


def _robos() -> dict[str, int]:
    rows = Processo.objects.vivos().robos().order_by().values_list("status").annotate(n=Count("pk"))
    return {str(status): 0 for status in Processo.LIVE} | dict(rows)


def _portais(agora: datetime) -> list[dict[str, Any]]:
    return [
        {
            "codigo": portal.slug, "no_ar": not portal.fora_do_ar, "desde_s": idade(portal.breaker_em, agora),
            "falhas_seguidas": len(portal.falhas),
            "proxima_sondagem": portal.probe_at.isoformat() if portal.fora_do_ar and portal.probe_at else None,
        }
        for portal in Portal.objects.all()
    ]  # fmt: skip
