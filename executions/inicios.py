"""When those that wait for their turn are likely to get it, from the forecasts of those before them."""

from datetime import datetime

from django.conf import settings

from executions.models import Execucao
from executions.panorama import Espera, Panorama
from executions.previsao import Amostra, Previsao, simular


def inicios(panorama: Panorama, previsoes: dict[int, Previsao]) -> dict[int, datetime]:
    """Execution -> about when it starts. Left out: those behind a turn whose end nobody can say."""
    fins = [previsoes[pk].fim if pk in previsoes else None for pk in panorama.com_a_vez]
    known = sorted(fim for fim in fins if fim)
    # When more hold a turn than there are, the first ends give none back.
    turns: list[datetime] = known[max(0, len(fins) - settings.EXECUCOES_SIMULTANEAS) :]
    found: dict[int, datetime] = {}
    for execucao in panorama.abertas:
        if panorama.espera_de(execucao) != Espera.VEZ:
            continue
        if not turns:
            break
        start = max(min(turns), panorama.agora)
        found[execucao.pk] = start
        turns.remove(min(turns))
        end = _fim(execucao, start, panorama, previsoes)
        turns += [end] if end else []
    return found


def _fim(execucao: Execucao, start: datetime, panorama: Panorama, previsoes: dict[int, Previsao]) -> datetime | None:
    """By its own last items, else by those of another open one at the same portal; None: nobody can say."""
    own = previsoes[execucao.pk].amostra if execucao.pk in previsoes else Amostra()
    others = [e.pk for e in panorama.abertas if e.portal_id == execucao.portal_id and e.pk in previsoes]
    amostra = next((a for a in [own, *(previsoes[pk].amostra for pk in others)] if a.basta), own)
    return simular(execucao.total_arquivos - execucao.progress, amostra, execucao.max_robots, start).fim
