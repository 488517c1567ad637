"""An installation of its own for a long run: a fresh home, the environment of its processes, a migrated database."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def run(
    prefix: str, work: Callable[[], int], parent: str = "/tmp", *, all_in_home: bool = False, **environment: str
) -> int:
    """The exit status that `work` returned; its home is kept, and named, when that is not 0.

    `all_in_home`: so lies everything temporary. PostgreSQL when DATABASE_URL names one, else SQLite in the home.
    """
    home = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=parent))
    postgres = os.environ.get("DATABASE_URL", "").startswith("postgres")
    os.environ |= {"VAR_DIR": str(home), "HTTPS": "0", "DJANGO_SETTINGS_MODULE": "robotcontrol.settings"}
    os.environ |= environment
    if all_in_home:
        tempfile.tempdir = str(home / "t")  # short: Chromium's sockets lie below
        os.environ |= {"TMPDIR": tempfile.tempdir, "ROBOT_TMP_DIR": tempfile.tempdir}
        (home / "t").mkdir()
    if not postgres:
        os.environ["DATABASE_URL"] = ""
    code = 2
    try:
        import django  # noqa: PLC0415 (the environment decides which database)

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        code = work()
    finally:
        if code:
            print(f"The hosts' logs are kept in {home}.")
        else:
            shutil.rmtree(home, ignore_errors=True)
    return code


def told(page: str, output: str | None, *, findings: bool) -> int:
    """Prints the page of figures, writes it to `output` too, and returns the exit status."""
    print(page)
    if output:
        Path(output).write_text(page)
    return 1 if findings else 0
