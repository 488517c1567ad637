"""The django-q2 cluster of one host, as a subprocess: start, notice that it is wedged, stop.

q2 reads its settings at import, so each cluster is a process with an environment of its own. It is only ever
signalled at its main process, or killed as a whole: killing an idle worker wedges it for ever.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from executions import queue
from executions.models import Controle, Host
from workers import processes

logger = logging.getLogger("robotcontrol.host")

STOP_SECONDS = 15.0
LOG_BYTES = 5 * 2**20


def cluster_mark(host: str) -> str:
    return f"{Controle.get().instalacao}:cluster-{host}"


class Cluster:
    def __init__(self, host: Host, workers: int, log: Path) -> None:
        self.host, self.workers, self.log = host, workers, log
        self.mark = cluster_mark(host.nome)
        self.child: subprocess.Popen[bytes] | None = None
        self.who: processes.Identity | None = None
        self.started = 0.0
        self._canary_sent = 0.0
        self._canary_seen: datetime | None = None
        self._canary_asked: float | None = None  # since when one is out that has not come back

    def start(self) -> None:
        environment = os.environ | {
            "Q_CLUSTER_NAME": queue.queue_name(self.host.nome),
            "Q_WORKERS": str(self.workers),
            "ROBOT_HOST": self.host.nome,
            "ROBOT_HOST_EPOCH": self.host.epoch,
            processes.MARK: self.mark,
        }
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"], cwd=settings.BASE_DIR,
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.who = processes.identity(self.child.pid)
        self.started = time.monotonic()
        self._canary_sent, self._canary_asked = 0.0, None

    def trim_log(self) -> None:
        """Keeps the last LOG_BYTES in a file beside it. Those who append to it keep it open: emptied, not renamed."""
        if not self.log.exists() or self.log.stat().st_size <= LOG_BYTES:
            return
        try:
            shutil.copyfile(self.log, f"{self.log}.1")
        except OSError as error:  # a full disk: above all then must it become shorter
            logger.warning("the last part of %s is lost: %s", self.log, error, extra={"event": "log_perdido"})
        os.truncate(self.log, 0)

    def check(self, canary_at: datetime | None) -> str:
        """Sends the canary when it is due; returns why the cluster must be restarted, or an empty text."""
        now = time.monotonic()
        if self.child is None or self.child.poll() is not None:
            return _("o processo principal do cluster terminou")
        if canary_at != self._canary_seen:
            self._canary_seen, self._canary_asked = canary_at, None
        if now - self._canary_sent >= settings.CANARY_SECONDS:
            queue.send_canary(self.host.nome)
            self._canary_sent = now
            self._canary_asked = self._canary_asked or now
        if self._canary_asked is None:
            return ""
        # Counted here, for the database's clock may jump; and from the last one that may have come back, but never
        # over a time in which this host was held up and sent none.
        silence = now - max(self.started, self._canary_asked - settings.CANARY_SECONDS)
        if silence > settings.CANARY_LIMIT_SECONDS:
            return _("o canário não volta há %(silence).0f s") % {"silence": silence}
        return ""

    def excuse(self) -> None:
        """No canary comes back from a database that is away: the next one counts."""
        self._canary_asked = None

    def kill(self) -> processes.Reaped:
        """SIGKILL to its session. Robots are not of it: they leave by themselves at their pipe's end."""
        reaped = processes.reap(self.mark, self.who, descendants=False)
        if self.child:
            self.child.wait()
        return reaped

    def stop(self) -> None:
        """SIGTERM to the main process alone (to its group, it hangs), then SIGKILL to what is left."""
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                logger.warning("the cluster did not stop in %s s", STOP_SECONDS, extra={"event": "cluster_parada"})
        self.kill()
