"""No sale in a time in which a router normally sells is heard."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from hotspot.contract.operations import AlarmRaised
from hotspot.testing.handling import NOON
from router_service.sales import Memory, is_silent

from .watching import THERE, Watch


def sold(weeks: int, each: int, *, silent_for: int) -> dict[datetime, int]:
    """Sales of every hour of some weeks, up to so many hours before NOON."""
    hours = range(silent_for + 1, weeks * 7 * 24)
    return {NOON - timedelta(hours=hour): each for hour in hours}


@pytest.mark.parametrize(
    ("case", "silent"),
    [
        (sold(4, 3, silent_for=4), True),
        (sold(4, 3, silent_for=1), False),
        (sold(4, 1, silent_for=4), False),  # so few that it may be chance
        (sold(4, 1, silent_for=10), True),
        ({NOON - timedelta(days=2): 50}, False),  # has no normal yet
    ],
)
def test_silence_is_what_cannot_be_chance(case: dict[datetime, int], silent: bool) -> None:
    memory = Memory(since=min(case), sold=case)
    assert is_silent(memory, NOON + timedelta(minutes=59)) is silent


def test_silence_is_an_alarm(router: UUID, watch: Watch, engine: Engine) -> None:
    rows = [
        {"router_id": router, "hour": hour, "sold": each}
        for hour, each in sold(3, 4, silent_for=6).items()
    ]
    with engine.begin() as connection_:
        connection_.execute(
            text("INSERT INTO sales VALUES (:router_id, :hour, :sold)"),
            rows,
        )

    told = watch.round(THERE, times=2)

    assert [one.alarm for one in told if isinstance(one, AlarmRaised)] == ["router_silent"]
