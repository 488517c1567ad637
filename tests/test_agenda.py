"""Schedules: each due time fires once, whatever the schedulers, the stops and the neighbours do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django_q.models import OrmQ

from executions import agenda, clock, queue
from executions.models import Agendamento, Disparo, Execucao, Processo, Registro, Script
from tests import factories
from tests.conftest import Tempo
from tests.intake_helpers import NOME, OUTRO, pdf
from workers import scheduler, tasks

pytestmark = pytest.mark.django_db(transaction=True)
MIDNIGHT = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)  # 00:00 in São Paulo


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any, tempo: Tempo) -> Path:
    settings.SCRIPTS_DIR = tmp_path
    tempo.agora = MIDNIGHT
    return tmp_path


def novo_script(folder: Path, nome: str = "ola.py", **campos: Any) -> Script:
    (folder / nome).write_text("print('olá')")
    row = Script(nome=nome, arquivo=nome, **campos)
    row.confirmar()
    row.save()
    return row


def agendar(nome: str = "a", expr: str = "* * * * *", **campos: Any) -> Agendamento:
    return Agendamento.objects.create(nome=nome, cron=expr, **campos)


def de_arquivos(nome: str = "lote", expr: str = "* * * * *", **campos: Any) -> Agendamento:
    credencial = factories.nova_credencial()
    row = Agendamento(nome=nome, cron=expr, portal=credencial.portal, credencial=credencial, **campos)
    row.clean()
    row.save()
    return row


def terminar_todos() -> None:
    Processo.objects.vivos().update(status="exited", motivo="concluido", ended_at=clock.db_now())


def _outro() -> int:
    """A second scheduler, at the same moment."""
    return agenda.disparar(clock.db_now())


def desfechos(agendamento: Agendamento) -> list[str]:
    return list(agendamento.disparos.order_by("id").values_list("desfecho", flat=True))


def hora(at: datetime) -> str:
    return f"{at.astimezone(UTC) - timedelta(hours=3):%d %H:%M}"


# ---- each once ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("minutes", [240, pytest.param(1440, marks=pytest.mark.slow)])
def test_every_minute_of_a_day_fires_once_each_with_two_schedulers_and_a_restart(
    folder: Path, tempo: Tempo, minutes: int
) -> None:
    minutely = agendar(script=novo_script(folder))
    for minute in range(1, minutes + 1):
        # Once both are started again: nobody looks for 50 s over a due time.
        late = 50 if minute == minutes // 2 else minute % 9
        tempo.agora = MIDNIGHT + timedelta(minutes=minute, seconds=late)
        first, second = (scheduler.step, _outro) if minute % 40 == 0 else (_outro, _outro)
        first()
        second()
        terminar_todos()
    fired = list(minutely.disparos.order_by("due_at").values_list("due_at", "desfecho"))
    assert [at for at, _ in fired] == [MIDNIGHT + timedelta(minutes=n) for n in range(1, minutes + 1)]
    assert {what for _, what in fired} == {"iniciado"}
    assert Processo.objects.count() == minutes


def test_schedulers_that_race_for_one_due_time_start_it_once(folder: Path, tempo: Tempo) -> None:
    rows = [agendar(f"a{n}", script=novo_script(folder, f"s{n}.py")) for n in range(3)]
    agora = tempo.avancar(60)
    claimed = factories.in_threads(6, lambda _: agenda.disparar(agora))
    assert sum(claimed) == 3
    assert [desfechos(row) for row in rows] == [["iniciado"]] * 3
    assert Processo.objects.count() == 3


def test_the_database_itself_refuses_a_second_firing_of_a_due_time(folder: Path) -> None:
    row = agendar(script=novo_script(folder))
    Disparo.objects.create(agendamento=row, due_at=MIDNIGHT, at=MIDNIGHT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Disparo.objects.create(agendamento=row, due_at=MIDNIGHT, at=MIDNIGHT)


def test_a_due_time_that_was_fired_is_not_fired_again_when_the_expression_is_changed_back(
    folder: Path, tempo: Tempo
) -> None:
    row = agendar(script=novo_script(folder))
    agenda.disparar(tempo.avancar(60))
    Agendamento.objects.update(proximo_em=tempo.agora)  # as a clock that was set back would have it
    agenda.disparar(tempo.agora)
    assert desfechos(row) == ["iniciado"]
    row.refresh_from_db()
    assert row.proximo_em == tempo.agora + timedelta(minutes=1)


# ---- not made up ----------------------------------------------------------------------------------------------------
def test_after_a_long_stop_only_the_latest_due_time_fires_and_the_rest_is_recorded_as_missed(
    folder: Path, tempo: Tempo
) -> None:
    row = agendar(script=novo_script(folder))
    agenda.disparar(tempo.avancar(3 * 3600 + 30))
    missed, fired = row.disparos.order_by("id")
    assert (missed.desfecho, hora(missed.due_at)) == ("pulado", "10 00:01")
    assert missed.mensagem == "179 disparos perdidos, até 10/03 02:59: nenhum agendador estava ligado."
    assert (fired.desfecho, hora(fired.due_at)) == ("iniciado", "10 03:00")
    agenda.disparar(tempo.avancar(10))
    assert row.disparos.count() == 2


@pytest.mark.parametrize(("late", "outcome"), [(299, "iniciado"), (300, "iniciado"), (301, "pulado")])
def test_a_due_time_fires_up_to_five_minutes_late(folder: Path, tempo: Tempo, late: int, outcome: str) -> None:
    row = agendar(expr="0 8 * * *", script=novo_script(folder))
    agenda.disparar(tempo.avancar(8 * 3600 + late))
    assert desfechos(row) == [outcome]
    assert Processo.objects.exists() == (outcome == "iniciado")
    row.refresh_from_db()
    assert hora(row.proximo_em) == "11 08:00"


def test_what_was_due_during_a_pause_is_not_made_up(folder: Path, tempo: Tempo) -> None:
    chefe = User.objects.create_user("chefe")
    row = agendar(expr="*/10 * * * *", script=novo_script(folder))
    assert row.pausar(chefe) and not row.pausar(chefe)
    row.refresh_from_db()
    assert row.proximo_em is None
    assert agenda.disparar(tempo.avancar(3600 + 60)) == 0
    assert row.retomar(chefe) and not row.retomar(chefe)
    row.refresh_from_db()
    assert (row.pausado_em, hora(row.proximo_em)) == (None, "10 01:10")
    assert agenda.disparar(tempo.agora) == 0 and not row.disparos.exists()
    events = Registro.objects.filter(usuario=chefe).order_by("id").values_list("evento", flat=True)
    assert list(events) == ["agendamento_pausado", "agendamento_retomado"]


# ---- the neighbours -------------------------------------------------------------------------------------------------
def test_a_script_that_is_still_running_is_skipped_and_recorded_so(folder: Path, tempo: Tempo) -> None:
    row = agendar(script=novo_script(folder))
    agenda.disparar(tempo.avancar(60))
    agenda.disparar(tempo.avancar(60))
    Processo.objects.update(status="running", pid=4321)
    agenda.disparar(tempo.avancar(60))
    first, waiting, running = row.disparos.order_by("id")
    assert first.processo == Processo.objects.get()
    assert (waiting.desfecho, waiting.mensagem) == ("pulado", "Script já está na fila")
    assert (running.desfecho, running.mensagem) == ("pulado", "Script já está em execução (PID: 4321)")


def test_a_bad_schedule_blocks_no_other(folder: Path, tempo: Tempo, monkeypatch: pytest.MonkeyPatch) -> None:
    changed, off, gone = (novo_script(folder, f"{n}.py") for n in ("mudou", "parado", "sumiu"))
    (folder / "mudou.py").write_text("print('outro')")
    (folder / "sumiu.py").unlink()
    Script.objects.filter(pk=off.pk).update(ativo=False)
    wrong = agendar("params", script=novo_script(folder, "p.py"), parametros={"nada": "1"})
    bad = [agendar(s.nome, script=s) for s in (changed, off, gone)]
    unreadable = agendar("cron", script=novo_script(folder, "c.py"))
    Agendamento.objects.filter(pk=unreadable.pk).update(cron="x y z")
    broken = agendar("quebrado", script=novo_script(folder, "q.py"))
    start = agenda._iniciar_script
    monkeypatch.setattr(agenda, "_iniciar_script", lambda d: 1 / 0 if d.agendamento == broken else start(d))
    good = agendar("z-bom", script=novo_script(folder))
    scheduler.step()
    tempo.avancar(60)
    scheduler.step()
    assert desfechos(good) == ["iniciado"]
    assert [desfechos(row) for row in (*bad, wrong, unreadable, broken)] == [["recusado"]] * 6
    assert "mudou" in bad[0].disparos.get().mensagem and "desativado" in bad[1].disparos.get().mensagem
    assert "desconhecido" in wrong.disparos.get().mensagem
    assert "não dispara mais" in unreadable.disparos.get().mensagem
    assert broken.disparos.get().mensagem == "Erro inesperado: ZeroDivisionError."
    assert Registro.objects.filter(evento="agendamento_recusado").count() == 5


def test_it_runs_in_the_name_of_who_is_responsible_for_it(folder: Path, tempo: Tempo) -> None:
    script = novo_script(folder)
    script.quem_pode.add(Group.objects.create(name="poucos"))
    row = agendar(script=script, usuario=User.objects.create_user("alguem"))
    agenda.disparar(tempo.avancar(60))
    disparo = row.disparos.get()
    assert (disparo.desfecho, disparo.mensagem) == ("recusado", "Você não pode executar este script.")


# ---- by hand --------------------------------------------------------------------------------------------------------
def test_run_now_starts_at_once_even_when_paused_and_leaves_the_calendar_alone(folder: Path, tempo: Tempo) -> None:
    chefe = User.objects.create_superuser("chefe")
    row = agendar(expr="0 8 * * *", script=novo_script(folder), parametros={}, timeout_s=77)
    row.pausar()
    disparo = agenda.executar_agora(row, chefe)
    assert (disparo.desfecho, disparo.due_at, disparo.usuario) == ("manual", None, chefe)
    assert disparo.processo is not None
    assert (disparo.processo.usuario, disparo.processo.timeout_s) == (chefe, 77)
    assert agenda.executar_agora(row, chefe).desfecho == "pulado"
    row.refresh_from_db()
    assert row.pausado_em and row.proximo_em is None


# ---- executions -----------------------------------------------------------------------------------------------------
def test_an_execution_is_made_from_a_list_of_names_and_asks_for_robots(tempo: Tempo) -> None:
    host = factories.novo_host()
    row = de_arquivos(nomes=f"{NOME}\n\n{OUTRO}.pdf\nsem número.pdf\n", max_robots=2, titulo="Noite")
    agenda.disparar(tempo.avancar(60))
    assert desfechos(row) == ["iniciando"]
    message = OrmQ.objects.get()
    assert message.key == queue.queue_name(host.nome) and message.func() == queue.FIRE
    tasks.disparar(*message.args())
    tasks.disparar(*message.args())  # doubled
    disparo = row.disparos.get()
    batch = Execucao.objects.get()
    assert (disparo.desfecho, disparo.execucao) == ("iniciado", batch)
    assert disparo.mensagem.startswith("2 arquivos aceitos, 1 rejeitado. sem número.pdf: ")
    assert (batch.titulo, batch.total_arquivos, batch.max_robots, batch.origem) == ("Noite", 2, 2, "agenda")
    assert Processo.objects.robos().filter(execucao=batch).count() == 2


def test_an_execution_is_made_from_a_folder_and_skipped_while_the_last_one_is_open(
    tmp_path: Path, tempo: Tempo
) -> None:
    pasta = tmp_path / "entrada"
    pasta.mkdir()
    row = de_arquivos(pasta=str(pasta))
    agenda.disparar(tempo.avancar(60))
    (pasta / NOME).write_bytes(pdf("Petição"))
    agenda.disparar(tempo.avancar(60))
    agenda.disparar(tempo.avancar(60))
    empty, made, skipped = row.disparos.order_by("id")
    batch = Execucao.objects.get()
    assert (empty.desfecho, empty.mensagem) == ("pulado", "A pasta não tem nenhum arquivo PDF.")
    assert (made.desfecho, made.execucao) == ("iniciado", batch)
    assert bytes(batch.itens.get().arquivo).startswith(b"%PDF")
    assert (skipped.desfecho, skipped.mensagem) == (
        "pulado", f"A execução {batch.pk} deste agendamento ainda está aberta.",
    )  # fmt: skip


def test_a_folder_that_is_gone_and_names_without_a_case_are_refused(tmp_path: Path, tempo: Tempo) -> None:
    gone = de_arquivos("some", pasta=str(tmp_path / NOME))
    none = de_arquivos("nada", nomes="ata.pdf")
    agenda.disparar(tempo.avancar(60))
    assert "não pode ser lida" in gone.disparos.get().mensagem
    assert none.disparos.get().mensagem.startswith("ata.pdf: Não encontrei número")
    assert desfechos(gone) == desfechos(none) == ["recusado"] and not Execucao.objects.exists()


def test_a_lost_message_is_sent_again_and_a_start_that_died_is_recorded_and_not_repeated(
    tempo: Tempo, settings: Any
) -> None:
    row = de_arquivos(expr="0 1 * * *", nomes=NOME)
    tempo.avancar(3600)
    host = factories.novo_host()
    agenda.disparar(tempo.agora)
    assert queue.forget(host.nome) == 1
    agenda.disparar(tempo.avancar(30))
    assert queue.forget(host.nome) == 0
    tempo.avancar(settings.SENT_TIMEOUT_SECONDS)
    host.__class__.objects.update(heartbeat_at=tempo.agora)
    agenda.disparar(tempo.agora)
    assert queue.forget(host.nome) == 1
    disparo = row.disparos.get()
    assert disparo.reivindicar() and not disparo.reivindicar()
    agenda.disparar(tempo.avancar(800))
    assert desfechos(row) == ["iniciando"]
    agenda.disparar(tempo.avancar(120))
    disparo.refresh_from_db()
    assert (disparo.desfecho, disparo.mensagem) == ("recusado", "O início foi interrompido. Não foi repetido.")
    agenda.comecar(disparo.pk)
    assert not Execucao.objects.exists()
