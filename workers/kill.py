"""The end of a kill order: see it through, and report what really died."""

import time
from dataclasses import dataclass

from django.conf import settings

from executions import clock
from executions.models import Processo
from workers import processes, watchdog
from workers.host import take_lock
from workers.supervisor import mark

WAIT_SECONDS = 20.0
POLL_SECONDS = 0.2
SUPERVISOR_SECONDS = 2.0  # a supervisor in some other process looks once a second, and knows the exit status


@dataclass(frozen=True)
class Victims:
    """The robots of one kill order, and the OS processes that they had on this machine when it was given."""

    rows: tuple[int, ...]
    members: tuple[processes.Member, ...]
    marks: tuple[str, ...]

    @classmethod
    def of(cls, robots: list[Processo]) -> "Victims":
        here = [r for r in robots if r.host and r.host.nome == settings.ROBOT_HOST]
        members = {m.pid: m for r in here for m in processes.find(mark(r.uuid), watchdog.who(r) if r.pid else None)}
        return cls(tuple(r.pk for r in robots), tuple(members.values()), tuple(mark(r.uuid) for r in here))

    def wait(self) -> processes.Reaped:
        """Waits until their hosts have killed them, and what is dying is gone. Where no host runs, this process acts as
        its machine's agent."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline and Processo.objects.vivos().filter(pk__in=self.rows).exists():
            lock = take_lock()
            if lock is not None:
                watchdog.kill_asked_here(clock.db_now(), SUPERVISOR_SECONDS)
                lock.close()
            time.sleep(POLL_SECONDS)
        left = self._left()
        while left and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            left = self._left()
        found = len({m.pid for m in self.members} | set(left))
        return processes.Reaped(found, found - len(left), left)

    def _left(self) -> tuple[int, ...]:
        """Of those, and of whoever carries their marks since, the pids that are still there."""
        late = (m.pid for text in self.marks for m in processes.find(text))
        return tuple(sorted({*(m.pid for m in self.members if processes.still(m)), *late}))
