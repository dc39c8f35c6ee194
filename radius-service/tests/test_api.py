"""What the OpenAPI document says of this service holds."""

from hotspot.testing.api import add_failed_job, check_document, rename_to_example
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from radius_service.coa import Answer
from radius_service.config import Config
from radius_service.web import create_app

from .test_booking import book, start
from .test_kicks import send_off
from .world import Database


def test_the_service_is_as_its_document_says(config: Config, radius: Database, keys: Keys) -> None:
    radius.give()
    book(radius, start())
    send_off(radius, Answer(outcome="refused", detail="Error-Cause 401"))
    session_id = radius.row("SELECT session_id FROM sessions").session_id
    rename_to_example(radius.engine, session_id, "sessions.session_id", "kicks.session_id")
    add_failed_job(radius.engine, NOON)
    app = create_app(config, publisher=FakePublisher(), engine=radius.engine, clock=lambda: NOON)

    check_document(app, keys.token("owner"))
