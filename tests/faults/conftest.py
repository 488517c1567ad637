"""One running machine for all tests of a module: starting a host for each repetition would take the suite's time."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from tests.chain import Machine
from tests.faults.world import World, world


@pytest.fixture(scope="module")
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's own, but open for a whole module, and emptied only after it: a host lives as long."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="module")
def broken_world(transactional_db: None) -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture(scope="module")
def machine(broken_world: World) -> Iterator[Machine]:
    with broken_world.host() as host:
        yield host
    assert not broken_world.left_over()


@pytest.fixture
def mundo(broken_world: World, machine: Machine) -> Iterator[World]:
    """The world with one host; no fault of the last test is armed any more."""
    broken_world.disarm()
    yield broken_world
