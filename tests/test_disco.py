"""A machine whose disk is full: no robot begins there, none takes an item, and no attempt is used up."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from executions import disco
from executions.models import Host
from executions.panorama import Espera
from executions.robos import Pedido, pedir_robos
from tests.factories import nova_execucao, novo_host, tomado
from tests.works import a_robot, raising
from workers.errors import Fim, NavegadorQuebrado

pytestmark = pytest.mark.django_db


@pytest.fixture
def livre(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What this machine's disks have free, under "now"."""
    free = {"now": 50.0}
    monkeypatch.setattr(disco, "livre", lambda: free["now"])
    return free


@pytest.mark.nodb
def test_the_fuller_of_the_two_disks_counts_and_a_folder_that_is_not_made_yet_lies_on_its_parents(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.VAR_DIR, settings.ROBOT_TMP_DIR = tmp_path / "var", tmp_path / "tmp" / "robos"
    (tmp_path / "var").mkdir()
    free = {tmp_path / "var": 300, tmp_path: 40}
    monkeypatch.setattr(disco.shutil, "disk_usage", lambda path: SimpleNamespace(free=free[path], total=400))
    assert disco.livre() == 10
    free[tmp_path / "var"] = 20
    assert disco.livre() == 5


def test_a_robot_of_a_full_machine_opens_no_browser_and_its_host_is_asked_for_no_other(
    livre: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, other = novo_host(disco_livre=50.0), novo_host(disco_livre=50.0, places=1)
    batch = nova_execucao(4, max_robots=3)
    work = a_robot(batch)
    opened: list[str] = []
    monkeypatch.setattr(work.robot, "abrir", raising(None, opened))
    livre["now"] = disco.MINIMO
    fim = work.run()
    assert fim.motivo == "sem_disco" and not opened
    work.processo.terminar("exited", motivo=fim.motivo)
    host.refresh_from_db()
    assert host.disco_livre == disco.MINIMO
    assert pedir_robos(batch.pk) == Pedido(1, Espera.SEM_LUGAR)
    assert batch.processos.vivos().get().host == other


def test_a_robot_takes_no_item_while_the_disk_is_full_and_the_work_goes_on_when_it_is_not(
    livre: dict[str, float],
) -> None:
    host = novo_host()
    batch = nova_execucao(2)
    work = a_robot(batch, case=None)
    work.turn()
    livre["now"] = 1.0
    with pytest.raises(Fim) as fim:
        work.turn()
    assert fim.value.motivo == "sem_disco"
    assert sorted(batch.itens.values_list("status", "attempts")) == [("done", 1), ("pending", 0)]
    work.processo.terminar("exited", motivo=fim.value.motivo)
    assert pedir_robos(batch.pk) == Pedido(0, Espera.SEM_DISCO)
    host.bater(disco_livre=5.1)
    assert pedir_robos(batch.pk).robos == 1


@pytest.mark.parametrize(("free", "motivo", "attempts"), [(disco.MINIMO, "sem_disco", 0), (5.1, "reciclado", 1)])
def test_a_browser_that_breaks_on_a_full_disk_costs_its_item_no_attempt(
    free: float, motivo: str, attempts: int, livre: dict[str, float]
) -> None:
    work = a_robot(nova_execucao(1), case=NavegadorQuebrado)
    item = tomado(work.execucao, work.processo)
    work.life.item = item
    livre["now"] = free
    with pytest.raises(Fim) as fim:
        work.process(item)
    item.refresh_from_db()
    assert (fim.value.motivo, item.status, item.attempts) == (motivo, "pending", attempts)


@pytest.mark.parametrize(("free", "motivo"), [(disco.MINIMO, "sem_disco"), (5.1, "navegador")])
def test_a_browser_that_does_not_start_on_a_full_disk_is_no_fault_of_ours(
    free: float, motivo: str, livre: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = a_robot(nova_execucao(1))

    def breaks() -> None:
        livre["now"] = free
        raise NavegadorQuebrado

    monkeypatch.setattr(work.robot, "abrir", breaks)
    assert work.run().motivo == motivo


def test_a_host_that_has_never_measured_is_taken_for_one_with_room() -> None:
    assert not Host(disco_livre=None).sem_disco
