"""Runs the tests of the fault matrix and writes their results into docs/reliability.md.

    python tests/faults/report.py [--short] [--only N …]

`--short`: the repetitions of `make test`. Each row runs on the databases that rows.py names, a PostgreSQL of its own
among them; its line sums both. The page is written after each row, so a run may be broken off. A row that was not run,
or whose tests all skipped themselves, keeps the result it had.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.rows import ROWS, Row  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ("failed", "passed", "skipped")
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
HEAD = (
    "| row | fault | must hold | injected | lost | doubled | left running | tests failed | skipped "
    "| recovered p50 / max (s) | target (s) | times ÷ | run |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)
# What the judge says in a failed test, and what `left_over()` had found there.
FINDING = re.compile(r"^E\s+(?:AssertionError: )?(lost|doubled|left): ", re.M)
LEFT = re.compile(r"^E\s+(?:AssertionError: )?assert not \{(\d+: .*)", re.M)


@dataclass
class Outcome:
    """`cases`: test with its parameters -> passed, failed or skipped. `kinds`: what the judge found in failed ones."""

    injected: int = 0
    cases: dict[str, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    recovery: list[float] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """What was skipped in one half and ran in the other has run; a failure stays one."""
        self.injected += other.injected
        for case, result in other.cases.items():
            self.cases[case] = min(result, self.cases.get(case, result), key=RESULTS.index)
        self.kinds += other.kinds
        self.recovery += other.recovery

    def number(self, result: str) -> int:
        return list(self.cases.values()).count(result)

    def found(self, kind: str) -> str:
        """A question mark when a test failed and the judge did not say of what."""
        return str(self.kinds[kind]) if self.kinds or not self.number("failed") else "?"

    def line(self, row: Row, how: str) -> str:
        times = sorted(self.recovery)
        took = f"{times[len(times) // 2]:.1f} / {times[-1]:.1f}" if times else "-"
        target = "-" if row.target is None else f"{row.target:g}"
        found = " | ".join(self.found(kind) for kind in ("lost", "doubled", "left"))
        return (
            f"| {row.n} | {row.fault} | {row.holds} | {self.injected} | {found} | {self.number('failed')} "
            f"| {self.number('skipped')} | {took} | {target} | {row.divisor if times else '-'} | {how} |"
        )


def run(row: Row, *, short: bool, postgres: bool) -> Outcome:
    """`postgres`: only those that touch the database and not the operating system alone, as in `make test`."""
    unless = [*(["slow"] if short else []), *(["once", "browser", "nodb"] if postgres else [])]
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={xml}", "-o", "junit_family=xunit1"]
        command += [*row.tests, *row.also]
        command += ["-m", " and ".join(f"not {mark}" for mark in unless)]
        if postgres:
            command = [sys.executable, str(ROOT / "tests" / "postgres.py"), *command]
        subprocess.run(command, cwd=ROOT, check=False, env=os.environ)
        return read(xml.read_text(), row)


def read(xml: str, row: Row) -> Outcome:
    """Of pytest's own report."""
    total = Outcome()
    for case in ElementTree.fromstring(xml).iter("testcase"):  # noqa: S314 (our own pytest wrote it)
        told = [one.text or "" for kind in ("failure", "error") for one in case.iter(kind)]
        result = "failed" if told else "skipped" if case.find("skipped") is not None else "passed"
        kinds = Counter(FINDING.findall("\n".join(told)))
        for left in LEFT.findall("\n".join(told)):
            kinds["left"] += len(re.findall(r"\b\d+: ['\"]", left))
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
        made = 0 if test in row.also or result == "skipped" else 1
        notes = {p.get("name"): p.get("value", "") for p in case.iter("property")}
        recovery = [float(text) for text in notes.get("recovery", "").split(",") if text]
        name = f"{case.get('classname')}.{case.get('name')}"
        total.add(Outcome(int(notes.get("injected", made)), {name: result}, kinds, recovery))
    return total


def written(page: str, row: Row, outcome: Outcome, how: str) -> str:
    """The page with the line of this row made new."""
    if outcome.number("skipped") == len(outcome.cases):
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
    parser.add_argument("--only", type=int, nargs="*", help="these rows")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.only or row.n in options.only]
    failed = 0
    for row in rows:
        outcome = Outcome()
        for database in row.databases:
            outcome.add(run(row, short=options.short, postgres=database == "PostgreSQL"))
        how = f"{'short' if options.short else 'full'}, {' + '.join(row.databases)}, {datetime.now(UTC):%Y-%m-%d}"
        PAGE.write_text(written(PAGE.read_text(), row, outcome, how))
        failed += outcome.number("failed")
        print(f"row {row.n}: {outcome}", flush=True)
    print(f"{len(rows)} rows, {failed} tests failed; written to {PAGE.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
