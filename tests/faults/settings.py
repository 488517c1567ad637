"""The product's settings with robots that have no browser, for hosts that tests break many times over."""

from robotcontrol.settings import *  # noqa: F403
from robotcontrol.settings import ROBOS, env

ROBOS = ROBOS | {"peticoes": "tests.faults.robot.SemNavegador"}

# A faked clock must be the robots' clock too: what is asked for here is handed on to them.
for name in ("LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE", "FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC"):
    env.text(name)
