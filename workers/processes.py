"""Operating-system processes: who they are, who belongs to a robot, killing them whole, and proving them dead.

Linux only. A process is named by (boot id, pid, start ticks), never by its command line: a pid alone is reused.
A browser is twelve processes: its session id shows ten of them, the mark in the environment four, together all.
"""

import os
import re
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.utils.translation import gettext as _

MARK = "ROBOT_WORKER_ID"
ROUNDS = 3
ROUND_SECONDS = 3.0
PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    """One process of one boot of this machine. `start_ticks` is field 22 of /proc/<pid>/stat, in clock ticks."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True)
class Member:
    """A row of the process table."""

    pid: int
    ppid: int
    sid: int
    start_ticks: int
    zombie: bool


@dataclass(frozen=True)
class Reaped:
    """What a reap did: processes found, how many of them are dead now, and the pids that are not."""

    found: int
    killed: int
    left: tuple[int, ...]

    def __str__(self) -> str:
        counts = {"encontrados": self.found, "encerrados": self.killed, "restantes": len(self.left)}
        text = _("encontrados %(encontrados)s, encerrados %(encerrados)s, restantes %(restantes)s") % counts
        return f"{text} (PIDs {', '.join(map(str, self.left))})" if self.left else text

    def __add__(self, other: "Reaped") -> "Reaped":
        return Reaped(self.found + other.found, self.killed + other.killed, self.left + other.left)


NOTHING = Reaped(0, 0, ())


def boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def ticks_ago(seconds: float) -> float:
    """That moment in ticks since the machine's start, as `Identity.start_ticks` counts."""
    return (time.clock_gettime(time.CLOCK_BOOTTIME) - seconds) * os.sysconf("SC_CLK_TCK")


def _member(pid: int) -> Member | None:
    try:
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return Member(pid, int(fields[1]), int(fields[3]), int(fields[19]), fields[0] in "ZX")


def identity(pid: int) -> Identity | None:
    """Who runs under this pid now; None when nobody does."""
    member = _member(pid)
    return Identity(pid, member.start_ticks, boot_id()) if member else None


def alive(who: Identity) -> bool:
    """Is this very process alive? A zombie is dead, and so is one whose pid went to another."""
    member = _member(who.pid)
    return bool(member and not member.zombie and member.start_ticks == who.start_ticks and who.boot_id == boot_id())


def table() -> dict[int, Member]:
    members = (_member(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
    return {member.pid: member for member in members if member}


def mark_of(pid: int) -> str:
    """The robot mark in this process's environment, or an empty text."""
    prefix = f"{MARK}=".encode()
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return ""
    found = next((entry for entry in environment.split(b"\0") if entry.startswith(prefix)), b"")
    return found[len(prefix) :].decode(errors="replace")


def marked(prefix: str) -> dict[int, str]:
    """pid -> mark, of every process whose mark begins so."""
    marks = ((pid, mark_of(pid)) for pid in table())
    return {pid: mark for pid, mark in marks if mark.startswith(prefix)}


def find(mark: str, who: Identity | None = None, *, descendants: bool = True) -> list[Member]:
    """All living processes of this robot: its session, its mark, and (unless told not to) whatever descends from those.

    A session counts only when it began no earlier than the robot and its leader, if that is alive, is the robot itself:
    the kernel gives a pid again only when no process has it as its session any more. Never this process.
    """
    members = table()
    leader = members.get(who.pid) if who else None
    reused = leader is not None and who is not None and leader.start_ticks != who.start_ticks
    own = who is not None and who.boot_id == boot_id() and not reused
    chosen = {
        member.pid
        for member in members.values()
        if (own and who and member.sid == who.pid and member.start_ticks >= who.start_ticks)
        or (mark and mark_of(member.pid) == mark)
    }
    grown = descendants
    while grown:
        children = {m.pid for m in members.values() if m.ppid in chosen}
        grown = not children <= chosen
        chosen |= children
    chosen.discard(os.getpid())
    return [members[pid] for pid in chosen if not members[pid].zombie]


def reap(mark: str, who: Identity | None = None, *, descendants: bool = True) -> Reaped:
    """Kills the robot's whole tree: the root first, so that it starts no new browser; then freeze all, kill all.

    Up to three rounds of three seconds, until a search finds nobody, and three seconds more for what is dying already;
    what is left then is reported, never called killed.
    """
    seen: set[tuple[int, int]] = set()
    for _round in range(ROUNDS):
        members = find(mark, who, descendants=descendants)
        if not members:
            break
        seen |= {(m.pid, m.start_ticks) for m in members}
        roots = [m for m in members if who and m.pid == who.pid]
        for sig, targets in ((signal.SIGKILL, roots), (signal.SIGSTOP, members), (signal.SIGKILL, members)):
            for member in targets:
                send(member, sig)
        _wait_dead(members, ROUND_SECONDS)
    dying = find(mark, who, descendants=descendants)
    _wait_dead(dying, ROUND_SECONDS)
    left = tuple(m.pid for m in dying if still(m))
    return Reaped(len(seen), len(seen) - len(left), left)


def terminate(mark: str, who: Identity | None) -> int:
    """Asks the whole tree to end (SIGTERM; SIGCONT, so that a frozen one hears it). Returns how many were asked."""
    members = find(mark, who)
    for sig in (signal.SIGTERM, signal.SIGCONT):
        for member in members:
            send(member, sig)
    return len(members)


def send(member: Member, sig: signal.Signals) -> bool:
    """Signals exactly this process: a handle is taken first, so its pid cannot pass to another in between."""
    try:
        handle = os.pidfd_open(member.pid)
    except OSError:
        return False
    try:
        current = _member(member.pid)
        if current is None or current.start_ticks != member.start_ticks:
            return False
        signal.pidfd_send_signal(handle, sig)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


def _wait_dead(members: Iterable[Member], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    waiting = list(members)
    while waiting and time.monotonic() < deadline:
        waiting = [m for m in waiting if still(m)]
        if waiting:
            time.sleep(0.02)


def still(member: Member) -> bool:
    current = _member(member.pid)
    return bool(current and not current.zombie and current.start_ticks == member.start_ticks)


@dataclass(frozen=True)
class Usage:
    """Of a robot's whole tree: CPU seconds used so far, proportional memory in bytes, number of processes."""

    cpu_seconds: float
    memory: int
    processes: int


def usage(mark: str, who: Identity) -> Usage:
    cpu, memory, n = 0.0, 0, 0
    for member in find(mark, who):
        with suppress(psutil.Error):
            process = psutil.Process(member.pid)
            times = process.cpu_times()
            cpu += times.user + times.system
            memory += process.memory_full_info().pss
            n += 1
    return Usage(cpu, memory, n)


def machine_usage() -> tuple[float, float]:
    """(CPU %, memory %) of the whole machine since the last call."""
    return psutil.cpu_percent(), psutil.virtual_memory().percent


def memory_kills() -> int:
    """How many processes the kernel has ended for want of memory since the boot: the machine's, or a cgroup's limit.

    `oom_kill` of /proc/vmstat: of the whole machine, in a container too. Always 0 where the kernel does not tell.
    """
    try:
        found = re.search(r"^oom_kill (\d+)$", (PROC / "vmstat").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def robot_places() -> int:
    """How many browsers this machine carries: min(2 × cores, free memory / 400 MB), at least one."""
    cores = psutil.cpu_count() or 1
    return max(1, min(2 * cores, psutil.virtual_memory().available // (400 * 1024 * 1024)))
