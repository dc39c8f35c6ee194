"""Routers that router-service registers are answered by RADIUS, with their own secret."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.routers import RegisterNasJob, RemoveNasJob
from hotspot.testing.handling import NOON, run
from radius_service.registering import register_nas, remove_nas

from .test_booking import book, report, start
from .world import ACCEPT, Database, Running, accounting, answer_to, bytes_of, login, until

SECOND = timedelta(seconds=1)
ROUTER = UUID(int=5)


def registration(
    radius: Database,
    *,
    address: str = "127.0.0.2",
    secret: str = "its own",
    router_id: UUID = ROUTER,
    at: datetime = NOON,
) -> RegisterNasJob:
    return RegisterNasJob(
        router_id=router_id,
        name="Kilimani",
        address=address,
        sealed_secret=radius.vault.seal(secret),
        coa_port=1700,
        require_message_authenticator=True,
        registered_at=at,
    )


def order(radius: Database, job: Message) -> None:
    handlers: Handlers = {
        RegisterNasJob: partial(register_nas, vault=radius.vault),
        RemoveNasJob: remove_nas,
    }
    assert run(handlers, job, radius.engine, service="radius") == []


def known(radius: Database) -> list[tuple[str, str]]:
    """Address and secret of each NAS."""
    rows = radius.rows("SELECT nasname, secret FROM nas ORDER BY nasname")
    return [(row.nasname, row.secret) for row in rows]


SEEDED = ("127.0.0.1", "testing123")


def test_a_registered_router_is_answered_within_seconds_by_a_server_that_runs(
    radius: Database, running: Running
) -> None:
    radius.give()
    running.door.bind(("127.0.0.2", 0))
    order(radius, registration(radius))
    until(lambda: running.server.nas.clients.at("127.0.0.2"))
    packet = login(secret=b"its own")
    assert answer_to(packet, running.ask(bytes_of(packet))).code == ACCEPT
    settings = radius.row("SELECT * FROM nas_settings")
    assert (settings.router_id, settings.coa_port) == (ROUTER, 1700)


def test_a_router_that_moves_leaves_its_old_address(radius: Database) -> None:
    order(radius, registration(radius))
    order(radius, registration(radius, address="127.0.0.3", at=NOON + SECOND))
    assert known(radius) == [SEEDED, ("127.0.0.3", "its own")]
    order(radius, registration(radius))  # it comes late
    assert known(radius) == [SEEDED, ("127.0.0.3", "its own")]


def test_a_router_registered_again_keeps_what_an_operator_set(radius: Database) -> None:
    order(radius, registration(radius))
    radius.execute("UPDATE nas_settings SET mac_auth_password = 'devices'")
    order(radius, registration(radius, secret="newer", at=NOON + SECOND))
    assert known(radius) == [SEEDED, ("127.0.0.2", "newer")]
    assert radius.row("SELECT mac_auth_password FROM nas_settings")[0] == "devices"


def test_a_removed_router_is_answered_no_longer_even_if_its_registration_is_late(
    radius: Database,
) -> None:
    order(radius, registration(radius))
    order(radius, RemoveNasJob(router_id=ROUTER, removed_at=NOON + SECOND))
    assert known(radius) == [SEEDED]
    order(radius, registration(radius))
    assert known(radius) == [SEEDED]
    assert radius.rows("SELECT * FROM nas_settings") == []


def test_an_address_is_whose_router_was_registered_there_last(radius: Database) -> None:
    order(radius, registration(radius))
    other = UUID(int=6)
    order(radius, registration(radius, router_id=other, secret="others", at=NOON + SECOND))
    order(radius, RemoveNasJob(router_id=ROUTER, removed_at=NOON + 2 * SECOND))
    assert known(radius) == [SEEDED, ("127.0.0.2", "others")]


def test_sessions_know_the_router_that_their_packets_come_from(radius: Database) -> None:
    order(radius, registration(radius))
    radius.give(router_id="as the portal said")
    book(radius, report(accounting("Start"), source="127.0.0.2"))
    assert radius.row("SELECT router_id FROM sessions").router_id == str(ROUTER)
    radius.give(username="bob", router_id="as the portal said")
    book(radius, start(username="bob", session="8020"))
    router = radius.row("SELECT router_id FROM sessions WHERE username = 'bob'")
    assert router.router_id == "as the portal said"


@pytest.mark.parametrize("address", ["router.example", "10.0.0.0/8", ""])
def test_a_router_without_an_address_is_refused(radius: Database, address: str) -> None:
    with pytest.raises(Reject):
        order(radius, registration(radius, address=address))


def test_a_secret_that_no_key_opens_is_refused(radius: Database) -> None:
    job = registration(radius)
    with pytest.raises(Reject):
        order(Database(radius.engine), job)
