"""Sending a guest off by the API: this guest, on this router, whatever of them is there."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract.sessions import DisconnectGuestJob, GuestDisconnected
from hotspot.testing.handling import NOON, run
from hotspot.testing.identity import Keys
from router_service.disconnecting import ACTIVE, COOKIE, HOST
from router_service.routeros import RouterUnreachable, WrongPassword

from .router_on_paper import PaperRouter
from .test_connecting import connection
from .test_registration import register

MAC, OTHER = "02:00:5E:10:00:01", "02:00:5E:10:00:02"


def job(**other: object) -> DisconnectGuestJob:
    """An order of radius-service's."""
    values: dict[str, object] = {
        "session_id": UUID(int=7),
        "attempt": 2,
        "username": "0712345678",
        "nas": "10.99.0.2",
        "requested_at": NOON,
        "mac": MAC,
    }
    return DisconnectGuestJob(**(values | other))  # type: ignore[arg-type]


@pytest.fixture
def router(client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers) -> str:
    """A connected router, with the tunnel address 10.99.0.2."""
    router = str(register(client, keys).json["id"])
    run(handlers, connection(router), engine)
    return router


def outcome(handlers: Handlers, order: DisconnectGuestJob, engine: Engine) -> str:
    """What radius-service is told."""
    (told,) = run(handlers, order, engine)
    assert isinstance(told, GuestDisconnected)
    assert (told.session_id, told.attempt) == (order.session_id, order.attempt)
    return told.outcome


def test_session_host_and_cookie_go_and_other_devices_stay(
    router: str, handlers: Handlers, engine: Engine, paper: PaperRouter
) -> None:
    for menu in (ACTIVE, COOKIE):
        for mac in (MAC, OTHER):
            paper.add(menu, user="0712345678", mac_address=mac)
        paper.add(menu, user="0799999999", mac_address="02:00:5E:10:00:09")
    paper.add(HOST, mac_address=MAC, bypassed="no")
    paper.add(HOST, mac_address=OTHER, bypassed="no")

    assert outcome(handlers, job(), engine) == "removed"
    left = {menu: [item["mac-address"] for item in paper.read(menu)] for menu in paper.menus}
    assert left == {
        ACTIVE: [OTHER, "02:00:5E:10:00:09"],
        COOKIE: [OTHER, "02:00:5E:10:00:09"],
        HOST: [OTHER],
    }
    assert paper.asked_as
    assert paper.asked_as.host == "10.99.0.2"
    assert outcome(handlers, job(attempt=3), engine) == "not_there"


@pytest.mark.parametrize("failure", [RouterUnreachable("no answer"), WrongPassword("no")])
def test_a_router_that_does_not_answer_is_reported(
    router: str,
    handlers: Handlers,
    engine: Engine,
    paper: PaperRouter,
    failure: Exception,
) -> None:
    paper.fails = failure

    assert outcome(handlers, job(), engine) == "unreachable"


def test_a_router_that_a_guest_made_up_hides_nobody(
    router: str, handlers: Handlers, engine: Engine, paper: PaperRouter
) -> None:
    paper.add(ACTIVE, user="0712345678", mac_address=MAC)
    assert outcome(handlers, job(router_id="Mama Njeri's"), engine) == "removed"


def test_a_router_that_is_not_ours_is_not_guessed(
    router: str, handlers: Handlers, engine: Engine, paper: PaperRouter
) -> None:
    assert outcome(handlers, job(nas="203.0.113.5"), engine) == "unknown_router"
    assert paper.asked_as is None
    found = job(nas="203.0.113.5", router_id=router, attempt=4)
    assert outcome(handlers, found, engine) == "not_there"
