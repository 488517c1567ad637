"""Is it this case that does not answer, or the portal, or the way from here to it? One robot's part in the breaker."""

import random
from collections.abc import Callable

from executions.models import Execucao, JobItem, Portal, Processo
from executions.models.portal import FAILURES_TO_SUSPECT, LOGIN
from workers.errors import NO_PAGE, UNANSWERED, Falha, Fim, PortalIndisponivel
from workers.robots.base import Robot

RECENT_BATCHES, LAST_ANSWERED = 5, 50  # where known cases are looked for: batches, and items of each


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

        Raises NavegadorQuebrado when the browser cannot ask, Bloqueado when the portal will not be asked.
        """
        known = Portal.objects.get(pk=self.portal.pk).fora_do_ar
        return known or (item.ultima_tentativa and not self._answers(inside=True))

    def spared(self, item: JobItem, why: str) -> Fim:
        """The item went back with its attempt: the silence is counted all the same, and the robot leaves."""
        return self._silence(self._count(item.numero_processo, None), why)

    def unanswered(self, caso: str, item_id: int | None) -> None:
        """One more. When either run is long the portal itself is asked.

        Raises Fim when that does not answer, and what `outage` raises.
        """
        self.run.append((caso, item_id))
        shared = self._count(caso, item_id)
        suspect = shared or Portal.suspeito(self.run, self._open_cases())
        if suspect and not self._answers(inside=not caso.startswith(LOGIN)):
            raise self._silence(shared, str(PortalIndisponivel()))

    def not_let_in(self, processo: Processo) -> None:
        """A login without an answer. Raises Fim when that makes the portal silent."""
        self.unanswered(f"{LOGIN}{processo.uuid}", None)

    def let_in(self, portal: Portal) -> None:
        """`portal`: as it was read at this login."""
        if portal.logins_sem_resposta:
            portal.deixou_entrar()

    def probe(self) -> None:
        """Asks the portal itself, logged in: a case that it has answered before, and its forms. Raises the Falha met.

        A known case costs no item an attempt, and tells a portal whose searches fail from cases that do.
        """
        caso = self._answered_before()
        if caso:
            self.turn()
        self.robot.sondar(caso)

    def _answered_before(self) -> str:
        """Any case that the portal's latest batches had answered. Empty when they are too few: one that has gone bad
        since must not decide again and again."""
        batches = Execucao.objects.filter(portal=self.portal, n_done__gt=0).order_by("-pk")[:RECENT_BATCHES]
        known = {
            caso
            for batch in batches
            for caso in batch.itens.terminados().respondidos().values_list("numero_processo", flat=True)[:LAST_ANSWERED]
        }
        return random.choice(sorted(known)) if len(known) >= FAILURES_TO_SUSPECT else ""  # noqa: S311

    def _count(self, caso: str, item_id: int | None) -> bool:
        return self.portal.contar_falha(caso, item_id, self._open_cases())

    def _open_cases(self) -> int:
        return self.execucao.itens.abertos().values("numero_processo").distinct()[:5].count()

    def _answers(self, *, inside: bool) -> bool:
        """Any page is an answer, a wrong one too; a broken browser is none, and passed on, and so is a block.

        `inside`: this robot is logged in, so it may ask for a case. The forms are no answer to those who cannot get in:
        after that many logins without an answer nobody asks.
        """
        if Portal.objects.get(pk=self.portal.pk).logins_sem_resposta >= FAILURES_TO_SUSPECT:
            return False
        try:
            if inside:
                self.probe()
            else:
                self.robot.sondar("")
        except UNANSWERED:
            return False
        except NO_PAGE:
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
