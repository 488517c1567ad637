"""What an installation takes of its machine, read from /proc and the disk, and the rule by which it must stay level.

A sample is a dictionary: (measure, of what) -> figure. Memory (resident, in MB) and descriptors are means of the
processes of a kind; folders are in KB and entries.
"""

import os
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workers import processes

Sample = dict[tuple[str, str], float]
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Rule:
    """How much a figure may grow: a share of itself, and a constant for the noise of small ones."""

    share: float
    slack: float

    def allows(self, early: float, late: float) -> bool:
        """What falls is no leak."""
        return late <= early * (1 + self.share) + self.slack


RULES = {
    "memory, MB": Rule(0.05, 2), "descriptors": Rule(0, 2), "zombies": Rule(0, 2),
    "KB of": Rule(0.05, 64), "entries of": Rule(0, 2),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One gauge of the whole run. `sixths`: the median of each, None without samples; the second is held against the
    last one. `most`: the largest of all."""

    measure: str
    of: str
    sixths: tuple[float | None, ...]
    most: float

    @property
    def early(self) -> float | None:
        return self.sixths[1]

    @property
    def late(self) -> float | None:
        return self.sixths[-1]

    @property
    def judged(self) -> bool:
        return self.measure in RULES and self.early is not None and self.late is not None

    @property
    def grew(self) -> bool:
        if self.early is None or self.late is None or self.measure not in RULES:
            return False
        return not RULES[self.measure].allows(self.early, self.late)

    def __str__(self) -> str:
        course = " | ".join("-" if n is None else f"{n:.1f}" for n in self.sixths)
        verdict = "GREW" if self.grew else "level" if self.judged else ""
        return f"| {self.measure} {self.of} | {course} | {self.most:.1f} | {verdict} |"


def lines(series: Sequence[tuple[float, Sample]], seconds: float) -> list[Line]:
    """Of a run of so many seconds; the first sixth is its warm-up. `series`: (second, sample)."""
    gauges: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for at, sample in series:
        for gauge, figure in sample.items():
            gauges[gauge].append((at, figure))
    sixth = seconds / 6

    def middle(points: list[tuple[float, float]], begin: float) -> float | None:
        inside = [figure for at, figure in points if begin <= at <= begin + sixth]
        return statistics.median(inside) if inside else None

    return [
        Line(*gauge, tuple(middle(points, n * sixth) for n in range(6)), max(figure for _, figure in points))
        for gauge, points in sorted(gauges.items())
    ]


# ---- processes ----------------------------------------------------------------------------------------------------
def of_processes(kinds: dict[str, list[int]]) -> Sample:
    """Memory and descriptors of each kind. A process that has gone meanwhile counts for nothing.

    Memory is what is the process's own: pages of files (libraries, SQLite's index of its log) come and go as the kernel
    likes.
    """
    found: Sample = {}
    for kind, pids in kinds.items():
        memory, descriptors = [], []
        for pid in pids:
            with suppress(OSError, IndexError):
                _size, resident, of_files = Path(f"/proc/{pid}/statm").read_text().split()[:3]
                descriptors.append(len(os.listdir(f"/proc/{pid}/fd")))
                memory.append((int(resident) - int(of_files)) * PAGE / 2**20)
        if memory:
            found["memory, MB", kind] = statistics.fmean(memory)
            found["descriptors", kind] = statistics.fmean(descriptors)
    return found


def family(roots: Iterable[int], members: dict[int, processes.Member]) -> set[int]:
    """These and all that descend from them."""
    found = {pid for pid in roots if pid in members}
    while more := {pid for pid, member in members.items() if member.ppid in found} - found:
        found |= more
    return found


def of_family(roots: Iterable[int]) -> Sample:
    """How many processes descend from these, and how much memory they have together (shared pages counted once)."""
    members = processes.table()
    all_of_them = family(roots, members)
    zombies = sum(members[pid].zombie for pid in all_of_them)
    return {
        ("processes", "in all"): len(all_of_them) - zombies,
        ("zombies", "in all"): zombies,
        ("together, MB", "in all"): sum(map(_proportional, all_of_them)) / 1024,
    }


def _proportional(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


# ---- folders ------------------------------------------------------------------------------------------------------
def of_folder(name: str, folder: Path, without: Collection[Path] = (), prefix: str = "\0") -> Sample:
    """Size and number of what is below it, but for these folders and the files whose name begins with `prefix`."""
    size = entries = 0
    for place, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if Path(place, each) not in without]
        entries += len(folders)
        for file in files:
            if file.startswith(prefix) or Path(place, file) in without:
                continue
            with suppress(OSError):
                size += os.lstat(os.path.join(place, file)).st_size
                entries += 1
    return {("KB of", name): size / 1024, ("entries of", name): entries}
