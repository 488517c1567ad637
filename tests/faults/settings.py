"""The product's settings with robots that have no browser, for hosts that tests break many times over."""

from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from robotcontrol.settings import *  # noqa: F403
from robotcontrol.settings import ROBOS, env

ROBOS = ROBOS | {"peticoes": "tests.faults.robot.SemNavegador"}

# Seconds by which the wall clock of all our processes is wrong, in a file that a test changes while they run.
# (libfaketime breaks Python's sleep, which waits for a moment of the monotonic clock.)
CLOCK_FILE = env.text("CLOCK_FILE")
if CLOCK_FILE:
    real_now = timezone.now
    timezone.now = lambda: real_now() + timedelta(seconds=float(Path(CLOCK_FILE).read_text()))
