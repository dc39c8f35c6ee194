"""pytest fixtures: databases, RabbitMQ, and keys."""

import os
from collections.abc import Callable, Iterator

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from hotspot.bus.memory import MemoryBroker
from hotspot.testing.brokers import vhost
from hotspot.testing.databases import Databases
from hotspot.testing.identity import Keys


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Databases on the test server."""
    made = Databases(_given("TEST_DATABASE_ADMIN_URL"))
    yield made
    made.drop_all()


@pytest.fixture
def database(databases: Databases) -> Iterator[Callable[[str], Engine]]:
    """`database("payment")`: a fresh, migrated database of that service."""
    yield databases.fresh
    databases.drop()


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[Engine]:
    """A database with nothing in it."""
    yield databases.empty()
    databases.drop()


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker in memory."""
    return MemoryBroker()


@pytest.fixture(scope="session")
def amqp_url() -> Iterator[str]:
    """The RabbitMQ of the tests: a virtual host that no other run of pytest listens in."""
    with vhost(_given("TEST_AMQP_URL"), _given("TEST_RABBITMQ_MANAGEMENT_URL")) as url:
        yield url


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Keys made for this run: sealing, and signing of access tokens."""
    private = Ed25519PrivateKey.generate()
    return Keys(
        encryption=(Fernet.generate_key().decode(),),
        private_pem=private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        public_pem=private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    )


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run the tests with ./hotspot test", pytrace=False)
    return value
