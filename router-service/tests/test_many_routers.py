"""Many routers in one round: those that never answer hold up nobody, and the database is asked
as often as for a few.
"""

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from hotspot.bus.work import Work
from hotspot.contract.routers import CheckRoutersJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for
from hotspot.testing.simulators import Simulators
from router_service.checking import Health, ask_router, check_all
from router_service.monitoring import record_round
from router_service.routeros import Address

from .watching import AWAY, THERE


@pytest.fixture(scope="module")
def simulators() -> Iterator[Simulators]:
    """The world outside."""
    with Simulators.started() as running:
        yield running


def test_a_fifth_that_never_answers_is_found_and_the_others_are_asked(
    simulators: Simulators,
) -> None:
    made = simulators.post(
        "/routers", count=60, nas_ip="127.2.0.1", factory="hap", api_username="me", api_password="p"
    )
    addresses = {
        UUID(one["id"]): Address(
            host=one["nas_ip"],
            port=simulators.api_port,
            tls=False,
            username="me",
            password="p",
        )
        for one in made["items"]
    }
    lost = list(addresses)[::5]
    for number, router in enumerate(lost):
        mode = ("blackhole", "blackhole", "down", "wrong_password")[number % 4]
        simulators.post(f"/routers/{router}/behaviour", mode=mode)
    threads = threading.active_count()

    found = check_all(addresses, partial(ask_router, patience=1.5))

    assert {router for router, health in found.items() if not health.reached} == set(lost)
    assert {health.version for health in found.values() if health.reached} == {"7.16.2 (stable)"}
    assert all(found[router].reason for router in lost)
    assert threading.active_count() <= threads


def routers(engine: Engine, count: int) -> list[UUID]:
    """Connected routers, with sales."""
    ids = [new_id() for _ in range(count)]
    rows: list[dict[str, Any]] = [{"id": one, "at": NOON, "name": str(one)} for one in ids]
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO routers (id, name, ip_address, username, sealed_password, api_port,"
                " api_tls, sealed_radius_secret, status, connected_at, created_at, changed_at)"
                " VALUES (:id, :name, '192.0.2.1', 'u', 'p', 8728, false, 's', 'online',"
                " :at, :at, :at)"
            ),
            rows,
        )
        connection.execute(text("INSERT INTO sales VALUES (:id, :at, 3)"), rows)
    return ids


def statements_of_rounds(engine: Engine, found: dict[UUID, Health]) -> int:
    """How often the database was asked in three rounds."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    for number in range(3):
        now = NOON + number * timedelta(minutes=2)
        with Session(engine) as session, session.begin():
            envelope = envelope_for(CheckRoutersJob())
            work = Work(session=session, now=now, envelope=envelope, service="router")
            record_round(found, work)
    event.remove(engine, "before_cursor_execute", note)
    return len(said)


def test_a_round_asks_the_database_as_often_for_many_as_for_few(engine: Engine) -> None:
    def round_of(count: int) -> int:
        ids = routers(engine, count)
        return statements_of_rounds(
            engine, {one: THERE if number % 5 else AWAY for number, one in enumerate(ids)}
        )

    few, many = round_of(5), round_of(50)

    # But for the alarms, which are said one by one.
    assert many - few == 50 // 5 - 1
