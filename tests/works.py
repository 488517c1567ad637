"""A robot's working life without its browser: what its login, its cases and its portal raise is up to the test."""

from collections.abc import Callable
from typing import Any

from executions.models import Execucao, Portal
from tests.factories import RESPOSTA, novo_robo
from workers.errors import PortalIndisponivel
from workers.life import Life
from workers.robot import Work

Falha = type[Exception] | None


def raising(falha: Falha, calls: list[str] | None = None) -> Callable[..., Any]:
    def do(*args: object) -> Any:
        if calls is not None:
            calls.append("")
        if falha:
            raise falha
        return RESPOSTA

    return do


def a_robot(
    batch: Execucao, *, login: Falha = None, case: Falha = PortalIndisponivel, portal: Falha = PortalIndisponivel
) -> Work:
    """`login`, `case`, `portal`: what its login, a visit to a case, and the portal itself when asked, raise."""
    work = Work(Life(novo_robo(batch)))
    work.robot.login = raising(login)  # type: ignore[method-assign]
    work.robot.precisa_visitar = lambda item: False  # type: ignore[method-assign]
    work.robot.processar = raising(case)  # type: ignore[method-assign]
    work.robot.sondar = raising(portal)  # type: ignore[method-assign]
    return work


def read(batch: Execucao) -> Portal:
    return Portal.objects.get(pk=batch.portal_id)


def on_its_last_attempt(batch: Execucao) -> None:
    """The gate prefers what was tried least: so all of them are."""
    batch.itens.update(attempts=2)
