"""How fast a batch goes and when it will end, from the last twenty items."""

from datetime import datetime

from executions.models import Execucao

AMOSTRA = 20
MINIMO = 5


def ritmo(execucao: Execucao, agora: datetime) -> float | None:
    """Items a second; None before five have ended."""
    last = list(execucao.itens.terminados().values_list("finished_at", flat=True)[:AMOSTRA])
    if len(last) < MINIMO:
        return None
    return len(last) / max(0.1, (agora - (last[-1] or agora)).total_seconds())


def faltam(execucao: Execucao, agora: datetime) -> float | None:
    """Seconds to the end; None when it is not at work, or too little is known."""
    if not execucao.aberta or execucao.pausada:
        return None
    rate = ritmo(execucao, agora)
    return (execucao.total_arquivos - execucao.progress) / rate if rate else None
