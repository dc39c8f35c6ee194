"""What the OpenAPI document says of this service holds."""

from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.testing.api import add_failed_job, check_document
from hotspot.testing.handling import NOON
from hotspot.testing.identity import Keys
from scheduler_service import runs


def test_the_service_is_as_its_document_says(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers
) -> None:
    with engine.begin() as connection:
        runs.record(connection, "RotateLogs", NOON, now=NOON, by="host:1")
    add_failed_job(engine, NOON)

    check_document(client.application, keys.token("owner"))
