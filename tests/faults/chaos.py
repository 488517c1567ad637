"""Chaos: an installation at work, faults drawn by seed, the outside judge at the end, one page of figures.

    make chaos SECONDS=600 SEED=7 [DB=postgres]

Two hosts on PostgreSQL, one on SQLite (it serves one). The seed decides which fault comes when, for how long and to
whom; which robot that is depends on who is at work then. The exit status is 1 when the judge finds anything.
"""

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.faults import alone  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="how long faults are injected")
    parser.add_argument("--seed", type=int, default=None, help="draws the schedule; without it, one is drawn and said")
    parser.add_argument("--every", type=float, default=4, help="seconds between faults, on average")
    parser.add_argument("--only", default="", help="kinds of faults, comma-separated")
    parser.add_argument("--home", help="the installation's folder (for disk_full: on a small disk of its own)")
    parser.add_argument("--output", help="writes the page of figures there, too")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**6)
    return alone.run("caos", lambda: _run(options), options.home or "/tmp")


def _run(options: argparse.Namespace) -> int:
    from tests.faults.storm import Storm  # noqa: PLC0415 (Django must be set up)

    began = time.monotonic()
    only = [kind for kind in options.only.split(",") if kind]
    storm = Storm(options.seed, options.seconds, options.every, only)
    storm.run()
    page = storm.page(time.monotonic() - began)
    return alone.told(page, options.output, findings=bool(storm.findings))


if __name__ == "__main__":
    sys.exit(main())
