"""Services that the gateway can forward to, on real sockets, and settings that lead to them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gateway.config import Config
from hotspot.testing.identity import Keys

# The URL of a service that is down: nothing ever listens on the port for discarding.
NOBODY = "http://127.0.0.1:9"

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
        """Answer a path with JSON; `*`: each path that nothing else is said of."""

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
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
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
        path = self.path.partition("?")[0]
        answers = self.upstream.answers
        speak = answers[path] if path in answers else answers["*"]
        speak(self.upstream, self)

    do_GET = do_POST = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Upstream]:
    """A service on a socket."""
    told = Upstream()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"upstream": told}))
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield told
    finally:
        told.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def settings(keys: Keys, url: str) -> Config:
    """Settings with payment-service at this URL, and the other services down."""
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
            "payment": url,
            "provisioning": NOBODY,
            "radius": NOBODY,
            "notification": NOBODY,
            "router": NOBODY,
            "scheduler": NOBODY,
        },
        rabbitmq_management_url=None,
        rate_limit_storage_url="memory://",
    )
