"""The chaos run: its schedule is the seed's, and a short run ends well (the long ones are `make chaos`)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from executions.models import JobItem
from tests import factories
from tests.faults.damage import KINDS, POINTS, Damage, fill, kinds_for
from tests.faults.storm import END_SECONDS, Fault, Wound, never_healed, reopened, schedule

nodb = pytest.mark.nodb


@nodb
def test_a_seed_gives_the_same_schedule_again_and_another_seed_another() -> None:
    kinds = kinds_for(False, [])
    assert schedule(7, 600, 4, kinds) == schedule(7, 600, 4, kinds) != schedule(8, 600, 4, kinds)
    drawn = {fault.kind for seed in range(5) for fault in schedule(seed, 600, 4, kinds)}
    assert drawn == set(kinds)


@nodb
def test_every_kind_of_fault_has_its_deed_and_its_database() -> None:
    assert [kind for kind in KINDS if not callable(getattr(Damage, f"_{kind}", None))] == []
    assert "database_locked" in kinds_for(False, []) and "database_locked" not in kinds_for(True, [])
    assert "database_crash" in kinds_for(True, []) and "disk_full" not in kinds_for(True, [])
    assert len(set(POINTS)) == len(POINTS)


@nodb
def test_only_a_small_disk_is_filled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.faults.damage.SMALL_DISK", 2**20)
    with pytest.raises(RuntimeError, match="no small disk"):
        fill(tmp_path)
    assert list(tmp_path.iterdir()) == []


@nodb
def test_a_fault_after_which_nothing_recovered_in_calm_weather_is_a_finding() -> None:
    def wound(kind: str, recovered: float | None) -> Wound:
        return Wound(Fault(0, kind, 0, 0), 1000, {}, 0, recovered)

    late = END_SECONDS + 500
    wounds = [wound("soon", 5), wound("in the storm", late - 1), wound("late", late + 1), wound("never", None)]
    found = list(never_healed(wounds, calm=1500))
    assert {finding.kind for finding in found} == {"open"}
    assert [word for word in ("soon", "storm", "late", "never") if any(word in f.text for f in found)] == [
        "late", "never",
    ]  # fmt: skip


@pytest.mark.django_db
def test_only_what_is_a_persons_by_design_is_reopened_before_the_judgement() -> None:
    """Any other failure of a storm stays, and the judge calls it lost."""
    batch = factories.nova_execucao(5, max_robots=5)
    classes = ("veneno", "navegador", "tempo_esgotado", "portal_indisponivel", "encerrado")
    for classe in classes:
        factories.tomado(batch).falhar(classe, "")
    assert reopened(batch) == 2
    kept = JobItem.objects.filter(execucao=batch, status="failed").values_list("erro_classe", flat=True)
    assert set(kept) == set(classes[2:])


@nodb
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
