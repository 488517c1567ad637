"""Is it this case that does not answer, or the portal, or the way from here to it? One robot's part in the breaker."""

import random
from collections.abc import Callable

from executions.models import Execucao, JobItem, Portal, Processo
from executions.models.portal import FAILURES_TO_SUSPECT, LOGIN
from workers.errors import Falha, Fim, NavegadorQuebrado, PortalIndisponivel, TempoEsgotado
from workers.robots.base import Robot

UNANSWERED = (PortalIndisponivel, TempoEsgotado)
LAST_ANSWERED = 20


class Suspicion:
    """Counts what goes unanswered, for all (`Portal.falhas`) and for itself, and asks the portal when that is much.

    `run`: the (case, item id) pairs since something last answered this robot. Others' answers end the shared run, not
    this one: so a robot whose own host alone does not reach the portal finds out. `turn` waits for the portal's
    minimum interval.
    """

    def __init__(self, robot: Robot, execucao: Execucao, turn: Callable[[], None]) -> None:
        self.robot, self.execucao, self.portal, self.turn = robot, execucao, execucao.portal, turn
        self.run: list[tuple[str, int | None]] = []

    def answered(self, item: JobItem) -> None:
        self.run.clear()
        if item.execucao.portal.falhas:
            self.portal.respondeu()

    def outage(self, item: JobItem) -> bool:
        """Is it no fault of this item's? The breaker says so; before its last attempt the portal itself is asked.

        Raises NavegadorQuebrado when the browser cannot ask.
        """
        known = Portal.objects.get(pk=self.portal.pk).fora_do_ar
        return known or (item.ultima_tentativa and not self._answers())

    def spared(self, item: JobItem, why: str) -> Fim:
        """The item went back with its attempt: the silence is counted all the same, and the robot leaves."""
        return self._silence(self._count(item.numero_processo, None), why)

    def unanswered(self, caso: str, item_id: int | None) -> None:
        """One more. When either run is long the portal itself is asked; raises Fim when that does not answer."""
        self.run.append((caso, item_id))
        shared = self._count(caso, item_id)
        if (shared or Portal.suspeito(self.run, self._open_cases())) and not self._answers():
            raise self._silence(shared, str(PortalIndisponivel()))

    def not_let_in(self, processo: Processo) -> None:
        """A login without an answer. Raises Fim when that makes the portal silent."""
        self.unanswered(f"{LOGIN}{processo.uuid}", None)

    def let_in(self, portal: Portal) -> None:
        """`portal`: as it was read at this login."""
        if portal.logins_sem_resposta:
            portal.deixou_entrar()

    def probe(self) -> None:
        """Asks the portal itself: its forms, and a case that it has answered before. Raises the Falha that it meets.

        A known case costs no item an attempt, and tells a portal whose searches fail from cases that do.
        """
        caso = self._answered_before()
        if caso:
            self.turn()
        self.robot.sondar(caso)

    def _answered_before(self) -> str:
        """Any of the last ones, lest one that has gone bad decide; its own batch's first. Empty when there is none."""
        batches = Execucao.objects.filter(portal=self.portal, n_done__gt=0)
        batch = batches.filter(pk=self.execucao.pk).first() or batches.order_by("-pk").first()
        if batch is None:
            return ""
        last = batch.itens.terminados().respondidos().values_list("numero_processo", flat=True)[:LAST_ANSWERED]
        return random.choice(last or [""])  # noqa: S311

    def _count(self, caso: str, item_id: int | None) -> bool:
        return self.portal.contar_falha(caso, item_id, self._open_cases())

    def _open_cases(self) -> int:
        return self.execucao.itens.abertos().values("numero_processo").distinct()[:5].count()

    def _answers(self) -> bool:
        """Any page is an answer, a wrong one too; a broken browser is none, and passed on.

        Its forms are none to those who cannot get in: after that many logins without an answer nobody asks.
        """
        if Portal.objects.get(pk=self.portal.pk).logins_sem_resposta >= FAILURES_TO_SUSPECT:
            return False
        try:
            self.probe()
        except UNANSWERED:
            return False
        except NavegadorQuebrado:
            raise
        except Falha:
            pass
        self.run.clear()
        self.portal.respondeu_a_sonda()
        return True

    def _silence(self, shared: bool, why: str) -> Fim:
        """Nobody answers here. For all, when the shared run is long; else it may be this host alone."""
        if shared:
            self.portal.abrir_disjuntor(self.run)
        else:
            self.portal.desculpar(self.run)
        return Fim(Processo.Motivo.PORTAL, why)
