"""T1, T4-T9, T11, T13-T18: each verb works, is refused in each wrong state or with an old token, and twice is once."""

import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from executions import clock
from executions.errors import StaleClaim
from executions.intake import Linha
from executions.models import Execucao, JobItem, Processo, Registro, Tentativa
from executions.models.job_item import MAX_SNOOZES
from executions.results import ErroClasse, Resposta, Resultado
from executions.robos import encerrar_todos
from tests.factories import (
    RESPOSTA,
    contadores,
    em_postgres,
    in_threads,
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_portal,
    novo_robo,
    novo_script,
    retrato,
    tomado,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def operador():
    return get_user_model().objects.create_user("operadora")


def eventos(lote):
    return list(Registro.objects.filter(execucao=lote).order_by("id").values_list("evento", flat=True))


# ---- T1: enqueue ------------------------------------------------------------------------------------------------
def test_enfileirar_writes_the_batch_and_its_accepted_lines_in_order(tempo, operador):
    credencial = nova_credencial()
    linhas = [
        Linha(1, "a.pdf", "caso-1", "4321_87654", ("aviso",), conteudo=b"%PDF", sha256="ab"),
        Linha(2, "b.txt", erro="Formato não aceito."),
        Linha(3, "c.pdf", "caso-2"),
    ]
    lote = Execucao.objects.enfileirar(
        linhas, portal=credencial.portal, credencial=credencial, max_robots=2, usuario=operador, titulo="Março"
    )
    assert (lote.status, lote.total_arquivos, lote.max_robots, lote.titulo) == ("queued", 2, 2, "Março")
    assert (lote.created_at, lote.heartbeat_at, lote.started_at, lote.geracao) == (tempo.agora, tempo.agora, None, 1)
    assert contadores(lote) == (2, 0, 0, 0)
    um, dois = lote.itens.order_by("ordem")
    assert (um.ordem, um.nome_arquivo, um.numero_processo, um.identificador) == (1, "a.pdf", "caso-1", "4321_87654")
    assert (um.avisos, bytes(um.arquivo), um.sha256, um.token, um.attempts) == (["aviso"], b"%PDF", "ab", 0, 0)
    assert (dois.ordem, dois.nome_arquivo, dois.status, dois.arquivo) == (3, "c.pdf", "pending", None)
    assert eventos(lote) == ["enfileirada"]


@pytest.mark.skipif(not em_postgres(), reason="only PostgreSQL takes a column's values as an array")
def test_a_long_batch_is_written_as_one_array_a_column():
    credencial = nova_credencial()
    linhas = [Linha(n, f"{n}.pdf", "caso", conteudo=b"%PDF" if n % 2 else None) for n in range(1, 4)]
    with CaptureQueriesContext(connection) as captured:
        lote = Execucao.objects.enfileirar(linhas, portal=credencial.portal, credencial=credencial)
    (insert,) = [query["sql"] for query in captured.captured_queries if 'INTO "job_items"' in query["sql"]]
    assert "UNNEST" in insert
    assert [item.arquivo and bytes(item.arquivo) for item in lote.itens.order_by("ordem")] == [b"%PDF", None, b"%PDF"]


@pytest.mark.parametrize("linhas", [[], [Linha(1, "a.txt", erro="Formato não aceito.")]])
def test_enfileirar_refuses_a_batch_without_accepted_lines(linhas):
    credencial = nova_credencial()
    with pytest.raises(ValueError, match="Nenhum arquivo aceito"):
        Execucao.objects.enfileirar(linhas, portal=credencial.portal, credencial=credencial)
    assert not Execucao.objects.exists()


def test_enfileirar_refuses_the_credential_of_another_portal():
    with pytest.raises(ValueError, match="não é deste portal"):
        Execucao.objects.enfileirar([Linha(1, "a", "1")], portal=novo_portal(), credencial=nova_credencial())
    assert not Execucao.objects.exists()


def test_enfileirar_leaves_nothing_when_an_item_cannot_be_written():
    credencial = nova_credencial()
    repetidas = [Linha(1, "a.pdf", "caso"), Linha(1, "b.pdf", "caso")]
    with pytest.raises(Exception, match="(?i)unique"), transaction.atomic():
        Execucao.objects.enfileirar(repetidas, portal=credencial.portal, credencial=credencial)
    assert (Execucao.objects.count(), JobItem.objects.count(), Registro.objects.count()) == (0, 0, 0)


# ---- every verb that gives up an item ---------------------------------------------------------------------------
DESISTENCIAS = {
    "concluir": lambda item: item.concluir(RESPOSTA),
    "falhar": lambda item: item.falhar("layout_mudou", "mudou"),
    "tentar_de_novo": lambda item: item.tentar_de_novo("tempo_esgotado", "esgotou"),
    "adiar": lambda item: item.adiar("bloqueado", "bloqueio", 60),
    "devolver": lambda item: item.devolver(),
    "expirar": lambda item: item.expirar(dono_morto=True),
}
ESPERADO = {
    "concluir": ("done", (1, 0, 1, 0)),
    "falhar": ("failed", (1, 0, 0, 1)),
    "tentar_de_novo": ("pending", (2, 0, 0, 0)),
    "adiar": ("pending", (2, 0, 0, 0)),
    "devolver": ("pending", (2, 0, 0, 0)),
    "expirar": ("pending", (2, 0, 0, 0)),
}
desistencia = pytest.mark.parametrize("verbo", DESISTENCIAS)


@desistencia
def test_giving_up_an_item_frees_it_moves_the_counters_and_ends_the_attempt(verbo, tempo):
    lote = nova_execucao(2)
    item = tomado(lote)
    tempo.avancar(7)
    DESISTENCIAS[verbo](item)
    status, contado = ESPERADO[verbo]
    gravado = JobItem.objects.get(pk=item.pk)
    assert (gravado.status, gravado.processo, gravado.lease_until) == (status, None, None)
    assert contadores(lote) == contado
    assert (lote.status, lote.heartbeat_at, lote.progress_at) == ("running", tempo.agora, tempo.agora)
    tentativa = Tentativa.objects.get(item=item)
    assert (tentativa.ended, bool(tentativa.outcome)) == (tempo.agora, True)
    assert lote.recontar() == {}


def _pendente(item):
    JobItem.objects.get(pk=item.pk).devolver()


def _de_outro(item):
    JobItem.objects.get(pk=item.pk).expirar(dono_morto=True)
    tomado(item.execucao)


def _vencido(item):
    JobItem.objects.get(pk=item.pk).expirar(dono_morto=True)


def _encerrado(item):
    assert item.execucao.encerrar()


def _robo_encerrado(item):
    novo_robo(item.execucao)
    assert item.processo.encerrar()


def _robo_reiniciado(item):
    assert item.processo.reiniciar()


def _de_outra_geracao(item):
    item.execucao.encerrar()
    item.execucao.reabrir()
    tomado(item.execucao)


TIRADO = [_pendente, _de_outro, _vencido, _encerrado, _robo_encerrado, _robo_reiniciado, _de_outra_geracao]


@desistencia
@pytest.mark.parametrize("tirar", TIRADO)
def test_a_robot_whose_item_was_taken_away_writes_nothing(verbo, tirar):
    lote = nova_execucao(2, max_robots=2)
    item = tomado(lote)
    tirar(item)
    antes = retrato(lote)
    if (verbo, tirar) == ("devolver", _pendente):
        DESISTENCIAS[verbo](item)  # given back already, with this token: as good as done, and still as it was written
    else:
        with pytest.raises(StaleClaim, match=f"{item.pk} .* token {item.token}"):
            DESISTENCIAS[verbo](item)
    assert retrato(lote) == antes
    assert item.renovar() is False
    assert retrato(lote) == antes


@desistencia
@pytest.mark.parametrize("fim", ["concluir", "falhar"])
def test_a_terminal_item_does_not_change_again(verbo, fim):
    lote = nova_execucao(2)
    item = tomado(lote)
    DESISTENCIAS[fim](item)
    antes = retrato(lote)
    if verbo == fim:
        DESISTENCIAS[verbo](item)  # its reply was lost: again is success, counted once
    else:
        with pytest.raises(StaleClaim):
            DESISTENCIAS[verbo](item)
    assert retrato(lote) == antes


@desistencia
def test_an_older_token_cannot_give_up_the_item_of_a_newer_one(verbo):
    """Not even when the same robot claimed it again: it is the token that owns, not the robot."""
    lote = nova_execucao(1)
    robo = novo_robo(lote)
    antigo = tomado(lote, robo)
    JobItem.objects.get(pk=antigo.pk).devolver()
    novo = tomado(lote, robo)
    assert (antigo.pk, antigo.token + 1) == (novo.pk, novo.token)
    antes = retrato(lote)
    if verbo == "devolver":
        DESISTENCIAS[verbo](antigo)  # that was done with the old token, and is not done again with the new one
    else:
        with pytest.raises(StaleClaim):
            DESISTENCIAS[verbo](antigo)
    assert retrato(lote) == antes
    novo.concluir(RESPOSTA)
    assert contadores(lote) == (0, 0, 1, 0)


@pytest.mark.parametrize(("verbo", "classe"), [("concluir", ""), ("falhar", "layout_mudou")])
def test_the_last_open_item_closes_the_batch(verbo, classe, tempo):
    lote = nova_execucao(2)
    tomado(lote).concluir(RESPOSTA)
    lote.refresh_from_db()
    assert (lote.status, lote.finished_at) == ("running", None)
    tempo.avancar(3)
    DESISTENCIAS[verbo](tomado(lote))
    assert contadores(lote)[:2] == (0, 0)
    assert (lote.status, lote.finished_at) == ("done", tempo.agora)
    assert lote.itens.get(ordem=2).erro_classe == classe


def test_an_item_that_waits_keeps_the_batch_open():
    lote = nova_execucao(2)
    tomado(lote).tentar_de_novo("tempo_esgotado", "")
    tomado(lote).concluir(RESPOSTA)
    assert contadores(lote) == (1, 0, 1, 0)
    assert lote.status == "running"


@pytest.mark.django_db(transaction=True)
def test_the_batch_closes_in_the_transaction_of_its_last_item(monkeypatch):
    lote = nova_execucao(1)
    item = tomado(lote)
    antes = retrato(lote)

    def falha(*args, **kwargs):
        raise ConnectionError("before the commit")

    monkeypatch.setattr(Tentativa.objects, "filter", falha)
    with pytest.raises(ConnectionError):
        item.concluir(RESPOSTA)
    monkeypatch.undo()
    assert retrato(lote) == antes
    item.concluir(RESPOSTA)
    lote.refresh_from_db()
    assert (lote.status, lote.n_done) == ("done", 1)


@pytest.mark.django_db(transaction=True)
def test_two_last_robots_that_finish_together_close_the_batch():
    lote = nova_execucao(8, max_robots=8)
    host = novo_host()
    itens = [tomado(lote, novo_robo(lote, host)) for _ in range(8)]
    in_threads(8, lambda i: itens[i].concluir(RESPOSTA))
    assert contadores(lote) == (0, 0, 8, 0)
    assert lote.status == "done"


# ---- T6: finish -------------------------------------------------------------------------------------------------
def test_concluir_stores_the_answer_cut_to_its_columns_and_clears_the_old_failure(tempo):
    lote = nova_execucao(1)
    robo = novo_robo(lote)
    tomado(lote, robo).tentar_de_novo("tempo_esgotado", "esgotou")
    tempo.avancar(30)
    em = tempo.agora - timedelta(days=2)
    resposta = Resposta(
        Resultado.PROTOCOLADA, em, em, "p" * 70, "d" * 400, "detalhes", "evidência", {"movimento": 3}
    )  # fmt: skip
    tomado(lote, robo).concluir(resposta)
    item = lote.itens.get()
    assert (item.resultado, item.protocolada_em, item.juntada_em, item.protocolo) == ("protocolada", em, em, "p" * 60)
    assert (item.documento, item.detalhes, item.evidencia) == ("d" * 300, "detalhes", "evidência")
    assert (item.dados, item.erro_classe, item.erro, item.finished_at) == ({"movimento": 3}, "", "", tempo.agora)
    assert list(item.tentativas.values_list("outcome", flat=True)) == ["tempo_esgotado", "protocolada"]


@pytest.mark.parametrize("verbo", ["concluir", "falhar"])
def test_a_finish_whose_reply_was_lost_succeeds_again_even_after_the_batch_was_closed(verbo):
    lote = nova_execucao(1)
    item = tomado(lote)
    copia = JobItem.objects.get(pk=item.pk)
    DESISTENCIAS[verbo](item)
    antes = retrato(lote)
    DESISTENCIAS[verbo](copia)
    assert retrato(lote) == antes
    assert contadores(lote)[2] + contadores(lote)[3] == 1


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("verbo", ["concluir", "falhar", "tentar_de_novo", "adiar", "devolver"])
def test_a_verb_whose_reply_was_lost_succeeds_again_and_writes_nothing(verbo, attempts, tempo):
    """Also when the item has gone on meanwhile: what counts is how the attempt with this token ended."""
    lote = nova_execucao(1)
    item = tomado(lote)
    JobItem.objects.filter(pk=item.pk).update(attempts=attempts)  # the third retry is a failure
    item.refresh_from_db()
    DESISTENCIAS[verbo](item)
    antes = retrato(lote)
    DESISTENCIAS[verbo](item)
    assert retrato(lote) == antes
    tempo.avancar(100)
    lote.reabrir()
    JobItem.objects.tentar_iniciar(lote, novo_robo(lote))
    antes = retrato(lote)
    DESISTENCIAS[verbo](item)
    assert retrato(lote) == antes


def test_an_expiry_is_no_lost_reply_and_is_refused_the_second_time():
    item = tomado(nova_execucao(1))
    item.expirar(dono_morto=True)
    with pytest.raises(StaleClaim):
        item.expirar(dono_morto=True)


@pytest.mark.parametrize("outro", ["falhar", "encerrado pelo operador"])
def test_a_lost_reply_does_not_excuse_an_outcome_that_is_not_its_own(outro):
    lote = nova_execucao(2, max_robots=2)
    item = tomado(lote)
    if outro == "falhar":
        item.falhar("navegador", "")
    else:
        novo_robo(lote)
        assert item.processo.encerrar()
    with pytest.raises(StaleClaim):
        item.falhar("layout_mudou", "")


@desistencia
def test_a_counter_that_is_too_low_is_put_right_instead_of_refusing_whoever_owns_the_item(verbo):
    lote = nova_execucao(2)
    item = tomado(lote)
    Execucao.objects.filter(pk=lote.pk).update(n_pending=2, n_running=0)
    DESISTENCIAS[verbo](item)
    assert contadores(lote) == ESPERADO[verbo][1]
    assert eventos(lote).count("contadores") == 1


def test_the_end_of_a_robot_is_recorded_although_the_counters_were_wrong():
    lote = nova_execucao(2)
    robo = novo_robo(lote)
    tomado(lote, robo)
    Execucao.objects.filter(pk=lote.pk).update(n_pending=2, n_running=0)
    assert robo.terminar("lost", motivo="perdido")
    assert contadores(lote) == (2, 0, 0, 0)


def test_a_lost_reply_does_not_excuse_another_outcome():
    lote = nova_execucao(2)
    item = tomado(lote)
    item.concluir(RESPOSTA)
    with pytest.raises(StaleClaim):
        item.falhar("navegador", "")
    assert lote.itens.get(pk=item.pk).status == "done"


# ---- T7: retry --------------------------------------------------------------------------------------------------
def test_tentar_de_novo_waits_ten_and_twenty_seconds_with_jitter_and_fails_the_third_time(tempo):
    lote = nova_execucao(1)
    robo = novo_robo(lote)
    for vez, base in ((1, 10), (2, 20)):
        item = tomado(lote, robo)
        assert item.attempts == vez
        item.tentar_de_novo("tempo_esgotado", "a página não respondeu")
        gravado = lote.itens.get()
        assert base <= (gravado.available_at - tempo.agora).total_seconds() <= base * 1.2
        assert (gravado.status, gravado.erro_classe, gravado.attempts) == ("pending", "tempo_esgotado", vez)
        assert JobItem.objects.tentar_iniciar(lote, robo) is None
        tempo.avancar(base * 1.2)
    item = tomado(lote, robo)
    item.tentar_de_novo("portal_indisponivel", "503")
    gravado = lote.itens.get()
    assert (gravado.status, gravado.erro_classe, gravado.erro) == ("failed", "portal_indisponivel", "503")
    assert (gravado.attempts, gravado.finished_at) == (3, tempo.agora)
    assert contadores(lote) == (0, 0, 0, 1)
    assert lote.status == "done", "every item has ended: that is not an interruption"


def test_the_backoff_is_not_the_same_for_two_items(tempo):
    lote = nova_execucao(8, max_robots=8)
    for _ in range(8):
        tomado(lote).tentar_de_novo("tempo_esgotado", "")
    assert len(set(lote.itens.values_list("available_at", flat=True))) > 1


# ---- T8: snooze -------------------------------------------------------------------------------------------------
def test_adiar_gives_the_attempt_back_five_times_and_then_counts_retries(tempo):
    lote = nova_execucao(1)
    robo = novo_robo(lote)
    for vez in range(1, MAX_SNOOZES + 1):
        tomado(lote, robo).adiar("bloqueado", "acesso bloqueado", 300)
        item = lote.itens.get()
        assert (item.status, item.attempts, item.snoozes, item.erro_classe) == ("pending", 0, vez, "bloqueado")
        assert item.available_at == tempo.avancar(300)
    for vez in (1, 2):
        tomado(lote, robo).adiar("bloqueado", "acesso bloqueado", 300)
        item = lote.itens.get()
        assert (item.status, item.attempts, item.snoozes) == ("pending", vez, 5)
        tempo.avancar(60)
    tomado(lote, robo).adiar("bloqueado", "acesso bloqueado", 300)
    item = lote.itens.get()
    assert (item.status, item.attempts, item.erro_classe) == ("failed", 3, "bloqueado")


# ---- T9: expire -------------------------------------------------------------------------------------------------
def test_expirar_without_a_dead_owner_waits_for_the_lease(tempo):
    lote = nova_execucao(1)
    item = tomado(lote)
    tempo.avancar(60)
    assert not JobItem.objects.vencidos(tempo.agora).exists()
    antes = retrato(lote)
    with pytest.raises(StaleClaim):
        item.expirar(dono_morto=False)
    assert retrato(lote) == antes
    tempo.avancar(0.001)
    assert JobItem.objects.vencidos(tempo.agora).get() == item
    item.expirar(dono_morto=False)
    assert contadores(lote) == (1, 0, 0, 0)


def test_a_lease_renewed_after_the_watchdog_looked_is_not_expired(tempo):
    lote = nova_execucao(1)
    item = tomado(lote)
    tempo.avancar(61)
    (visto,) = JobItem.objects.vencidos(tempo.agora)
    assert item.renovar() is True
    antes = retrato(lote)
    with pytest.raises(StaleClaim):
        visto.expirar(dono_morto=False)
    assert retrato(lote) == antes
    item.concluir(RESPOSTA)


def test_two_watchdogs_reset_an_item_once(tempo):
    lote = nova_execucao(1)
    tomado(lote)
    tempo.avancar(61)
    um, outro = JobItem.objects.vencidos(tempo.agora).get(), JobItem.objects.vencidos(tempo.agora).get()
    um.expirar(dono_morto=False)
    antes = retrato(lote)
    with pytest.raises(StaleClaim):
        outro.expirar(dono_morto=False)
    assert retrato(lote) == antes
    assert lote.itens.get().crashes == 1


def test_three_crashes_are_poison_and_cost_no_attempt():
    lote = nova_execucao(2)
    for vez in (1, 2):
        tomado(lote).expirar(dono_morto=True)
        item = lote.itens.get(ordem=1)
        assert (item.status, item.crashes, item.attempts, item.token) == ("pending", vez, 0, 2 * vez)
    ultimo = tomado(lote)
    ultimo.expirar(dono_morto=True)
    item = lote.itens.get(ordem=1)
    assert (item.status, item.erro_classe, item.crashes, item.attempts) == ("failed", "veneno", 3, 0)
    assert (item.token, bool(item.finished_at)) == (6, True)
    assert contadores(lote) == (1, 0, 0, 1)
    assert list(item.tentativas.values_list("n", "outcome")) == [
        (1, "robo_perdido"),
        (3, "robo_perdido"),
        (5, "veneno"),
    ]
    tomado(lote).concluir(RESPOSTA)
    assert contadores(lote) == (0, 0, 1, 1)
    assert lote.status == "done"


def test_a_poison_item_that_is_the_last_closes_the_batch():
    lote = nova_execucao(1)
    for _ in range(3):
        tomado(lote).expirar(dono_morto=True)
    assert contadores(lote) == (0, 0, 0, 1)
    assert lote.status == "done"


# ---- T4 and T5: heartbeat ---------------------------------------------------------------------------------------
def test_renovar_gives_the_whole_lease_again_and_nothing_else(tempo):
    lote = nova_execucao(1)
    item = tomado(lote)
    antes = lote.itens.values().get()
    tempo.avancar(59)
    assert item.renovar() is True
    depois = lote.itens.values().get()
    assert depois.pop("lease_until") == tempo.agora + timedelta(seconds=60)
    antes.pop("lease_until")
    assert depois == antes


def test_bater_says_when_the_robot_is_taken_for_dead(tempo):
    robo = novo_robo(nova_execucao())
    tempo.avancar(10)
    assert robo.bater("consultando", 4.0) is True
    robo.refresh_from_db()
    assert (robo.heartbeat_at, robo.passo) == (tempo.agora, "consultando")
    assert robo.progress_at == tempo.agora - timedelta(seconds=4)
    robo.terminar("lost", motivo="perdido")
    antes = Processo.objects.values().get()
    assert robo.bater("consultando", 0) is False
    assert Processo.objects.values().get() == antes


# ---- T18: start -------------------------------------------------------------------------------------------------
def pedido(lote=None, host=None):
    return Processo.objects.pedir(lote or nova_execucao(), host or novo_host(), clock.db_now())


def test_only_one_supervisor_starts_a_requested_robot(tempo):
    robo = pedido()
    outro = Processo.objects.get(pk=robo.pk)
    assert (robo.iniciar(), outro.iniciar(), robo.iniciar()) == (True, False, False)
    tempo.avancar(2)
    assert robo.rodar(pid=7, start_ticks=8, boot_id="b", pasta="/p") is True
    gravado = Processo.objects.get()
    assert (gravado.status, gravado.pid, gravado.start_ticks, gravado.pasta) == ("running", 7, 8, "/p")
    assert gravado.started_at == gravado.heartbeat_at == gravado.progress_at == tempo.agora
    assert outro.rodar(pid=9, start_ticks=9, boot_id="b", pasta="") is False
    assert Processo.objects.get().pid == 7


def test_a_robot_is_not_started_once_it_is_asked_to_die_or_its_host_is_stopping():
    host = novo_host()
    parado, morto = pedido(host=host), pedido(host=novo_host())
    host.parar()
    assert Processo.objects.filter(pk=morto.pk).pedir_morte(clock.db_now()) == 1
    assert (parado.iniciar(), morto.iniciar()) == (False, False)
    assert list(Processo.objects.order_by("pk").values_list("status", flat=True)) == ["requested", "killed"]


def test_a_robot_that_was_never_started_cannot_run():
    robo = pedido()
    assert robo.rodar(pid=1, start_ticks=1, boot_id="b", pasta="") is False
    assert Processo.objects.get().status == "requested"


@pytest.mark.django_db(transaction=True)
def test_of_eight_supervisors_with_the_same_message_one_starts_the_robot():
    robo = pedido()
    assert sorted(in_threads(8, lambda i: Processo.objects.get(pk=robo.pk).iniciar())) == [False] * 7 + [True]


# ---- T11: kill --------------------------------------------------------------------------------------------------
def test_encerrar_ends_the_batch_for_good_and_asks_its_robots_to_die(tempo, operador):
    lote = nova_execucao(4, max_robots=2)
    host = novo_host()
    parado = novo_robo(lote, host)
    tomado(lote, parado).concluir(RESPOSTA)
    item = tomado(lote, novo_robo(lote, host))
    pedido(lote, host)
    tempo.avancar(5)
    assert lote.encerrar(operador) is True
    assert contadores(lote) == (0, 0, 1, 3)
    assert (lote.status, lote.geracao, lote.finished_at) == ("error", 2, tempo.agora)
    assert lote.motivo == "Encerrada pelo operador."
    falhas = set(lote.itens.falhados().values_list("erro_classe", "processo", "lease_until", "finished_at"))
    assert falhas == {("encerrado", None, None, tempo.agora)}
    assert list(lote.itens.order_by("ordem").values_list("token", flat=True)) == [1, 2, 1, 1]
    assert list(item.tentativas.values_list("outcome", "ended")) == [("encerrado", tempo.agora)]
    estados = list(lote.processos.order_by("pk").values_list("status", "kill_requested_at", "kill_requested_by"))
    assert estados == [(s, tempo.agora, "operadora") for s in ("running", "running", "killed")]
    assert eventos(lote)[-1] == "encerrado"


@pytest.mark.parametrize("terminar", [lambda lote: lote.encerrar(), lambda lote: tomado(lote).concluir(RESPOSTA)])
def test_encerrar_twice_or_after_the_end_changes_nothing(terminar):
    lote = nova_execucao(1)
    terminar(lote)
    antes = retrato(lote), eventos(lote)
    assert lote.encerrar() is False
    assert (retrato(lote), eventos(lote)) == antes


def test_a_done_item_survives_a_kill_that_comes_after_it_and_a_kill_survives_a_late_finish():
    primeiro, segundo = nova_execucao(2), nova_execucao(2)
    item = tomado(primeiro)
    item.concluir(RESPOSTA)
    primeiro.encerrar()
    assert contadores(primeiro) == (0, 0, 1, 1)
    item = tomado(segundo)
    segundo.encerrar()
    with pytest.raises(StaleClaim):
        item.concluir(RESPOSTA)
    assert contadores(segundo) == (0, 0, 0, 2)
    assert segundo.status == "error"


def test_expiry_before_the_finish_wins_and_finish_before_the_expiry_wins():
    lote = nova_execucao(2)
    item = tomado(lote)
    JobItem.objects.get(pk=item.pk).expirar(dono_morto=True)
    with pytest.raises(StaleClaim):
        item.concluir(RESPOSTA)
    assert contadores(lote) == (2, 0, 0, 0)
    item = tomado(lote)
    visto = JobItem.objects.get(pk=item.pk)
    item.concluir(RESPOSTA)
    with pytest.raises(StaleClaim):
        visto.expirar(dono_morto=True)
    assert contadores(lote) == (1, 0, 1, 0)


RIVAIS = {
    "encerrar": lambda lote, robo, visto: lote.encerrar(),
    "encerrar_robo": lambda lote, robo, visto: robo.encerrar(),
    "reiniciar_robo": lambda lote, robo, visto: robo.reiniciar(),
    "terminar": lambda lote, robo, visto: robo.terminar("killed", motivo="falha"),
    "expirar": lambda lote, robo, visto: visto.expirar(dono_morto=True),
}


def venceu(verbo) -> bool:
    try:
        verbo()
    except StaleClaim:
        return False
    return True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rival", RIVAIS)
def test_a_finish_that_races_with_an_end_has_one_winner_and_right_counters(rival):
    for _ in range(5):
        lote = nova_execucao(2, max_robots=2)
        robo = novo_robo(lote)
        novo_robo(lote)
        item = tomado(lote, robo)
        visto = JobItem.objects.get(pk=item.pk)
        lados = [partial(item.concluir, RESPOSTA), partial(RIVAIS[rival], lote, robo, visto)]
        concluiu, _ = in_threads(2, lambda i, lados=lados: venceu(lados[i]))
        assert (JobItem.objects.get(pk=item.pk).status == "done") is concluiu
        contadores(lote)
        assert not item.tentativas.filter(ended=None).exists()


def test_encerrar_one_robot_fails_its_item_and_lowers_max_robots(operador):
    lote = nova_execucao(4, max_robots=3)
    robos = [novo_robo(lote) for _ in range(3)]
    itens = [tomado(lote, robo) for robo in robos]
    assert robos[0].encerrar(operador) is True
    assert contadores(lote) == (1, 2, 0, 1)
    assert (lote.status, lote.max_robots, lote.geracao) == ("running", 2, 1)
    assert lote.itens.get(pk=itens[0].pk).erro_classe == "encerrado"
    morto = Processo.objects.get(pk=robos[0].pk)
    assert (morto.status, morto.kill_requested_by, bool(morto.kill_requested_at)) == ("running", "operadora", True)
    assert Processo.objects.filter(kill_requested_at=None).count() == 2
    assert eventos(lote)[-1] == "robo_encerrado"
    antes = retrato(lote)
    assert robos[0].encerrar(operador) is False
    assert retrato(lote) == antes


def test_encerrar_one_robot_does_not_raise_a_max_robots_that_is_lower_already():
    lote = nova_execucao(4, max_robots=1)
    robos = [novo_robo(lote) for _ in range(3)]
    robos[0].encerrar()
    lote.refresh_from_db()
    assert lote.max_robots == 1


def test_encerrar_the_last_robot_ends_the_batch():
    lote = nova_execucao(4, max_robots=2)
    um, ultimo = novo_robo(lote), novo_robo(lote)
    tomado(lote, ultimo)
    um.encerrar()
    assert ultimo.encerrar() is True
    assert contadores(lote) == (0, 0, 0, 4)
    assert (lote.status, lote.geracao) == ("error", 2)
    assert set(lote.itens.values_list("erro_classe", flat=True)) == {"encerrado"}
    assert ultimo.encerrar() is False


def test_a_robot_that_outlives_its_batch_can_still_be_asked_to_die():
    lote = nova_execucao(1)
    robo = novo_robo(lote)
    tomado(lote, robo).concluir(RESPOSTA)
    assert robo.encerrar() is True
    robo.refresh_from_db()
    assert robo.kill_requested_at is not None
    assert contadores(lote) == (0, 0, 1, 0)
    assert (lote.status, lote.max_robots, lote.geracao) == ("done", 1, 1)


def test_encerrar_a_requested_robot_kills_it_at_once():
    lote = nova_execucao(4, max_robots=2)
    novo_robo(lote)
    robo = pedido(lote)
    assert robo.encerrar() is True
    robo.refresh_from_db()
    assert (robo.status, robo.motivo, bool(robo.ended_at)) == ("killed", "encerrado", True)
    assert robo.iniciar() is False


def test_encerrar_a_robot_that_has_ended_changes_nothing():
    lote = nova_execucao(4, max_robots=2)
    robo, _ = novo_robo(lote), novo_robo(lote)
    robo.terminar("exited", motivo="concluido")
    antes = retrato(lote)
    assert robo.encerrar() is False
    assert robo.reiniciar() is False
    assert retrato(lote) == antes


def test_reiniciar_returns_the_item_without_a_failure_and_keeps_max_robots(operador):
    lote = nova_execucao(2, max_robots=2)
    robo = novo_robo(lote)
    item = tomado(lote, robo)
    assert robo.reiniciar(operador) is True
    gravado = lote.itens.get(pk=item.pk)
    assert (gravado.status, gravado.attempts, gravado.crashes, gravado.erro_classe) == ("pending", 0, 0, "")
    assert contadores(lote) == (2, 0, 0, 0)
    assert (lote.max_robots, lote.status, lote.geracao) == (2, "running", 1)
    robo.refresh_from_db()
    assert robo.kill_requested_at is not None
    assert eventos(lote)[-1] == "robo_reiniciado"
    antes = retrato(lote)
    assert robo.reiniciar(operador) is False
    assert retrato(lote) == antes


def test_encerrar_todos_ends_every_open_batch_and_every_process(operador):
    lotes = [nova_execucao(2) for _ in range(2)]
    pronto = nova_execucao(1)
    tomado(pronto).concluir(RESPOSTA)  # its robot still lives
    tomado(lotes[0])
    pedido(lotes[1])
    antes = retrato(pronto)[:3]
    assert encerrar_todos(operador) == 2
    for lote in lotes:
        assert contadores(lote) == (0, 0, 0, 2)
        assert (lote.status, lote.geracao) == ("error", 2)
    assert retrato(pronto)[:3] == antes
    assert not Processo.objects.vivos().filter(kill_requested_at=None).exists()
    assert Processo.objects.filter(status="killed").count() == 1
    lines = Registro.objects.count()
    assert encerrar_todos(operador) == 0
    assert Registro.objects.count() == lines


def test_what_is_written_of_one_is_in_the_singular(operador):
    lote = nova_execucao(1)
    assert Registro.objects.get(evento="enfileirada").mensagem == "Enfileirada com 1 arquivo."
    lote.encerrar()
    nova_execucao(1)
    vivo = pedir_script_vivo()
    assert encerrar_todos(operador) == 1
    assert Registro.objects.get(evento="encerrar_todos").mensagem == "Encerrar todos: 1 execução e mais 1 processo."
    vivo.refresh_from_db()
    assert vivo.kill_requested_at


def pedir_script_vivo():
    return Processo.objects.create(
        tipo="script", script=novo_script(), host=novo_host(), status="running", requested_at=clock.db_now()
    )


def test_a_robots_verbs_do_a_script_no_harm(operador):
    vivo = pedir_script_vivo()
    assert vivo.reiniciar(operador) is False
    vivo.refresh_from_db()
    assert vivo.kill_requested_at is None and not Registro.objects.exists()
    assert vivo.encerrar(operador) is True
    vivo.refresh_from_db()
    assert vivo.kill_requested_at is not None
    assert Registro.objects.get().evento == "script_encerrado"
    assert vivo.encerrar(operador) is False and Registro.objects.count() == 1


# ---- T12's and every reason's effect: interromper ---------------------------------------------------------------
def test_interromper_gives_its_class_to_open_items_only():
    lote = nova_execucao(3)
    robo = novo_robo(lote)
    tomado(lote, robo).concluir(RESPOSTA)
    tomado(lote, robo).falhar("layout_mudou", "mudou")
    assert lote.interromper(ErroClasse.SEM_HEARTBEAT, "Sem sinal há 15 minutos.") is True
    classes = list(lote.itens.order_by("ordem").values_list("status", "erro_classe"))
    assert classes == [("done", ""), ("failed", "layout_mudou"), ("failed", "sem_heartbeat")]
    assert contadores(lote) == (0, 0, 1, 2)
    assert (lote.status, lote.motivo) == ("error", "Sem sinal há 15 minutos.")


# ---- T13: reopen ------------------------------------------------------------------------------------------------
def com_falhas():
    """A batch that ended by itself: one done, one `navegador`, two `layout_mudou`."""
    lote = nova_execucao(4)
    robo = novo_robo(lote)
    tomado(lote, robo).concluir(RESPOSTA)
    tomado(lote, robo).falhar("navegador", "caiu")
    for _ in range(2):
        tomado(lote, robo).falhar("layout_mudou", "mudou")
    contadores(lote)
    assert lote.status == "done"
    return lote


def test_reabrir_makes_all_failed_items_pending_and_starts_a_generation(tempo, operador):
    lote = com_falhas()
    lote.itens.falhados().update(attempts=3, crashes=2, snoozes=5)
    tempo.avancar(100)
    assert lote.reabrir(operador) == 3
    assert contadores(lote) == (3, 0, 1, 0)
    assert (lote.status, lote.geracao, lote.finished_at, lote.started_at) == ("queued", 2, None, None)
    assert (lote.motivo, lote.heartbeat_at) == ("", tempo.agora)
    nomes = ("attempts", "crashes", "snoozes", "erro_classe", "erro", "available_at", "finished_at", "token")
    assert set(lote.itens.pendentes().values_list(*nomes)) == {(0, 0, 0, "", "", tempo.agora, None, 1)}
    assert eventos(lote)[-1] == "reaberta"
    antes = retrato(lote)
    assert lote.reabrir(operador) == 0
    assert retrato(lote) == antes


def test_reabrir_one_class_leaves_the_others_failed():
    lote = com_falhas()
    assert lote.reabrir(classe="captcha") == 0
    assert lote.reabrir(classe="layout_mudou") == 2
    assert contadores(lote) == (2, 0, 1, 1)
    assert lote.itens.falhados().get().erro_classe == "navegador"


def test_reabrir_after_a_kill_starts_a_second_new_generation():
    lote = nova_execucao(2)
    lote.encerrar()
    assert lote.reabrir() == 2
    lote.refresh_from_db()
    assert (lote.geracao, lote.status, lote.motivo) == (3, "queued", "")


@pytest.mark.parametrize("status", ["queued", "running"])
def test_reabrir_an_open_batch_keeps_its_generation_and_status(status):
    lote = nova_execucao(3)
    robo = novo_robo(lote)
    tomado(lote, robo).falhar("layout_mudou", "")
    if status == "running":
        tomado(lote, robo)
    else:
        robo.terminar("exited", motivo="concluido")
    lote.refresh_from_db()
    assert lote.status == status
    assert lote.reabrir() == 1
    contadores(lote)
    assert (lote.geracao, lote.status) == (1, status)


def test_a_reopened_item_is_not_written_by_the_robot_that_failed_it():
    lote = nova_execucao(1)
    item = tomado(lote)
    item.falhar("layout_mudou", "")
    lote.reabrir()
    antes = retrato(lote)
    for nome, verbo in DESISTENCIAS.items():
        if nome == "falhar":
            verbo(item)  # that was written, before the reopening
        else:
            with pytest.raises(StaleClaim):
                verbo(item)
    assert retrato(lote) == antes
    assert tomado(lote).token == 2


# ---- T14: recount -----------------------------------------------------------------------------------------------
def test_recontar_finds_nothing_to_mend_and_writes_nothing():
    lote = nova_execucao(3)
    tomado(lote)
    antes = retrato(lote), eventos(lote)
    assert lote.recontar() == {}
    assert (retrato(lote), eventos(lote)) == antes


def test_recontar_mends_counters_and_says_what_differed():
    lote = nova_execucao(4)
    tomado(lote).concluir(RESPOSTA)
    Execucao.objects.filter(pk=lote.pk).update(n_pending=1, n_done=3)
    assert lote.recontar() == {"n_pending": 3, "n_done": 1}
    assert contadores(lote) == (3, 0, 1, 0)
    linha = Registro.objects.get(execucao=lote, evento="contadores")
    assert linha.level == "error"
    assert lote.recontar() == {}


def test_recontar_closes_a_stuck_batch_and_reopens_a_wrongly_closed_one(tempo):
    preso, fechado = nova_execucao(1), nova_execucao(1)
    JobItem.objects.filter(execucao=preso).update(status="done", resultado="nao_localizada")
    preso.recontar()
    assert contadores(preso) == (0, 0, 1, 0)
    assert (preso.status, preso.finished_at) == ("done", tempo.agora)
    Execucao.objects.filter(pk=fechado.pk).update(status="done", n_pending=0, n_done=1)
    fechado.recontar()
    assert contadores(fechado) == (1, 0, 0, 0)
    assert (fechado.status, fechado.finished_at) == ("queued", None)


# ---- T15: orderly stop ------------------------------------------------------------------------------------------
def test_devolver_gives_the_item_back_at_once_without_a_trace_of_failure(tempo):
    lote = nova_execucao(1)
    tempo.avancar(1)
    tomado(lote).devolver()
    item = lote.itens.get()
    assert (item.status, item.attempts, item.crashes, item.snoozes) == ("pending", 0, 0, 0)
    assert (item.erro_classe, item.available_at, item.token) == ("", tempo.agora, 1)
    assert tomado(lote).attempts == 1


# ---- T16: the process ended -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("item", "esperado"),
    [
        ("expirar", ("pending", 0, 1, "")),
        ("devolver", ("pending", 0, 0, "")),
        ("tentar_de_novo", ("pending", 1, 0, "tempo_esgotado")),
    ],
)
def test_terminar_gives_up_the_item_in_its_way_and_queues_the_batch_again(item, esperado, tempo):
    lote = nova_execucao(2)
    robo = novo_robo(lote)
    tomado(lote, robo)
    tempo.avancar(4)
    assert robo.terminar("killed", exit_code=-9, motivo="falha", erro="x" * 3000, item=item) is True
    robo.refresh_from_db()
    assert (robo.status, robo.exit_code, robo.motivo, robo.ended_at) == ("killed", -9, "falha", tempo.agora)
    assert robo.erro == "x" * 2000
    assert lote.itens.values_list("status", "attempts", "crashes", "erro_classe").get(ordem=1) == esperado
    assert contadores(lote) == (2, 0, 0, 0)
    assert lote.status == "queued"
    antes = retrato(lote)
    assert robo.terminar("lost", motivo="perdido") is False
    assert retrato(lote) == antes


def test_terminar_keeps_the_childs_own_words_when_it_has_none():
    lote = nova_execucao()
    robo = novo_robo(lote)
    robo.despedir("portal", "o portal não abriu")
    assert robo.terminar("exited", exit_code=0, motivo="") is True
    robo.refresh_from_db()
    assert (robo.motivo, robo.erro, robo.status) == ("portal", "o portal não abriu", "exited")


def test_terminar_leaves_a_batch_with_another_live_robot_running():
    lote = nova_execucao(3, max_robots=2)
    um, outro = novo_robo(lote), novo_robo(lote)
    item = tomado(lote, outro)
    assert um.terminar("exited", motivo="concluido") is True
    lote.refresh_from_db()
    assert lote.status == "running"
    item.devolver()
    lote.refresh_from_db()
    assert lote.status == "running"
    assert outro.terminar("exited", motivo="parada") is True
    lote.refresh_from_db()
    assert lote.status == "queued"


def test_terminar_does_not_touch_an_item_that_is_another_robots_by_now():
    lote = nova_execucao(1, max_robots=2)
    morto = novo_robo(lote)
    JobItem.objects.get(pk=tomado(lote, morto).pk).expirar(dono_morto=True)
    tomado(lote)
    antes = retrato(lote)[:3]
    assert morto.terminar("lost", motivo="perdido") is True
    assert retrato(lote)[:3] == antes


def test_terminar_the_robot_of_the_last_item_closes_the_batch_and_does_not_queue_it():
    lote = nova_execucao(1)
    for _ in range(3):
        robo = novo_robo(lote)
        tomado(lote, robo)
        robo.terminar("killed", motivo="falha")
    assert contadores(lote) == (0, 0, 0, 1)
    assert lote.status == "done"


def test_terminar_a_script_has_no_batch_to_queue():
    script = Processo.objects.create(
        tipo="script", script=novo_script(), uuid=uuid.uuid4(), status="running", requested_at=clock.db_now()
    )
    assert script.terminar("exited", exit_code=0, motivo="") is True
    script.refresh_from_db()
    assert (script.status, script.exit_code) == ("exited", 0)


@pytest.mark.django_db(transaction=True)
def test_of_a_supervisor_and_a_watchdog_one_records_the_end_and_the_item_crashes_once():
    lote = nova_execucao(2)
    robo = novo_robo(lote)
    tomado(lote, robo)
    fins = [("killed", "falha"), ("lost", "perdido"), ("lost", "perdido"), ("killed", "sem_progresso")]

    def terminar(i):
        status, motivo = fins[i]
        return Processo.objects.get(pk=robo.pk).terminar(status, motivo=motivo)

    assert sorted(in_threads(4, terminar)) == [False, False, False, True]
    assert lote.itens.values_list("crashes", "token", "attempts").get(ordem=1) == (1, 2, 0)
    assert contadores(lote) == (2, 0, 0, 0)


# ---- T17: pause, resume, max_robots -----------------------------------------------------------------------------
def test_pausar_and_retomar_once_each(tempo, operador):
    lote = nova_execucao(1)
    assert lote.retomar(operador) is False
    assert lote.pausar(operador) is True
    lote.refresh_from_db()
    assert (lote.pausada, lote.pausada_em, lote.pausada_por) == (True, tempo.agora, "operadora")
    antes = retrato(lote), eventos(lote)
    assert lote.pausar(operador) is False
    assert (retrato(lote), eventos(lote)) == antes
    tempo.avancar(1000)
    assert lote.retomar(operador) is True
    lote.refresh_from_db()
    assert (lote.pausada, lote.pausada_por, lote.heartbeat_at) == (False, "", tempo.agora)
    assert not Execucao.objects.caladas(tempo.agora - timedelta(seconds=1)).exists(), "the silence is counted anew"
    assert eventos(lote) == ["enfileirada", "pausada", "retomada"]


def test_a_robot_may_finish_its_item_while_the_batch_is_paused():
    lote = nova_execucao(2)
    item = tomado(lote)
    lote.pausar()
    item.concluir(RESPOSTA)
    assert contadores(lote) == (1, 0, 1, 0)


def test_an_ended_batch_cannot_be_paused():
    lote = nova_execucao(1)
    lote.encerrar()
    assert lote.pausar() is False
    lote.refresh_from_db()
    assert not lote.pausada


def test_max_robots_may_be_lowered_under_those_that_run_but_not_below_one(operador):
    lote = nova_execucao(5, max_robots=4)
    itens = [tomado(lote) for _ in range(4)]
    lote.definir_max_robots(2, operador)
    assert contadores(lote) == (1, 4, 0, 0)
    assert not Processo.objects.filter(kill_requested_at__isnull=False).exists()
    novo = novo_robo(lote)
    for item in itens[:2]:
        item.concluir(RESPOSTA)
        assert JobItem.objects.tentar_iniciar(lote, novo) is None
    itens[2].concluir(RESPOSTA)
    assert tomado(lote, novo).ordem == 5
    assert Registro.objects.get(evento="max_robots").mensagem == "Máximo de robôs: de 4 para 2."
    for invalido in (0, -1):
        with pytest.raises(ValueError, match="de 1 a 1000"):
            lote.definir_max_robots(invalido)
    lote.refresh_from_db()
    assert lote.max_robots == 2


def test_exactly_the_surplus_robots_leave():
    lote = nova_execucao(5, max_robots=4)
    robos = [novo_robo(lote) for _ in range(4)]
    assert [robo.sair_se_excedente() for robo in robos] == [False] * 4
    lote.definir_max_robots(2)
    assert [robo.sair_se_excedente() for robo in robos] == [True, True, False, False]
    assert [robo.sair_se_excedente() for robo in robos] == [False] * 4
    estados = list(lote.processos.order_by("pk").values_list("status", "motivo"))
    assert estados == [("stopping", "excedente")] * 2 + [("running", "")] * 2


def test_a_robot_that_is_asked_to_die_is_not_counted_as_staying():
    """Else its neighbour would leave too, and a fresh browser would have to be opened."""
    lote = nova_execucao(5, max_robots=3)
    robos = [novo_robo(lote) for _ in range(3)]
    assert robos[0].encerrar() is True
    lote.refresh_from_db()
    assert lote.max_robots == 2
    assert [robo.sair_se_excedente() for robo in robos[1:]] == [False, False]


@pytest.mark.django_db(transaction=True)
def test_exactly_the_surplus_leaves_when_all_ask_at_once():
    lote = nova_execucao(8, max_robots=8)
    host = novo_host()
    robos = [novo_robo(lote, host) for _ in range(8)]
    lote.definir_max_robots(3)
    assert sum(in_threads(8, lambda i: robos[i].sair_se_excedente())) == 5
    assert lote.processos.filter(status="running").count() == 3
