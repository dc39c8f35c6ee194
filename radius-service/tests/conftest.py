"""Fixtures of radius-service: its database, a server on it, and recorded packets."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hotspot.testing.identity import Keys
from radius_service.config import Config, NasSeed
from radius_service.seed import insert_missing

from .world import SECRET, Database, Running, serving

Vectors = dict[str, dict[str, bytes]]


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    """The packets of radius_vectors.json: `valid` and `malformed`, by name."""
    kept = json.loads(Path(__file__).with_name("radius_vectors.json").read_text())
    return {
        kind: {name: bytes.fromhex(packet) for name, packet in kept[kind].items()}
        for kind in ("valid", "malformed")
    }


@pytest.fixture
def radius(database: Callable[[str], Engine]) -> Database:
    """A database in which 127.0.0.1 is a router."""
    engine = database("radius")
    insert_missing(engine, (NasSeed(nasname="127.0.0.1", secret=SECRET.decode()),))
    return Database(engine)


@pytest.fixture
def running(radius: Database) -> Iterator[Running]:
    """A server on that database, at noon."""
    with serving(radius.engine) as up:
        yield up


@pytest.fixture
def config(keys: Keys) -> Config:
    """Settings of a service that no test connects by."""
    return Config(
        service="radius",
        database_url="postgresql+psycopg://127.0.0.1:1/none",
        amqp_url="amqp://127.0.0.1:1/",
        log_level="INFO",
        host="127.0.0.1",
        port=8004,
        encryption_keys=keys.encryption,
        jwt_public_key=keys.public_pem,
        radius_host="127.0.0.1",
        radius_auth_port=1812,
        radius_acct_port=1813,
        radius_coa_port=3799,
        radius_nas=(NasSeed(nasname="127.0.0.1", secret=SECRET.decode()),),
        session_timer=False,
    )
