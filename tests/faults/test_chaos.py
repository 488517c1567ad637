"""The chaos run: its schedule is the seed's, and a short run ends well (the long ones are `make chaos`)."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.faults.damage import KINDS, POINTS, Damage, kinds_for
from tests.faults.storm import schedule

pytestmark = pytest.mark.nodb


def test_a_seed_gives_the_same_schedule_again_and_another_seed_another() -> None:
    kinds = kinds_for(False, [])
    assert schedule(7, 600, 4, kinds) == schedule(7, 600, 4, kinds) != schedule(8, 600, 4, kinds)
    drawn = {fault.kind for seed in range(5) for fault in schedule(seed, 600, 4, kinds)}
    assert drawn == set(kinds)


def test_every_kind_of_fault_has_its_deed_and_its_database() -> None:
    assert [kind for kind in KINDS if not callable(getattr(Damage, f"_{kind}", None))] == []
    assert "database_locked" in kinds_for(False, []) and "database_locked" not in kinds_for(True, [])
    assert "database_crash" in kinds_for(True, []) and "disk_full" not in kinds_for(True, [])
    assert len(set(POINTS)) == len(POINTS)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("postgres", [False, True])
def test_a_short_storm_ends_without_a_finding(postgres: bool) -> None:
    script = [
        sys.executable,
        str(settings.BASE_DIR / "tests" / "faults" / "chaos.py"),
        "--seconds",
        "90",
        "--seed",
        "5",
    ]
    command = [sys.executable, str(settings.BASE_DIR / "tests" / "postgres.py"), *script] if postgres else script
    environ = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "VAR_DIR")}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=800)
    print(ran.stdout, ran.stderr)
    assert ran.returncode == 0
