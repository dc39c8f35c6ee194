"""An operator who works with simulated routers, and the service at work."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import Engine
from werkzeug.serving import WSGIRequestHandler, make_server

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.routers import RouterProvisioningJob
from hotspot.ids import new_id
from hotspot.testing.handling import FakePublisher, envelope_for, run_envelope
from hotspot.testing.identity import Keys
from hotspot.testing.simulators import Simulators
from router_service.routeros import RouterUnreachable


@contextmanager
def served(app: Flask, port: int) -> Iterator[None]:
    """The application on a port, for routers to phone home to and to fetch pages from."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(kw_only=True)
class Operator:
    """Registers routers, pastes scripts, provisions, and looks; the handlers are at work."""

    app: Flask
    keys: Keys
    engine: Engine
    handlers: Handlers
    publisher: FakePublisher
    simulators: Simulators
    # What happens before each message is handled for the first time.
    trouble: Callable[[Message], None] = lambda _: None

    def register(self, address: str, **other: object) -> dict[str, Any]:
        """Register a router at an address."""
        body = {
            "name": f"shop at {address}",
            "ip_address": address,
            "username": "hotspot",
            "password": "a long password",
            "api_port": self.simulators.api_port,
            **other,
        }
        answer = self.app.test_client().post(
            "/api/v1/routers", json=body, headers=self.keys.headers("operator")
        )
        assert answer.status_code == 201, answer.text
        registered: dict[str, Any] = answer.get_json()
        return registered

    def paste(self, simulated: str, registered: dict[str, Any]) -> list[str]:
        """Paste the script; the phone-home that follows is handled. Answers what was printed."""
        script = registered["connectivity_script"]
        pasted = self.simulators.post(f"/routers/{simulated}/paste", script=script)
        self.work_off(self.publisher.sent)
        self.publisher.parcels.clear()
        printed: list[str] = pasted["printed"]
        return printed

    def connect(self, address: str, **plan: object) -> tuple[str, UUID]:
        """A router from the box, connected: its ids in the stand-ins and in the service."""
        simulated = self.simulators.plug_in(address, **plan)
        registered = self.register(address)
        self.paste(simulated, registered)
        return simulated, UUID(registered["id"])

    def provision(self, router: UUID) -> dict[str, Any]:
        """A run to its end; answers it as operators see it."""
        self.work_off([RouterProvisioningJob(router_id=router, run_id=new_id())])
        return self.look(router, "provisioning")

    def look(self, router: UUID, what: str = "") -> dict[str, Any]:
        """What operators see of a router."""
        url = f"/api/v1/routers/{router}/{what}".rstrip("/")
        answer = self.app.test_client().get(url, headers=self.keys.headers("viewer"))
        seen: dict[str, Any] = answer.get_json()
        return seen

    def work_off(self, messages: Sequence[Message]) -> list[Message]:
        """Handle these, and what they bring about; answers what went elsewhere."""
        waiting, elsewhere = list(messages), []
        while waiting:
            message = waiting.pop(0)
            if type(message) in self.handlers:
                waiting += self._handle(message)
            else:
                elsewhere.append(message)
        return elsewhere

    def _handle(self, message: Message) -> list[Message]:
        """Twice where the router was not there, with some time in between."""
        envelope = envelope_for(message)
        self.trouble(message)
        try:
            return run_envelope(self.handlers, envelope, self.engine)
        except RouterUnreachable:
            time.sleep(0.05)
            return run_envelope(self.handlers, envelope.again(), self.engine)


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing."""
