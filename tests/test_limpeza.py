"""Old notices, firings and alarms go, the oldest first; what still matters stays."""

from datetime import timedelta
from typing import Any

import pytest

from executions import agenda, clock, limpeza
from executions.models import Agendamento, Aviso, Destino, Disparo, Ocorrencia
from tests import factories
from workers import janitor

pytestmark = pytest.mark.django_db


def _aviso(dias: float, **campos: Any) -> Aviso:
    destino, _ = Destino.objects.get_or_create(nome="a", defaults={"tipo": "json", "url_cifrada": "x"})
    at = clock.db_now() - timedelta(days=dias)
    ends = {"sent_at": at} if not campos else {name: at for name in campos}
    return Aviso.objects.create(destino=destino, assunto="x", corpo="y", **ends)


def _disparo(dias: float, desfecho: str = "iniciado", **campos: Any) -> Disparo:
    script = factories.novo_script() if not Agendamento.objects.exists() else None
    row = Agendamento.objects.first() or Agendamento.objects.create(nome="n", cron="0 8 * * *", script=script)
    return Disparo.objects.create(
        agendamento=row, at=clock.db_now() - timedelta(days=dias), desfecho=desfecho, **campos
    )


def test_what_ended_longer_ago_than_the_setting_goes_and_the_rest_stays(settings: Any) -> None:
    settings.HISTORY_DAYS = 30
    kept = [_aviso(29), _aviso(400, next_at=True)]
    _aviso(31), _aviso(31, falhou_em=True)
    fired = [_disparo(29), _disparo(31, "iniciando")]
    for desfecho in ("iniciado", "pulado", "recusado", "manual"):
        _disparo(31, desfecho)
    assert limpeza.apagar_antigos(clock.db_now()) == 6
    assert set(Aviso.objects.all()) == set(kept) and set(Disparo.objects.all()) == set(fired)
    assert janitor.forget() == 0


def test_an_alarm_that_ended_long_ago_goes_and_one_that_goes_on_stays_however_old(settings: Any) -> None:
    settings.HISTORY_DAYS = 30
    agora = clock.db_now()

    def ocorrencia(alvo: str, dias: float | None) -> Ocorrencia:
        began = agora - timedelta(days=400)
        ended = None if dias is None else agora - timedelta(days=dias)
        return Ocorrencia.objects.create(
            alarme="disco", alvo=alvo, mensagem="x", aberta_em=began, vista_em=began, fechada_em=ended
        )

    kept = [ocorrencia("a", None), ocorrencia("b", 29)]
    ocorrencia("c", 31)
    assert limpeza.apagar_antigos(agora) == 1
    assert set(Ocorrencia.objects.all()) == set(kept)


def test_a_firing_whose_execution_or_script_still_lives_stays() -> None:
    batch = factories.nova_execucao(1)
    vivo = factories.novo_robo(factories.nova_execucao(1))
    _disparo(400, execucao=batch), _disparo(400, processo=vivo)
    assert limpeza.apagar_antigos(clock.db_now()) == 0
    batch.encerrar()
    vivo.terminar("exited", motivo="concluido")
    assert limpeza.apagar_antigos(clock.db_now()) == 2


def test_a_step_takes_a_bounded_number_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limpeza, "AT_ONCE", 2)
    rows = [_disparo(400 - n) for n in range(5)]
    assert [limpeza.apagar_antigos(clock.db_now()) for _ in range(4)] == [2, 2, 1, 0]
    rows.clear()


def test_a_due_time_that_was_forgotten_is_not_fired_again(tempo: Any) -> None:
    """What is deleted is far older than the oldest due time that may still fire."""
    row = Agendamento.objects.create(nome="n", cron="0 8 * * *", script=factories.novo_script(ativo=False))
    tempo.avancar(86400)
    agenda.disparar(tempo.agora)
    Disparo.objects.all().delete()
    row.refresh_from_db()
    assert row.proximo_em > tempo.agora and agenda.disparar(tempo.agora) == 0
