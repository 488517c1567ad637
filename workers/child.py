"""The child process of a robot: it waits for its row, lives and works, and says why it goes."""

import logging
import time
from contextlib import suppress

from django.db import connection

from executions.errors import StaleClaim
from executions.models import Processo
from workers import faults
from workers.errors import DATABASE_AWAY
from workers.eyes import Eyes
from workers.life import NO_DATABASE, Life
from workers.robot import Work

logger = logging.getLogger("robotcontrol.robot")

ROW_WAIT_SECONDS = 20.0


def run(uuid: str) -> int:
    """Works as the robot of this Processo; returns the exit status: NO_DATABASE when the database went away, because
    then nothing can be written, and neither item nor browser is to blame."""
    try:
        return _live(uuid)
    except DATABASE_AWAY:
        logger.exception("the database went away", extra={"event": "banco_fora"})
        return NO_DATABASE


def _live(uuid: str) -> int:
    faults.point("robot_started")
    processo = _wait_until_running(uuid)
    if processo is None:
        return 0
    life = Life(processo)
    work = Work(life)
    eyes = Eyes(processo.pk, lambda: work.robot.devtools)
    life.start(eyes.watched)
    try:
        fim = work.run()
    finally:
        eyes.shut()
        work.robot.fechar()
    with suppress(StaleClaim):
        work.release()
    life.flush()
    faults.point("before_goodbye")
    processo.despedir(fim.motivo, fim.erro)
    connection.close()
    return 0


def _wait_until_running(uuid: str) -> Processo | None:
    """Its row, once the supervisor has written this process into it: before that nothing may be claimed."""
    deadline = time.monotonic() + ROW_WAIT_SECONDS
    while time.monotonic() < deadline:
        processo = Processo.objects.select_related("execucao__portal", "execucao__credencial").get(uuid=uuid)
        if processo.status == Processo.Status.RUNNING:
            return processo
        if not processo.vivo:
            return None
        time.sleep(0.02)
    return None
