"""Fixtures of the gateway: its database, its application, and services that it can forward to."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from gateway.config import Config
from gateway.live import Hub
from gateway.services import Patience
from gateway.web import create_app
from hotspot.testing.handling import FakePublisher
from hotspot.testing.identity import Keys

Answering = Callable[["Upstream", BaseHTTPRequestHandler], None]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as it reached a service."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Upstream:
    """A service on a real socket that answers as it is told."""

    answers: dict[str, Answering] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(
        self, path: str, body: object, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        """Answer a path with JSON."""

        def speak(_: "Upstream", handler: BaseHTTPRequestHandler) -> None:
            raw = json.dumps(body).encode()
            handler.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(raw)))
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(raw)

        self.answers[path] = speak


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the gateway left, as it should
            self.upstream.left.set()

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        seen = Seen(
            method=self.command,
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        self.upstream.seen.append(seen)
        self.upstream.answers[self.path.partition("?")[0]](self.upstream, self)

    do_GET = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A service that answers as it is told."""
    told = Upstream()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"upstream": told}))
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield told
    told.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def engine(database: Callable[[str], Engine]) -> Engine:
    """A fresh database of the gateway."""
    return database("gateway")


@pytest.fixture
def publisher() -> FakePublisher:
    """Collects what routes send."""
    return FakePublisher()


@pytest.fixture
def nobody() -> str:
    """The URL of a service that is down: nothing ever listens on the port for discarding."""
    return "http://127.0.0.1:9"


@pytest.fixture
def config(keys: Keys, upstream: Upstream, nobody: str) -> Config:
    """Settings with payment-service up and the other services down."""
    return Config(
        service="gateway",
        database_url="postgresql://unused",
        amqp_url="amqp://guest:guest@127.0.0.1:5672/",
        log_level="INFO",
        host="127.0.0.1",
        port=8000,
        encryption_keys=keys.encryption,
        jwt_public_key=keys.public_pem,
        jwt_private_key=keys.private_pem,
        services={
            "payment": upstream.url,
            "provisioning": nobody,
            "radius": nobody,
            "notification": nobody,
        },
        rabbitmq_management_url=None,
        rate_limit_storage_url="memory://",
    )


@pytest.fixture
def hub(engine: Engine) -> Iterator[Hub]:
    """Live events, looked for often."""
    listening = Hub(engine, look_every=0.05, keep_alive=0.05)
    yield listening
    listening.close()


@pytest.fixture
def app(config: Config, publisher: FakePublisher, engine: Engine, hub: Hub) -> Flask:
    """The gateway."""
    return create_app(config, publisher=publisher, engine=engine, hub=hub)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks the gateway."""
    return app.test_client()


@pytest.fixture
def viewer(keys: Keys) -> dict[str, str]:
    """The Authorization header of somebody who may read."""
    return keys.headers("viewer")


@pytest.fixture
def operator(keys: Keys) -> dict[str, str]:
    """The Authorization header of somebody who may give orders."""
    return keys.headers("operator")


@pytest.fixture
def config_of(config: Config) -> Callable[[Engine], Config]:
    """Settings that lead to a database."""

    def of(engine: Engine) -> Config:
        return replace(config, database_url=engine.url.render_as_string(hide_password=False))

    return of


@pytest.fixture
def impatient(config: Config, publisher: FakePublisher, engine: Engine, hub: Hub) -> FlaskClient:
    """Somebody who asks a gateway that does not wait long for services."""
    patience = Patience(connect=0.3, answer=0.3, silence=0.3)
    app = create_app(config, publisher=publisher, engine=engine, patience=patience, hub=hub)
    return app.test_client()
