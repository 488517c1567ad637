"""A process that the kernel really ends for want of memory: in a memory cgroup of its own, whose limit it passes."""

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

LIMIT = 300 * 2**20
ADDRESS_SPACE = 2 * LIMIT
CGROUPS = Path("/sys/fs/cgroup")


def limited() -> Path | None:
    """Puts this process in a fresh cgroup of LIMIT bytes. None where that cannot be: not root, or no controller.

    Whoever waits for its end removes the folder; those that were forgotten are removed here.
    """
    first = (CGROUPS / "memory").is_dir()  # cgroup v1
    root = CGROUPS / "memory" if first else CGROUPS
    for old in root.glob("robo-sem-memoria-*"):
        with suppress(OSError):
            old.rmdir()
    group = root / f"robo-sem-memoria-{os.getpid()}"
    try:
        if not first and "memory" not in (root / "cgroup.subtree_control").read_text():
            (root / "cgroup.subtree_control").write_text("+memory")
        group.mkdir()
        (group / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(LIMIT))
        swap = group / ("memory.memsw.limit_in_bytes" if first else "memory.swap.max")
        if swap.exists():
            swap.write_text(str(LIMIT if first else 0))
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        return None
    return group


def run_out() -> None:
    """Until the kernel ends it. Where no cgroup can be had, it does what the kernel would: a limit of the address space
    alone is an exception."""
    if limited() is None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    with suppress(MemoryError):
        hoard = []
        while True:
            hoard.append(bytearray(2**24))
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    run_out()
