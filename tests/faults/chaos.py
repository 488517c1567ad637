"""Chaos: an installation at work, faults drawn by seed, the outside judge at the end, one page of figures.

    make chaos SECONDS=600 SEED=7 [DB=postgres]

Two hosts on PostgreSQL, one on SQLite (it serves one). The seed decides which fault comes when, for how long and to
whom; which robot that is depends on who is at work then. The exit status is 1 when the judge finds anything.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


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
    home = Path(tempfile.mkdtemp(prefix="caos-", dir=options.home or "/tmp"))
    postgres = os.environ.get("DATABASE_URL", "").startswith("postgres")
    os.environ |= {"VAR_DIR": str(home), "HTTPS": "0", "DJANGO_SETTINGS_MODULE": "robotcontrol.settings"}
    if not postgres:
        os.environ["DATABASE_URL"] = ""
    sys.path.insert(0, str(ROOT))
    code = 2
    try:
        code = _run(options, home)
    finally:
        if code:
            print(f"The hosts' logs are kept in {home}.")
        else:
            shutil.rmtree(home, ignore_errors=True)
    return code


def _run(options: argparse.Namespace, home: Path) -> int:
    import django  # noqa: PLC0415 (the environment decides which database)

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from tests.faults.storm import Storm  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    began = time.monotonic()
    only = [kind for kind in options.only.split(",") if kind]
    storm = Storm(options.seed, options.seconds, options.every, only)
    storm.run()
    page = storm.page(time.monotonic() - began)
    print(page)
    if options.output:
        Path(options.output).write_text(page)
    return 1 if storm.findings else 0


if __name__ == "__main__":
    sys.exit(main())
