"""The simulated world with time in the test's hand."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from simulators.app import create_app
from simulators.coa import CoaPorts
from simulators.config import Settings
from simulators.state import World
from simulators.tests.fakes import SECRET, FakePostman, FakeRadius, HandClock, Listener


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def postman() -> FakePostman:
    return FakePostman()


@pytest.fixture
def radius() -> Iterator[FakeRadius]:
    server = FakeRadius()
    yield server
    server.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


@pytest.fixture
def settings(radius: FakeRadius) -> Settings:
    return Settings(
        host="127.0.0.1",
        port=0,
        radius_host="127.0.0.1",
        radius_auth_port=radius.auth_port,
        radius_acct_port=radius.acct_port,
        coa_port=0,
        routeros_port=0,
        radius_secret=SECRET.decode(),
        daraja_consumer_key="key",
        daraja_consumer_secret="secret",
        daraja_shortcode="174379",
        daraja_passkey="passkey",
        sms_username="sandbox",
        sms_api_key="sms-key",
        sms_report_url=None,
        log_level="INFO",
        daraja_initiator_name="testapi",
        daraja_security_credential="c2VhbGVk",
    )


@pytest.fixture
def world(settings: Settings, clock: HandClock, postman: FakePostman) -> World:
    return World(settings, clock, postman)


@pytest.fixture
def ports(world: World, clock: HandClock) -> Iterator[CoaPorts]:
    ports = CoaPorts(coa=world.coa, clock=clock, port=0)
    yield ports
    ports.close()


@pytest.fixture
def client(world: World, settings: Settings, ports: CoaPorts) -> FlaskClient:
    return create_app(world, settings, ports.listen).test_client()
