"""The soak's gauges: what grows is found, what is level is not (the run itself is `make soak`)."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults import gauges
from workers import processes

pytestmark = pytest.mark.nodb
MEMORY, FDS, SIZE = ("memory, MB", "web worker"), ("descriptors", "runrobots"), ("KB of", "the run folder")


def series(**of: "tuple[float, float]") -> list[tuple[float, gauges.Sample]]:
    """A run of 600 s; each gauge climbs evenly from its first figure to its second."""
    names = {"memory": MEMORY, "fds": FDS, "size": SIZE}
    return [
        (at, {names[n]: low + (high - low) * at / 600 for n, (low, high) in of.items()}) for at in range(0, 600, 15)
    ]


def grown(run: list[tuple[float, gauges.Sample]]) -> list[str]:
    return [f"{line.measure} {line.of}" for line in gauges.lines(run, 600) if line.grew]


def test_level_figures_and_falling_ones_are_no_finding() -> None:
    assert grown(series(memory=(100, 104), fds=(40, 20), size=(900, 910))) == []


@pytest.mark.parametrize(
    ("gauge", "low", "high"), [("memory", 100, 115), ("fds", 20, 25), ("size", 100, 300)], ids=["MB", "fds", "KB"]
)
def test_what_grows_beyond_its_rule_is_found(gauge: str, low: float, high: float) -> None:
    assert len(grown(series(**{gauge: (low, high)}))) == 1


def test_the_warm_up_is_not_judged_and_one_high_sample_is_not_growth() -> None:
    run = series(memory=(150, 150), fds=(20, 20))
    for at, sample in run:
        sample[MEMORY] = 60 if at < 100 else 150
        sample[FDS] = 90 if at == 555 else 20
    assert grown(run) == []
    assert {line.of: line.most for line in gauges.lines(run, 600)} == {"web worker": 150, "runrobots": 90}


def test_a_kind_without_samples_in_a_window_is_shown_and_not_judged() -> None:
    (line,) = gauges.lines([(at, {FDS: 9}) for at in range(0, 300, 15)], 600)
    assert (line.early, line.late, line.judged, line.grew) == (9, None, False, False)
    assert str(line) == "| descriptors runrobots | 9.0 | 9.0 | 9.0 | - | - | - | 9.0 |  |"


def test_descriptors_and_memory_are_those_of_the_kernel(tmp_path: Path) -> None:
    before = gauges.of_processes({"us": [os.getpid()]})
    held = [(tmp_path / str(n)).open("w") for n in range(5)]
    ballast = bytearray(30 * 2**20)
    ballast[:: 2**10] = b"x" * len(ballast[:: 2**10])  # every page of it is in use
    after = gauges.of_processes({"us": [os.getpid()], "gone": [2**22 + 1]})
    assert after["descriptors", "us"] == before["descriptors", "us"] + 5
    assert after["memory, MB", "us"] > before["memory, MB", "us"] + 20
    assert ("descriptors", "gone") not in after
    for file in held:
        file.close()


def test_a_zombie_and_a_grandchild_belong_to_the_family() -> None:
    # Kept, both: a Popen that is let go asks for its process's status, and the zombie is gone.
    code = "from subprocess import Popen; import time; kept = Popen(['sleep', '60']), Popen(['true']); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        deadline = time.monotonic() + 10
        while len(gauges.family([parent.pid], processes.table())) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)  # `true` has ended, and nobody asks for its status
        seen = gauges.of_family([parent.pid])
        assert (seen["processes", "in all"], seen["zombies", "in all"]) == (2, 1)
        assert seen["together, MB", "in all"] > 1
    finally:
        os.killpg(parent.pid, 9)
        parent.wait()


def test_a_folder_is_measured_without_what_is_at_work_and_without_the_database(tmp_path: Path) -> None:
    for name in ("kept/a", "working/b", "controle.sqlite3-wal", "working.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 1024)
    without = {tmp_path / "working", tmp_path / "working.log"}
    seen = gauges.of_folder("home", tmp_path, without, "controle.sqlite3")
    assert seen == {("KB of", "home"): 1, ("entries of", "home"): 2}  # the folder kept, and the file in it
