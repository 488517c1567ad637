"""The last guard of a robot's browser, and of a script: when robot, supervisor, cluster and host are killed together,
nobody else is left to clear Chromium away, or to end a script that nobody watches any more. It waits for its stdin to
end, which only the robot holds, or the script's supervisor, and then reaps the whole tree.

`python -m workers.guard MARK PID START_TICKS BOOT_ID`, without mark and session of what it guards, and without Django.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from workers import processes

SUPERVISOR_SECONDS = 3.0  # the supervisor comes first, if it lives


def start(mark: str, pid: int) -> "subprocess.Popen[bytes] | None":
    """Starts the guard of this robot, or script; its stdin ends with the caller, whatever ends that. Keep what is
    returned."""
    who = processes.identity(pid)
    if who is None or not mark:
        return None
    arguments = [mark, str(who.pid), str(who.start_ticks), who.boot_id]
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
    root = Path(__file__).resolve().parent.parent
    return subprocess.Popen(
        [sys.executable, "-m", "workers.guard", *arguments], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd=root, env=environment, start_new_session=True,
    )  # fmt: skip


def main() -> None:
    mark, pid, start_ticks, boot_id = sys.argv[1:]
    while os.read(0, 1):
        pass
    time.sleep(SUPERVISOR_SECONDS)
    processes.reap(mark, processes.Identity(int(pid), int(start_ticks), boot_id))


if __name__ == "__main__":
    main()
