"""A machine from which a portal is out of reach: its robots go to the machines that reach it, and it is asked again."""

from datetime import timedelta

import pytest

from executions.models import Execucao, Host, Processo
from executions.panorama import Espera, Panorama
from executions.robos import Pedido, espera_de, pedir_robos
from tests.conftest import Tempo
from tests.factories import nova_execucao, novo_host, novo_robo

pytestmark = pytest.mark.django_db


@pytest.fixture
def longe(tempo: Tempo) -> Host:
    """The emptier of two machines, which does not reach the portal."""
    return novo_host(nome="longe", places=8)


@pytest.fixture
def perto(tempo: Tempo) -> Host:
    return novo_host(nome="perto", places=2)


def nao_alcancou(batch: Execucao, host: Host, tempo: Tempo) -> None:
    """A robot of this machine has just left because the portal did not answer it."""
    robo = Processo.objects.pedir(batch, host, tempo.agora)
    assert robo.terminar("exited", motivo=Processo.Motivo.PORTAL)


def lugar(batch: Execucao, tempo: Tempo) -> Host | None:
    longe, perto = Host.objects.order_by("nome")
    longe.bater()
    perto.bater()
    return Panorama.ler(tempo.agora).lugar_para(batch)


def test_a_machine_that_did_not_reach_the_portal_is_passed_over_for_a_minute(
    longe: Host, perto: Host, tempo: Tempo
) -> None:
    batch = nova_execucao(9, max_robots=9)
    assert lugar(batch, tempo) == longe
    nao_alcancou(batch, longe, tempo)
    assert lugar(batch, tempo) == perto
    tempo.avancar(59)
    assert lugar(batch, tempo) == perto
    tempo.avancar(2)
    assert lugar(batch, tempo) == longe


def test_it_gets_no_robot_of_that_portal_even_when_the_others_are_full(longe: Host, perto: Host, tempo: Tempo) -> None:
    batch = nova_execucao(9, max_robots=9)
    nao_alcancou(batch, longe, tempo)
    assert pedir_robos(batch.pk).robos == perto.places
    assert set(Processo.objects.vivos().values_list("host__nome", flat=True)) == {"perto"}


def test_another_portal_is_another_matter(longe: Host, perto: Host, tempo: Tempo) -> None:
    nao_alcancou(nova_execucao(9), longe, tempo)
    assert lugar(nova_execucao(9), tempo) == longe


def test_when_no_machine_reaches_it_any_of_them_tries(longe: Host, perto: Host, tempo: Tempo) -> None:
    batch = nova_execucao(9, max_robots=9)
    nao_alcancou(batch, longe, tempo)
    nao_alcancou(batch, perto, tempo)
    assert lugar(batch, tempo) == longe


def test_the_probes_of_a_portal_go_round_the_machines(longe: Host, perto: Host, tempo: Tempo) -> None:
    """Were they always sent from the emptiest one, a portal that only another reaches would stay down for ever."""
    batch = nova_execucao(9, max_robots=9)
    assert batch.portal.abrir_disjuntor()
    asked = []
    for _ in range(4):
        tempo.avancar(60)
        longe.bater()
        perto.bater()
        assert pedir_robos(batch.pk).robos == 1
        probe = Processo.objects.vivos().get()
        asked.append(probe.host.nome if probe.host else "")
        tempo.agora += timedelta(seconds=5)  # the time that a probe takes
        probe.terminar("exited", motivo=Processo.Motivo.PORTAL)
        tempo.agora -= timedelta(seconds=5)
    assert asked == ["longe", "perto", "longe", "perto"]


# ---- a portal that lets in no more than those who are in -------------------------------------------------------------
def test_while_others_work_a_login_without_an_answer_is_tried_again_in_a_minute(
    tempo: Tempo,
) -> None:
    host = novo_host(places=8)
    batch = nova_execucao(9, max_robots=3)
    working = novo_robo(batch, host)
    working.logou()
    for n in range(3):
        host.bater()
        assert pedir_robos(batch.pk).robos == 2
        for robo in Processo.objects.vivos().exclude(pk=working.pk):
            robo.terminar("exited", motivo=Processo.Motivo.PORTAL)
        assert pedir_robos(batch.pk) == Pedido(0, Espera.ENTRADA), n
        tempo.avancar(59)
        host.bater()
        assert espera_de(batch, tempo.agora) == Espera.ENTRADA
        assert pedir_robos(batch.pk).robos == 0
        tempo.avancar(2)


def test_a_breaker_that_has_closed_since_ends_that_wait(tempo: Tempo) -> None:
    host = novo_host(places=8)
    batch = nova_execucao(9, max_robots=3)
    batch.portal.abrir_disjuntor()
    nao_alcancou(batch, host, tempo)
    tempo.avancar(5)
    probe = novo_robo(batch, host)
    probe.logou()
    batch.portal.fechar_disjuntor()
    assert pedir_robos(batch.pk).robos == 2
