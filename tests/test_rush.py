"""40 guests pay in every way there is while everything dies that can: no shilling is lost."""

from benchmarks.payments import table
from benchmarks.rush import hold

from .system import System


def test_every_shilling_is_in_one_place_and_everybody_is_served_once(system: System) -> None:
    rush = hold(system, count=40, every=0.7, down_seconds=2)
    print(table(rush))  # noqa: T201  # shown where it fails
    assert rush.wrong() == []
    assert rush.killed > 5
    assert len(rush.accounts.completed) > 20
