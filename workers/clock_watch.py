"""The database's clock is trusted only while it moves as fast as the monotonic one."""

import logging
import time
from datetime import datetime

from django.conf import settings

from executions import clock

logger = logging.getLogger("robotcontrol.watchdog")

CLOCK_JUMP_SECONDS = 5.0
SLOW_ANSWER_SECONDS = 2.0
MISTRUST_SECONDS = 60.0


class ClockWatch:
    """Compares the two clocks between one look and the next. What was written before a jump looks older (or newer) than
    it is, so whoever kills or expires by age asks here first."""

    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None
        self._mistrust_until = 0.0
        self.jumped = False  # at the last look

    def look(self) -> tuple[datetime, bool]:
        """(the database's time, may it be gone by?). Not for a minute after the clocks disagreed on the time since the
        last look, and not now when the answer was long on its way: what it is compared with is not known then."""
        asked = time.monotonic()
        agora = clock.db_now()
        now = time.monotonic()
        self.jumped = False
        if now - asked > SLOW_ANSWER_SECONDS:
            return agora, False
        if self._seen is not None:
            before, then = self._seen
            self.jumped = abs((agora - before).total_seconds() - (now - then)) > CLOCK_JUMP_SECONDS
        if self.jumped:
            logger.error(
                "the database's clock jumped: what is old by it is left alone for a minute",
                extra={"event": "relogio_saltou"},
            )
            self._mistrust_until = now + MISTRUST_SECONDS / settings.TIME_DIVISOR
        self._seen = (agora, now)
        return agora, now >= self._mistrust_until
