"""The model check has teeth: each rule of the seed documents as written, and each guard left out, is falsified by it.

Every mutant is the product with one rule changed; the same search that finds nothing wrong with the product must find
what is wrong with it, and soon.
"""

from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from executions.models import Execucao, JobItem, Portal, Processo
from executions.panorama import Panorama
from tests.test_state_machine import CURTO, maquina  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
# Any seed falsifies every mutant; this one does it soon, and the same way every time.
SEMENTE = 6
MUTANTE = settings(CURTO, max_examples=300, database=None, phases=[Phase.generate], report_multiple_bugs=False)


# ---- guards left out ------------------------------------------------------------------------------------------------
def sem_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """_move takes whatever token the row carries now."""
    mover = JobItem._move

    def mutante(self: JobItem, *args: Any, **kwargs: Any) -> None:
        self.token = JobItem.objects.values_list("token", flat=True).get(pk=self.pk)
        mover(self, *args, **kwargs)

    monkeypatch.setattr(JobItem, "_move", mutante)


def sem_perguntar_se_vivo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate does not ask whether the robot was told to die."""
    monkeypatch.setattr(Processo, "tocar", lambda self, agora: True)


def soltar_todos(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed's rule for "no progress": every running item goes back, not only one's own."""
    original = Processo.terminar

    def mutante(self: Processo, *args: Any, **kwargs: Any) -> bool:
        for item in JobItem.objects.filter(execucao=self.execucao_id).em_andamento().exclude(processo=self):
            item.devolver()
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Processo, "terminar", mutante)


def sem_contar_na_tomada(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim does not move the counters."""
    monkeypatch.setattr(Execucao.objects.__class__, "contar", lambda self, pk, **kwargs: True)


def sem_contar_a_tentativa(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim is not an attempt."""
    tomar = JobItem.tomar

    def mutante(self: JobItem, *args: Any) -> None:
        tomar(self, *args)
        JobItem.objects.filter(pk=self.pk).update(attempts=F("attempts") - 1)

    monkeypatch.setattr(JobItem, "tomar", mutante)


def sem_conferir_a_posse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watchdog takes away what it saw expire, although it was renewed meanwhile."""
    expirar = JobItem.expirar
    monkeypatch.setattr(JobItem, "expirar", lambda self, *, dono_morto: expirar(self, dono_morto=True))


def sem_disjuntor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items are given out while the portal is down."""
    monkeypatch.setattr(Portal, "fora_do_ar", property(lambda self: False))


def sem_devolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage of the portal costs the items their attempts."""
    abrir = Portal.abrir_disjuntor

    def mutante(self: Portal) -> bool:
        Portal.objects.filter(pk=self.pk).update(falhas=[])
        return abrir(self)

    monkeypatch.setattr(Portal, "abrir_disjuntor", mutante)


def fechar_depois(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is not closed with its last item, but by a robot that then looks, and that dies before."""
    queryset = Execucao.objects.all().__class__
    contar = queryset.contar

    def mutante(self: Any, pk: int, **kwargs: Any) -> bool:
        counted = contar(self, pk, **kwargs)
        Execucao.objects.filter(pk=pk, status="done").update(status="running", finished_at=None)
        return counted

    monkeypatch.setattr(Execucao.objects.__class__, "contar", lambda self, pk, **kw: mutante(self.all(), pk, **kw))


# ---- the seed documents, as written ---------------------------------------------------------------------------------
def iniciar_se_ninguem_roda(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "Se já existe execução running, não cria outro": what was asked for and does not run yet is not seen."""
    processos = Panorama.processos.func  # type: ignore[attr-defined]
    seen = property(lambda self: [row for row in processos(self) if row.status != "requested"])
    monkeypatch.setattr(Panorama, "processos", seen)


def reabrir_a_ultima_falha(monkeypatch: pytest.MonkeyPatch) -> None:
    """No progress: "reabre último failed", whosever failure it was."""
    terminar = Processo.terminar

    def mutante(self: Processo, *args: Any, **kwargs: Any) -> bool:
        ended = terminar(self, *args, **kwargs)
        failed = JobItem.objects.filter(execucao=self.execucao_id, status="failed").order_by("-finished_at").first()
        if ended and failed:
            with transaction.atomic():
                JobItem.objects.filter(pk=failed.pk).update(status="pending", erro_classe="", finished_at=None)
                Execucao.objects.filter(pk=self.execucao_id).update(
                    n_failed=F("n_failed") - 1, n_pending=F("n_pending") + 1, status="running", finished_at=None
                )
        return ended

    monkeypatch.setattr(Processo, "terminar", mutante)


def devolver_o_lote_a_fila(monkeypatch: pytest.MonkeyPatch) -> None:
    """No progress: "volta execução para queued", although other robots run."""
    running = Execucao.objects.filter(status="running")
    monkeypatch.setattr(
        Execucao, "voltar_a_fila", lambda self: bool(running.all().filter(pk=self.pk).update(status="queued"))
    )


def falhar_o_lote_inteiro(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "Timeout: marca itens como failed e execução como error": the untouched ones too."""

    def mutante(self: JobItem, *, dono_morto: bool) -> None:
        Execucao.objects.get(pk=self.execucao_id).interromper("sem_heartbeat", "900 s")

    monkeypatch.setattr(JobItem, "expirar", mutante)


def encerrar_sem_geracao(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "Marca job_items como failed; execucoes como error": tokens and generation stay, robots are told nothing."""
    interromper = Execucao.interromper

    def mutante(self: Execucao, *args: Any, **kwargs: Any) -> bool:
        tokens = dict(self.itens.values_list("pk", "token"))
        ended = interromper(self, *args, **kwargs)
        if ended:
            Execucao.objects.filter(pk=self.pk).update(geracao=F("geracao") - 1)
            Processo.objects.filter(execucao=self).update(kill_requested_at=None)
            for pk, token in tokens.items():
                JobItem.objects.filter(pk=pk).update(token=token)
        return ended

    monkeypatch.setattr(Execucao, "interromper", mutante)


# Each with the rules of the machine that its fault needs: the whole set finds them too, only not in seconds.
TOMAR = {"tomar", "a_metade_toma"}
MUTANTES: list[tuple[Any, set[str]]] = [
    (sem_token, {"passar_vigiado", "largar"}),
    (sem_perguntar_se_vivo, {"mandar_no_robo"}),
    (sem_contar_na_tomada, set()),
    (sem_contar_a_tentativa, set()),
    (sem_conferir_a_posse, {"passar", "olhar_vencidos", "renovar", "expirar_o_que_foi_visto"}),
    (sem_disjuntor, {"sem_resposta"}),
    (sem_devolver, {"sem_resposta"}),
    (fechar_depois, {"cada_um_conclui"}),
    (soltar_todos, {"sem_progresso_ou_perdido"}),
    (iniciar_se_ninguem_roda, {"definir_max_robots", "pedir"}),
    (reabrir_a_ultima_falha, {"largar", "sem_progresso_ou_perdido"}),
    (devolver_o_lote_a_fila, {"sem_progresso_ou_perdido"}),
    (falhar_o_lote_inteiro, {"passar_vigiado"}),
    (encerrar_sem_geracao, {"mandar"}),
]


def so_com(maquina: Any, regras: set[str]) -> Any:  # noqa: F811
    """The machine with these rules only; the others stay as methods."""

    def metodo(regra: Any) -> Any:
        return lambda self, *args, **kwargs: regra(self, *args, **kwargs)

    others = {rule.function.__name__ for rule in maquina.setup_state().rules} - regras
    return type("Mutante", (maquina,), {name: metodo(getattr(maquina, name)) for name in others})


RAROS = {sem_conferir_a_posse, reabrir_a_ultima_falha}  # half a minute each: four steps must follow one another


@pytest.mark.parametrize(
    ("mutar", "regras"),
    [
        pytest.param(mutar, regras, id=mutar.__name__, marks=[pytest.mark.slow] if mutar in RAROS else [])
        for mutar, regras in MUTANTES
    ],
)
def test_the_search_falsifies_a_mutant(
    mutar: Any, regras: set[str], maquina: Any, monkeypatch: Any  # noqa: F811
) -> None:  # fmt: skip
    mutar(monkeypatch)
    machine = so_com(maquina, regras | TOMAR)
    machine.ate_o_fim = False
    with pytest.raises(AssertionError):
        run_state_machine_as_test(seed(SEMENTE)(machine), settings=MUTANTE)


@pytest.mark.slow
@pytest.mark.parametrize("regras", [regras for _, regras in MUTANTES], ids=[m.__name__ for m, _ in MUTANTES])
def test_the_product_stands_the_search_that_falsifies_its_mutant(regras: set[str], maquina: Any) -> None:  # noqa: F811
    machine = so_com(maquina, regras | TOMAR | {"passar"})  # where nothing else can happen any more, time passes
    machine.ate_o_fim = False
    run_state_machine_as_test(seed(SEMENTE)(machine), settings=settings(MUTANTE, max_examples=30))
