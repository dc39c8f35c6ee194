"""Whatever happens in whatever order, the books are right and everybody gets what they paid for.

Hypothesis thinks up orders of events and has them happen to the real handlers, on real databases.
LEDGER_EXAMPLES says how many it tries (by default few, always the same).
"""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)

from hotspot.testing.databases import Databases
from hotspot.testing.identity import Keys

from .small_world import town as towns
from .small_world.rules import Everything
from .small_world.settings import set_up
from .small_world.town import Town

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "0"))


@pytest.fixture
def make_town(
    databases: Databases, keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[], Town]]:
    """Makes towns, one after another, on the same databases."""
    set_up(monkeypatch, keys, tmp_path)
    engines = {service: databases.fresh(service) for service in towns.SERVICES}
    # Thousands of messages are handled: what their workers log is of no use to anybody.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield lambda: towns.found(engines, towns.handlers_of_services)
    structlog.reset_defaults()
    databases.drop()


def test_the_books_are_right_whatever_happens(make_town: Callable[[], Town]) -> None:
    machine = type("LifeHere", (Everything,), {"make": staticmethod(make_town)})
    run_state_machine_as_test(machine, settings=settings_of(EXAMPLES))


def settings_of(examples: int) -> settings:
    """The same few examples each time; as many others as are wished for."""
    return settings(
        max_examples=examples or 12,
        stateful_step_count=40,
        derandomize=not examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # To find the shortest order that goes wrong takes minutes: only for who asked for more.
        phases=(Phase.generate, *((Phase.shrink,) if examples else ())),
        print_blob=True,
    )
