"""Named stop points, for the tests that break things on purpose: nothing happens unless FAULT_AT is set.

`FAULT_AT=point:action` acts on every process that comes to that point. `FAULT_AT=/a/folder` acts on one process for
each file that a test puts there: the file is called `point`, holds the action, and whoever takes it renames it to
`point.<pid>`, so the test knows who was hit. Actions: `kill` (SIGKILL), `stop` (SIGSTOP), `exit=STATUS`,
`sleep=SECONDS`. The points are the callers of `point` (docs/reliability.md lists them).
"""

import logging
import os
import signal
import time
from pathlib import Path

from robotcontrol import env

logger = logging.getLogger("robotcontrol.faults")

WHERE = env.text("FAULT_AT")


def point(name: str) -> None:
    """This process has come to the point of that name."""
    if WHERE:
        _reached(name)


def _reached(name: str) -> None:
    if not WHERE.startswith("/"):
        where, _, action = WHERE.partition(":")
        if where == name:
            _act(name, action)
        return
    mine = Path(WHERE) / f"{name}.{os.getpid()}"
    try:
        (Path(WHERE) / name).rename(mine)
    except FileNotFoundError:
        return
    _act(name, mine.read_text().strip())


def _act(name: str, action: str) -> None:
    logger.warning("fault at %s: %s", name, action, extra={"event": "falha_provocada"})
    verb, _, value = action.partition("=")
    if verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif verb == "exit":
        os._exit(int(value))
    elif verb == "sleep":
        time.sleep(float(value))
    else:
        raise ValueError(f"FAULT_AT: unknown action {action!r}")
