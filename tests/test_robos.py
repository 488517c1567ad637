"""T2: as many robots as an execution may have now, asked for once however often anybody asks."""

from datetime import timedelta

import pytest
from django.db import transaction
from django_q.models import OrmQ

from executions import clock, queue, robos
from executions.models import Credencial, Execucao, Host, JobItem, Portal, Processo, Registro
from executions.panorama import LEGITIMATE, Espera
from executions.robos import Pedido, espera_de, pedir_robos
from tests.factories import (
    RESPOSTA,
    contadores,
    in_threads,
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_portal,
    novo_robo,
    novo_script,
    por_para_rodar,
    retrato,
    tomado,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(tempo) -> Host:
    return novo_host(nome="maquina", places=8)


def mensagens() -> list[tuple[str, str, tuple]]:
    return [(m.key, m.task["func"], m.task["args"]) for m in OrmQ.objects.order_by("id")]


# ---- once -------------------------------------------------------------------------------------------------------
def test_pedir_robos_writes_max_robots_rows_and_one_message_for_each(host, tempo):
    lote = nova_execucao(5, max_robots=3)
    assert pedir_robos(lote.pk) == Pedido(3, Espera.NADA)
    pedidos = list(Processo.objects.order_by("pk"))
    assert {(p.execucao_id, p.host_id, p.tipo, p.status, p.geracao) for p in pedidos} == {
        (lote.pk, host.pk, "robo", "requested", 1)
    }
    assert {(p.requested_at, p.sent_at) for p in pedidos} == {(tempo.agora, tempo.agora)}
    assert mensagens() == [("robos-maquina", "workers.tasks.supervise", (str(p.uuid),)) for p in pedidos]
    lote.refresh_from_db()
    assert lote.status == "queued", "only a claim makes it running"


def test_a_message_carries_no_timeout_and_is_acknowledged_on_failure(host):
    pedir_robos(nova_execucao().pk)
    tarefa = OrmQ.objects.get().task
    assert (tarefa["timeout"], tarefa["ack_failure"], tarefa["cluster"]) == (-1, True, "robos-maquina")


def test_a_hundred_clicks_ask_for_max_robots_robots(host):
    lote = nova_execucao(9, max_robots=2)
    pedidos = [pedir_robos(lote.pk) for _ in range(100)]
    assert pedidos == [Pedido(2, Espera.NADA)] + [Pedido(0, Espera.COMPLETA)] * 99
    assert (Processo.objects.count(), OrmQ.objects.count()) == (2, 2)


@pytest.mark.django_db(transaction=True)
def test_twenty_clicks_at_once_ask_for_max_robots_robots():
    novo_host(places=16)
    lote = nova_execucao(20, max_robots=4)
    assert sorted(in_threads(20, lambda _: pedir_robos(lote.pk).robos)) == [0] * 19 + [4]
    assert (Processo.objects.count(), OrmQ.objects.count()) == (4, 4)


@pytest.mark.django_db(transaction=True)
def test_batches_that_ask_at_once_share_neither_a_place_nor_the_turn(settings):
    settings.EXECUCOES_SIMULTANEAS = 2
    novo_host(places=3)
    lotes = [nova_execucao(4, max_robots=2) for _ in range(6)]
    assert sum(in_threads(12, lambda i: pedir_robos(lotes[i % 6].pk).robos)) == 3
    assert (Processo.objects.count(), OrmQ.objects.count()) == (3, 3)
    assert Processo.objects.values("execucao").distinct().count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_fails_leaves_neither_row_nor_message():
    novo_host()
    lote = nova_execucao(4, max_robots=2)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert pedir_robos(lote.pk).robos == 2
        assert (Processo.objects.count(), OrmQ.objects.count()) == (2, 2)
        _ = 1 / 0
    assert (Processo.objects.count(), OrmQ.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_message_that_cannot_be_sent_takes_its_row_back(monkeypatch):
    novo_host()
    lote = nova_execucao(4, max_robots=2)
    enviar, enviadas = queue.send_supervise, []

    def falhar_na_segunda(uuid: str, host: str) -> None:
        if enviadas:
            raise OSError("full")
        enviadas.append(uuid)
        enviar(uuid, host)

    monkeypatch.setattr(queue, "send_supervise", falhar_na_segunda)
    with pytest.raises(OSError, match="full"):
        pedir_robos(lote.pk)
    assert (Processo.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_iniciar_keeps_who_asked_only_when_robots_were_asked_for(host, django_user_model):
    operador = django_user_model.objects.create_user("operadora")
    lote = nova_execucao(4, max_robots=2)
    assert robos.iniciar(lote, operador).robos == 2
    assert robos.iniciar(lote, operador).robos == 0
    linha = Registro.objects.get(evento="iniciada")
    assert (linha.usuario, linha.execucao, linha.mensagem) == (operador, lote, "Robôs pedidos: 2.")


# ---- how many ---------------------------------------------------------------------------------------------------
def test_no_more_robots_than_items_that_run_or_may_be_claimed(host, tempo):
    lote = nova_execucao(3, max_robots=8)
    assert pedir_robos(lote.pk) == Pedido(3, Espera.NADA)
    robo, outro, terceiro = (por_para_rodar(p) for p in Processo.objects.order_by("pk"))
    tomado(lote, robo)
    tomado(lote, outro).concluir(RESPOSTA)
    outro.terminar("exited", motivo="reciclado")
    tomado(lote, terceiro).tentar_de_novo("tempo_esgotado", "")
    terceiro.terminar("exited", motivo="navegador")
    assert pedir_robos(lote.pk) == Pedido(0, Espera.COMPLETA)
    tempo.avancar(12)
    assert pedir_robos(lote.pk) == Pedido(1, Espera.NADA)


def test_a_robot_that_is_stopping_or_asked_to_die_still_counts_until_it_has_ended(host):
    lote = nova_execucao(4, max_robots=2)
    um, outro = novo_robo(lote), novo_robo(lote)
    um.despedir("reciclado")
    outro.reiniciar()
    assert pedir_robos(lote.pk) == Pedido(0, Espera.COMPLETA)
    um.terminar("exited", motivo="")
    assert pedir_robos(lote.pk) == Pedido(1, Espera.NADA)


def test_a_raised_maximum_asks_for_the_difference_and_a_lowered_one_for_nothing(host):
    lote = nova_execucao(9, max_robots=2)
    assert pedir_robos(lote.pk).robos == 2
    lote.definir_max_robots(5)
    assert pedir_robos(lote.pk).robos == 3
    lote.definir_max_robots(1)
    assert pedir_robos(lote.pk) == Pedido(0, Espera.COMPLETA)


def test_robots_spread_over_the_emptiest_hosts(tempo):
    cheia, vazia = novo_host(nome="a", places=2), novo_host(nome="b", places=4)
    lote = nova_execucao(9, max_robots=9)
    assert pedir_robos(lote.pk) == Pedido(6, Espera.SEM_LUGAR)
    assert [p.host for p in Processo.objects.order_by("pk")] == [vazia, vazia, cheia, vazia, cheia, vazia]
    assert pedir_robos(lote.pk) == Pedido(0, Espera.SEM_LUGAR)


# ---- why not ----------------------------------------------------------------------------------------------------
def test_an_unknown_execution_and_an_ended_one_ask_for_nothing(host):
    lote = nova_execucao()
    lote.encerrar()
    assert pedir_robos(lote.pk) == Pedido(0, Espera.TERMINADA)
    assert pedir_robos(lote.pk + 1) == Pedido(0, Espera.TERMINADA)
    assert espera_de(Execucao.objects.get(), clock.db_now()) == Espera.TERMINADA


def pausada(lote: Execucao) -> None:
    lote.pausar()


def em_recuo(lote: Execucao) -> None:
    lote.itens.update(available_at=clock.db_now() + timedelta(seconds=30))


def vez_de_outra(lote: Execucao) -> None:
    novo_robo(nova_execucao())


def credencial_bloqueada(lote: Execucao) -> None:
    lote.credencial.bloquear()


def credencial_nova_com_robo(lote: Execucao) -> None:
    Credencial.objects.update(accepted_at=None)
    novo_robo(lote)


def sessoes_do_portal(lote: Execucao) -> None:
    Portal.objects.update(max_sessions=1)
    novo_robo(lote)


def sessoes_da_credencial(lote: Execucao) -> None:
    Credencial.objects.update(max_sessions=1)
    novo_robo(lote)


def portal_fora(lote: Execucao) -> None:
    lote.portal.abrir_disjuntor()


def sem_maquina(lote: Execucao) -> None:
    Host.objects.all().delete()


def maquina_calada(lote: Execucao) -> None:
    Host.objects.update(heartbeat_at=clock.db_now() - timedelta(seconds=61))


def maquina_parando(lote: Execucao) -> None:
    Host.objects.get().parar()


def maquina_de_outra(lote: Execucao) -> None:
    Host.objects.update(exclusiva=nova_execucao())


def disco_cheio(lote: Execucao) -> None:
    Host.objects.update(disco_livre=5.0)


def maquina_cheia(lote: Execucao) -> None:
    Host.objects.update(places=1)
    novo_robo(lote)


ESPERAS = [
    (pausada, Espera.PAUSADA),
    (em_recuo, Espera.RECUO),
    (vez_de_outra, Espera.VEZ),
    (credencial_bloqueada, Espera.CREDENCIAL),
    (credencial_nova_com_robo, Espera.LOGIN),
    (sessoes_do_portal, Espera.SESSOES),
    (sessoes_da_credencial, Espera.SESSOES),
    (portal_fora, Espera.PORTAL),
    (sem_maquina, Espera.SEM_MAQUINA),
    (maquina_calada, Espera.SEM_MAQUINA),
    (maquina_parando, Espera.SEM_LUGAR),
    (maquina_de_outra, Espera.SEM_LUGAR),
    (maquina_cheia, Espera.SEM_LUGAR),
    (disco_cheio, Espera.SEM_DISCO),
]


@pytest.mark.parametrize(("impedir", "espera"), ESPERAS)
def test_it_asks_for_nothing_and_says_why_when(impedir, espera, host, tempo):
    lote = nova_execucao(4, max_robots=3)
    impedir(lote)
    antes = retrato(lote)
    assert pedir_robos(lote.pk) == Pedido(0, espera)
    assert retrato(lote) == antes
    assert not OrmQ.objects.exists()
    assert espera_de(Execucao.objects.get(pk=lote.pk), tempo.agora) == espera
    assert espera in LEGITIMATE
    assert espera.label.endswith(".")


def test_the_guards_are_asked_in_order(host, tempo):
    """Each impediment hides those after it: what is said is what must be mended first."""
    lote = nova_execucao(4, max_robots=3)
    rival = novo_robo(nova_execucao())
    Host.objects.update(draining_at=tempo.agora)
    lote.credencial.bloquear()
    lote.portal.abrir_disjuntor()
    em_recuo(lote)
    lote.pausar()
    visto = []

    def perguntar() -> None:
        visto.append(pedir_robos(lote.pk).espera)

    perguntar()
    lote.retomar()
    perguntar()
    lote.itens.update(available_at=tempo.agora)
    perguntar()
    rival.terminar("exited", motivo="concluido")
    tempo.avancar(61)
    Host.objects.update(heartbeat_at=tempo.agora)
    perguntar()
    Credencial.objects.update(livre_em=None)
    Credencial.objects.update(accepted_at=tempo.agora)
    lote.portal.fechar_disjuntor()
    perguntar()
    Host.objects.update(draining_at=None)
    perguntar()
    e = Espera
    assert visto == [e.PAUSADA, e.RECUO, e.VEZ, e.CREDENCIAL, e.SEM_LUGAR, e.NADA]


def test_a_full_or_stopping_host_is_passed_over_for_another(tempo):
    novo_host(nome="parando", draining_at=tempo.agora, places=9)
    novo_host(nome="calada", heartbeat_at=tempo.agora - timedelta(seconds=61), places=9)
    livre = novo_host(nome="livre", places=1)
    lote = nova_execucao(4, max_robots=2)
    assert pedir_robos(lote.pk) == Pedido(1, Espera.SEM_LUGAR)
    assert Processo.objects.get().host == livre


def test_an_exclusive_host_serves_its_execution_only(tempo):
    lote, outro = nova_execucao(2), nova_execucao(2)
    exclusiva = novo_host(nome="exclusiva", exclusiva=lote)
    assert pedir_robos(outro.pk) == Pedido(0, Espera.SEM_LUGAR)
    assert pedir_robos(lote.pk) == Pedido(1, Espera.NADA)
    assert Processo.objects.get().host == exclusiva


def test_a_script_takes_no_place_of_a_robot(tempo):
    host = novo_host(places=1)
    Processo.objects.create(tipo="script", script=novo_script(), host=host, status="running", requested_at=tempo.agora)
    assert pedir_robos(nova_execucao().pk) == Pedido(1, Espera.NADA)


# ---- the turn ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("simultaneas", [1, 2, 3])
def test_execucoes_simultaneas_is_how_many_batches_have_robots(simultaneas, host, settings):
    settings.EXECUCOES_SIMULTANEAS = simultaneas
    lotes = [nova_execucao(2) for _ in range(4)]
    esperas = [pedir_robos(lote.pk).espera for lote in lotes]
    assert esperas == [Espera.NADA] * simultaneas + [Espera.VEZ] * (4 - simultaneas)


def test_a_batch_keeps_its_turn_while_a_backoff_ends_within_a_minute_and_not_longer(host, tempo):
    primeiro, segundo = nova_execucao(1), nova_execucao(1)
    robo = novo_robo(primeiro)
    tomado(primeiro, robo).adiar("bloqueado", "", 61)
    robo.terminar("exited", motivo="bloqueado")
    assert espera_de(segundo, tempo.agora) == Espera.NADA
    tempo.avancar(1)
    assert pedir_robos(segundo.pk) == Pedido(0, Espera.VEZ)
    primeiro.pausar()
    assert espera_de(segundo, tempo.agora) == Espera.NADA
    primeiro.retomar()
    primeiro.portal.abrir_disjuntor()
    assert espera_de(segundo, tempo.agora) == Espera.NADA
    primeiro.portal.fechar_disjuntor()
    primeiro.encerrar()
    assert pedir_robos(segundo.pk) == Pedido(1, Espera.NADA)


def test_a_paused_batch_gives_its_turn_away_when_its_last_robot_has_ended(host):
    primeiro, segundo = nova_execucao(2), nova_execucao(2)
    robo = novo_robo(primeiro)
    primeiro.pausar()
    assert pedir_robos(segundo.pk) == Pedido(0, Espera.VEZ)
    robo.terminar("exited", motivo="pausa")
    assert pedir_robos(segundo.pk) == Pedido(1, Espera.NADA)
    primeiro.retomar()
    assert pedir_robos(primeiro.pk) == Pedido(0, Espera.VEZ)


# ---- sessions and credentials -----------------------------------------------------------------------------------
def test_the_portals_sessions_are_shared_by_all_its_batches(host, settings):
    settings.EXECUCOES_SIMULTANEAS = 5
    portal = novo_portal(max_sessions=3)
    lotes = [nova_execucao(4, max_robots=2, credencial=nova_credencial(portal)) for _ in range(3)]
    pedidos = [pedir_robos(lote.pk) for lote in lotes]
    assert pedidos == [Pedido(2, Espera.NADA), Pedido(1, Espera.SESSOES), Pedido(0, Espera.SESSOES)]
    assert pedir_robos(nova_execucao().pk) == Pedido(1, Espera.NADA), "another portal has sessions of its own"


def test_the_credentials_sessions_are_shared_by_all_its_batches(host, settings):
    settings.EXECUCOES_SIMULTANEAS = 5
    credencial = nova_credencial(max_sessions=2)
    lotes = [nova_execucao(4, max_robots=3, credencial=credencial) for _ in range(2)]
    assert pedir_robos(lotes[0].pk) == Pedido(2, Espera.SESSOES)
    assert pedir_robos(lotes[1].pk) == Pedido(0, Espera.SESSOES)
    outra = nova_credencial(credencial.portal)
    assert pedir_robos(nova_execucao(4, credencial=outra).pk) == Pedido(1, Espera.NADA)


def test_a_credential_that_was_never_accepted_gets_one_robot_until_its_login(host, tempo, settings):
    settings.EXECUCOES_SIMULTANEAS = 5
    credencial = nova_credencial(aceita=False)
    lote, outro = (nova_execucao(4, max_robots=3, credencial=credencial) for _ in range(2))
    assert pedir_robos(lote.pk) == Pedido(1, Espera.LOGIN)
    assert pedir_robos(lote.pk) == Pedido(0, Espera.LOGIN)
    assert pedir_robos(outro.pk) == Pedido(0, Espera.LOGIN), "the same account, whichever batch"
    credencial.aceitar()
    assert pedir_robos(lote.pk) == Pedido(2, Espera.NADA)
    assert pedir_robos(outro.pk) == Pedido(3, Espera.NADA)


def test_an_acceptance_is_good_for_an_hour(host, tempo):
    lote = nova_execucao(4, max_robots=2)
    tempo.avancar(3600)
    assert espera_de(lote, tempo.agora) == Espera.SEM_MAQUINA  # past every guard of the credential
    tempo.avancar(0.001)
    Host.objects.update(heartbeat_at=tempo.agora)
    assert pedir_robos(lote.pk) == Pedido(1, Espera.LOGIN)


def test_a_blocked_credential_is_free_again_after_five_minutes(host, tempo):
    lote = nova_execucao(1)
    lote.credencial.bloquear()
    tempo.avancar(299)
    Host.objects.update(heartbeat_at=tempo.agora)
    assert pedir_robos(lote.pk) == Pedido(0, Espera.CREDENCIAL)
    tempo.avancar(1)
    assert pedir_robos(lote.pk) == Pedido(1, Espera.NADA)


def test_a_refused_credential_ends_its_batches_and_serves_again_after_a_new_password(host):
    lote = nova_execucao(3, max_robots=2)
    robo = novo_robo(lote)
    tomado(lote, robo).concluir(RESPOSTA)
    lote.credencial.recusar()
    assert pedir_robos(lote.pk) == Pedido(0, Espera.TERMINADA)
    assert contadores(lote) == (0, 0, 1, 2)
    assert (lote.status, "Corrija a credencial" in lote.motivo) == ("error", True)
    assert set(lote.itens.falhados().values_list("erro_classe", flat=True)) == {"credencial_recusada"}
    robo.refresh_from_db()
    assert robo.kill_requested_at is not None
    robo.terminar("killed", motivo="encerrado")
    credencial = Credencial.objects.get(pk=lote.credencial_id)
    credencial.trocar_senha("nova")
    credencial.save()
    lote.reabrir(classe="credencial_recusada")
    assert pedir_robos(lote.pk) == Pedido(1, Espera.LOGIN)


def test_a_refusal_of_the_old_password_does_not_refuse_the_new_one():
    tentada = nova_credencial(aceita=False)
    corrigida = Credencial.objects.get()
    corrigida.trocar_senha("nova")
    corrigida.save()
    tentada.recusar()
    assert Credencial.objects.get().recusada_em is None
    corrigida.recusar()
    assert Credencial.objects.get().recusada_em is not None


# ---- robots that fail by themselves -----------------------------------------------------------------------------
def cair(lote: Execucao, motivo: str, *, erro: str = "", login: bool = False) -> None:
    robo = novo_robo(lote)
    if login:
        robo.logou()
    assert robo.terminar("exited", exit_code=1, motivo=motivo, erro=erro)


def test_three_own_faults_before_the_login_end_the_batch_with_the_last_words(host, tempo):
    lote = nova_execucao(2)
    for n, motivo in enumerate(("navegador", "falha", "sem_progresso")):
        assert espera_de(lote, tempo.agora) == Espera.NADA
        cair(lote, motivo, erro=f"não abriu ({n})")
        tempo.avancar(1)
    assert pedir_robos(lote.pk) == Pedido(0, Espera.TERMINADA)
    assert contadores(lote) == (0, 0, 0, 2)
    assert (lote.status, lote.motivo) == ("error", "Três robôs seguidos falharam antes do login. não abriu (2)")
    assert set(lote.itens.values_list("erro_classe", flat=True)) == {"navegador"}
    lote.reabrir()
    assert pedir_robos(lote.pk).robos == 1, "a new generation starts with a clean record"


def test_without_last_words_the_reason_is_named(host):
    lote = nova_execucao(1)
    for _ in range(3):
        cair(lote, "falha")
    pedir_robos(lote.pk)
    lote.refresh_from_db()
    assert lote.motivo.endswith("login. caiu")


@pytest.mark.parametrize(
    "motivo", ["pausa", "encerrado", "parada", "portal", "credencial", "bloqueado", "excedente", "perdido", "sem_disco"]
)
def test_an_end_for_an_outside_reason_breaks_the_row(motivo, host, tempo):
    lote = nova_execucao(2)
    for vez in ("falha", "falha", motivo, "falha", "falha"):
        cair(lote, vez)
        tempo.avancar(1)
    assert pedir_robos(lote.pk) == Pedido(1, Espera.NADA)


def test_a_robot_that_logged_in_breaks_the_row(host, tempo):
    lote = nova_execucao(2)
    for login in (False, False, True, False, False):
        cair(lote, "falha", login=login)
        tempo.avancar(1)
    assert pedir_robos(lote.pk).robos == 1


def test_robots_that_never_started_do_not_count(host):
    lote = nova_execucao(2)
    for _ in range(3):
        Processo.objects.pedir(lote, host, clock.db_now()).terminar("lost", motivo="falha")
    assert pedir_robos(lote.pk).robos == 1


def test_a_robot_at_work_keeps_its_batch_though_no_other_can_start(host, tempo):
    lote = nova_execucao(4, max_robots=3)
    working = novo_robo(lote)
    working.logou()
    item = tomado(lote, working)
    for _ in range(3):
        cair(lote, "sem_memoria", erro="sem memória")
    assert pedir_robos(lote.pk) == Pedido(0, Espera.SEM_LUGAR), "nor is another started at once to fall as well"
    item.concluir(RESPOSTA)
    lote.refresh_from_db()
    assert lote.aberta and contadores(lote) == (3, 0, 1, 0)
    tempo.avancar(1)
    working.terminar("exited", motivo="reciclado")
    assert pedir_robos(lote.pk).robos == 3, "that one could"


# ---- the probe --------------------------------------------------------------------------------------------------
def test_an_open_breaker_lets_one_probe_a_minute_through(host, tempo):
    lote = nova_execucao(4, max_robots=3)
    lote.portal.abrir_disjuntor()
    tempo.avancar(59)
    assert pedir_robos(lote.pk) == Pedido(0, Espera.PORTAL)
    tempo.avancar(1)
    assert pedir_robos(lote.pk) == Pedido(1, Espera.PORTAL)
    assert pedir_robos(lote.pk) == Pedido(0, Espera.PORTAL)
    Processo.objects.get().terminar("exited", motivo="portal")
    assert pedir_robos(lote.pk) == Pedido(0, Espera.PORTAL), "not before the minute is over"
    tempo.avancar(60)
    Host.objects.update(heartbeat_at=tempo.agora)
    assert pedir_robos(lote.pk) == Pedido(1, Espera.PORTAL)
    tempo.avancar(60)
    assert pedir_robos(lote.pk) == Pedido(0, Espera.PORTAL), "the last probe still lives"
    lote.portal.fechar_disjuntor()
    assert pedir_robos(lote.pk) == Pedido(2, Espera.NADA)


def test_one_probe_serves_all_batches_of_the_portal(host, tempo, settings):
    settings.EXECUCOES_SIMULTANEAS = 5
    portal = novo_portal()
    lotes = [nova_execucao(2, credencial=nova_credencial(portal)) for _ in range(3)]
    portal.abrir_disjuntor()
    tempo.avancar(60)
    assert [pedir_robos(lote.pk).robos for lote in lotes] == [1, 0, 0]


def test_a_probe_obeys_the_credentials_block_and_spends_no_minute_on_it(host, tempo, settings):
    settings.EXECUCOES_SIMULTANEAS = 5
    portal = novo_portal()
    bloqueada, livre = (nova_execucao(2, credencial=nova_credencial(portal)) for _ in range(2))
    portal.abrir_disjuntor()
    tempo.avancar(60)
    bloqueada.credencial.bloquear()
    assert pedir_robos(bloqueada.pk) == Pedido(0, Espera.CREDENCIAL)
    assert pedir_robos(livre.pk) == Pedido(1, Espera.PORTAL)


def test_a_batch_without_a_place_leaves_the_probe_to_another(tempo, settings):
    """Else an older batch that no host serves would keep the breaker open for ever."""
    portal = novo_portal()
    sem_lugar, com_lugar = (nova_execucao(2, credencial=nova_credencial(portal)) for _ in range(2))
    novo_host(exclusiva=com_lugar)
    portal.abrir_disjuntor()
    tempo.avancar(60)
    assert pedir_robos(sem_lugar.pk) == Pedido(0, Espera.SEM_LUGAR)
    assert espera_de(sem_lugar, tempo.agora) == Espera.SEM_LUGAR
    assert pedir_robos(com_lugar.pk) == Pedido(1, Espera.PORTAL)


def test_a_portal_that_is_down_does_not_stop_the_batches_of_another(host):
    fora, no_ar = nova_execucao(2), nova_execucao(2)
    fora.portal.abrir_disjuntor()
    assert pedir_robos(fora.pk) == Pedido(0, Espera.PORTAL)
    assert pedir_robos(no_ar.pk) == Pedido(1, Espera.NADA)


# ---- kill all ---------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_kill_all_against_clicks_leaves_no_robot_that_may_go_on():
    novo_host(places=16)
    lotes = [nova_execucao(6, max_robots=3) for _ in range(2)]

    def agir(i: int) -> None:
        if i == 4:
            robos.encerrar_todos()
        else:
            pedir_robos(lotes[i % 2].pk)

    in_threads(8, agir)
    for lote in lotes:
        assert contadores(lote) == (0, 0, 0, 6)
        assert lote.status == "error"
    assert not Processo.objects.vivos().filter(kill_requested_at=None).exists()
    assert not JobItem.objects.abertos().exists()
