"""What every test shares: a clock that tests move, honest templates, and the migrations' data after a flush."""

import logging
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone
from hypothesis import HealthCheck, settings
from selenium.common.exceptions import WebDriverException

# "slow" belongs to `make test-all`; HYPOTHESIS_PROFILE picks one by hand.
settings.register_profile("ci", deadline=None)
settings.register_profile(
    "slow",
    deadline=None,
    max_examples=500,
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """ChromeDriver's own frames have no names; twenty lines of them hide which test failed, and why."""
    if call.excinfo and isinstance(call.excinfo.value, WebDriverException):
        call.excinfo.value.stacktrace = None


class MissingVariable(logging.Filter):
    """A template that names a variable which does not exist is a mistake that Django only whispers about."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Exception while resolving variable"):
            name, template = record.args  # type: ignore[misc]
            cause = record.exc_info[1] if record.exc_info else None
            raise AssertionError(f"{name!r} does not exist in template {template!r}") from cause
        return True


@pytest.fixture(scope="session", autouse=True)
def _missing_template_variables_are_errors() -> Iterator[None]:
    logger = logging.getLogger("django.template")
    level, strict = logger.level, MissingVariable()
    logger.setLevel(logging.DEBUG)
    logger.addFilter(strict)
    yield
    logger.removeFilter(strict)
    logger.setLevel(level)


class Tempo:
    """The database's clock, standing still until a test moves it."""

    def __init__(self) -> None:
        self.agora = timezone.now()

    def __call__(self) -> datetime:
        return self.agora

    def avancar(self, segundos: float) -> datetime:
        self.agora += timedelta(seconds=segundos)
        return self.agora


@pytest.fixture
def tempo(monkeypatch: pytest.MonkeyPatch) -> Tempo:
    """A clock for `executions.clock.db_now` that only `avancar(segundos)` moves."""
    relogio = Tempo()
    monkeypatch.setattr("executions.clock.db_now", relogio)
    return relogio


@pytest.fixture
def grupos(db: None) -> None:
    """The groups of the migration, again: a transactional test before this one has flushed them."""
    config = apps.get_app_config("executions")
    module = config.models_module
    try:
        import_module("executions.migrations.0002_grupos").create_groups(apps, None)
    finally:
        config.models_module = module  # the migration's function takes it away, which suits only a historical registry


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Notes for the results table (docs/reliability.md) how often a fault was injected and how long recovery took."""

    def note(injected: int, recovery: list[float]) -> None:
        record_property("injected", injected)
        record_property("recovery", ",".join(f"{seconds:.2f}" for seconds in recovery))

    return note
