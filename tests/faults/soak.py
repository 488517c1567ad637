"""A soak: an installation in use at a calm pace for a long time, and what it takes of its machine meanwhile.

    make soak SECONDS=3600 [ROBOTS=2] [DB=postgres]

Real Chromium works through batches, scripts run (one prints much, one fails, one is too slow), people look at the pages
and export, a batch is killed and reopened now and then. The exit status is 1 when memory, descriptors or folders grew,
anything was left running, a page failed, or the outside judge finds anything.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.faults import alone  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600, help="how long it is in use; the first sixth warms up")
    parser.add_argument("--robots", type=int, default=2, help="robots with a browser at a time")
    parser.add_argument("--output", help="writes the page of figures there, too")
    options = parser.parse_args()
    return alone.run("soak", lambda: _run(options), all_in_home=True, ROBOT_HOST="resistencia")


def _run(options: argparse.Namespace) -> int:
    from tests.faults.soaking import Soak  # noqa: PLC0415 (Django must be set up)

    soak = Soak(options.seconds, options.robots)
    soak.run()
    page = soak.page()
    return alone.told(page, options.output, findings=bool(soak.findings))


if __name__ == "__main__":
    sys.exit(main())
