"""The gateway as one of the services: its schema, its handlers, its health."""

from flask.testing import FlaskClient
from sqlalchemy import Engine

from gateway.models import metadata
from gateway.worker import HANDLERS
from hotspot.bus.handling import Handling
from hotspot.bus.worker import check_handlers
from hotspot.clock import utc_now
from hotspot.contract.table import GATEWAY
from hotspot.contract.topology import groups_of
from hotspot.migrate import differences
from hotspot.testing.handling import FakePublisher


def test_the_models_are_what_the_migrations_make(engine: Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection, metadata) == []


def test_every_message_that_reaches_the_gateway_has_a_handler(engine: Engine) -> None:
    handling = Handling(service="gateway", handlers=HANDLERS, engine=engine, clock=utc_now)
    check_handlers(GATEWAY, groups_of(GATEWAY), handling)


def test_readiness_names_what_is_missing(client: FlaskClient, publisher: FakePublisher) -> None:
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 200
    publisher.away = True
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.get_json()["missing"]) == (503, ["broker"])
