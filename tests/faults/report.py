"""Runs the tests of the fault matrix and writes their results into docs/reliability.md.

    python tests/faults/report.py [--short] [--postgres] [--only N …]

`--short`: the repetitions of `make test`. The page is written after each row, so a run may be broken off. A row that
was not run, or whose tests all skipped themselves, keeps the result it had.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.rows import ROWS, Row  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
HEAD = (
    "| row | fault | must hold | injected | failed | skipped | recovered p50 / max (s, tests' times) | target (s) "
    "| run |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


@dataclass
class Outcome:
    injected: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    recovery: list[float] = field(default_factory=list)

    def line(self, row: Row, how: str) -> str:
        times = sorted(self.recovery)
        took = f"{times[len(times) // 2]:.1f} / {times[-1]:.1f}" if times else "-"
        target = "-" if row.target is None else f"{row.target:g}"
        return (
            f"| {row.n} | {row.fault} | {row.holds} | {self.injected} | {self.failed} | {self.skipped} "
            f"| {took} | {target} | {how} |"
        )


def run(tests: list[str], *, short: bool, postgres: bool) -> dict[str, Outcome]:
    """file::function -> what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={xml}", "-o", "junit_family=xunit1", *tests]
        command += ["-m", "not slow"] if short else []
        if postgres:
            command = [sys.executable, str(ROOT / "tests" / "postgres.py"), *command]
        subprocess.run(command, cwd=ROOT, check=False, env=os.environ)
        return read(xml)


def read(xml: Path) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    for case in ElementTree.parse(xml).iter("testcase"):  # noqa: S314 (our own pytest wrote it)
        name = re.sub(r"\[.*", "", case.get("name", ""))
        outcome = found.setdefault(f"{case.get('classname', '').replace('.', '/')}.py::{name}", Outcome())
        notes = {p.get("name"): p.get("value", "") for p in case.iter("property")}
        if case.find("skipped") is not None:
            outcome.skipped += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        else:
            outcome.passed += 1
        outcome.injected += int(notes.get("injected", 0 if case.find("skipped") is not None else 1))
        outcome.recovery += [float(text) for text in notes.get("recovery", "").split(",") if text]
    return found


def summed(row: Row, found: dict[str, Outcome]) -> Outcome:
    total = Outcome()
    for name in row.tests:
        one = found.get(name, Outcome())
        total.injected += one.injected
        total.passed += one.passed
        total.failed += one.failed
        total.skipped += one.skipped
        total.recovery += one.recovery
    return total


def written(page: str, row: Row, found: dict[str, Outcome], how: str) -> str:
    """The page with the line of this row made new."""
    outcome = summed(row, found)
    if not outcome.passed + outcome.failed:
        return page
    head, _, rest = page.partition(BEGIN)
    old, _, tail = rest.partition(END)
    lines = {int(m[1]): m[0] for m in re.finditer(r"^\| (\d+) \|.*$", old, re.M)}
    lines[row.n] = outcome.line(row, how)
    table = "\n".join(lines[n] for n in sorted(lines))
    return f"{head}{BEGIN}\n{HEAD}\n{table}\n{END}{tail}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="the repetitions of make test")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    parser.add_argument("--only", type=int, nargs="*", help="these rows")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.only or row.n in options.only]
    how = f"{'short' if options.short else 'full'}, {'PostgreSQL' if options.postgres else 'SQLite'}"
    failed = 0
    for row in rows:
        found = run(list(row.tests), short=options.short, postgres=options.postgres)
        PAGE.write_text(written(PAGE.read_text(), row, found, f"{how}, {datetime.now(UTC):%Y-%m-%d}"))
        failed += sum(outcome.failed for outcome in found.values())
        print(f"row {row.n}: {summed(row, found)}", flush=True)
    print(f"{len(rows)} rows, {failed} tests failed; written to {PAGE.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
