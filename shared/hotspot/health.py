"""Health and metrics of processes that serve no HTTP: a thread that answers on HEALTH_PORT.

The same paths as web processes have (`hotspot.web.health`), without Flask:

- /health/live: 503 once the process hangs, so that only a new one helps;
- /health/ready: 503 naming what it waits for. A new process would wait for the same;
- /metrics: for Prometheus.
"""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app

from hotspot.bus.database import answers, connect_to_look
from hotspot.bus.rabbit import RabbitTransport
from hotspot.bus.watch import Watch
from hotspot.figures import OutboxCollector
from hotspot.settings import CommonConfig, stop

Look = Callable[[], bool]
Start = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a process is: whether all its parts live, and what it needs, by name.

    `look_within`: seconds that one who asks waits for another's look.
    """

    is_live: Sequence[Look]
    needs: Mapping[str, Look]
    registry: CollectorRegistry = field(default_factory=lambda: REGISTRY)
    look_within: float = 3.0


def serve(config: CommonConfig, health: Health) -> None:
    """Answer on HEALTH_PORT from now on, where it is set; exit 2 where the port is taken."""
    if config.health_port is None:
        return
    try:
        HealthServer(health, config.host, config.health_port)
    except OSError as error:
        stop(f"HEALTH_PORT={config.health_port} at {config.host}: {error}")


def serve_of_worker(
    config: CommonConfig, transport: RabbitTransport, watches: Sequence[Watch]
) -> None:
    """The same for a process that needs broker and database, and has an outbox."""
    engine = connect_to_look(config.database_url)
    REGISTRY.register(OutboxCollector(engine))
    parts = [transport.is_running, *(watch.is_turning for watch in watches)]
    needs = {"broker": transport.is_up, "database": lambda: answers(engine)}
    serve(config, Health(is_live=parts, needs=needs))


class HealthServer:
    """Answers in a thread of its own until the process ends. Port 0 takes any free one."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        """Listen. Raises OSError where the port is taken."""
        self._server = _Server((host, port), _Quiet)
        self._server.set_app(application(health))
        self.port: int = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def application(health: Health) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    """The three paths, as WSGI."""
    measured = make_wsgi_app(health.registry)
    needs = {name: _OneAtATime(look, health.look_within) for name, look in health.needs.items()}

    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            shown: Iterable[bytes] = measured(environ, start)
            return shown
        if path == "/health/live":
            lives = all(look() for look in health.is_live)
            return _say(start, lives, {"status": "live" if lives else "hung"})
        if path == "/health/ready":
            missing = [name for name, look in needs.items() if not look()]
            if missing:
                return _say(start, False, {"status": "not ready", "missing": missing})
            return _say(start, True, {"status": "ready"})
        start("404 Not Found", [("Content-Length", "0")])
        return []

    return answer


class _OneAtATime:
    """A look that may hang does so for one who asks, and the others hear False meanwhile."""

    def __init__(self, look: Look, within: float) -> None:
        self._look, self._within = look, within
        self._turn = threading.Lock()

    def __call__(self) -> bool:
        if not self._turn.acquire(timeout=self._within):
            return False
        try:
            return self._look()
        finally:
            self._turn.release()


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """A thread a request: a probe that waits for the database must not hold up the next."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Without the standard library's question to the DNS, which may take its time."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked went away: nothing to tell."""


class _Quiet(WSGIRequestHandler):
    """Probes are no news, and who connects and says nothing is not waited for for ever."""

    timeout = 10

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _say(start: Start, well: bool, body: Mapping[str, object]) -> Iterable[bytes]:
    status = "200 OK" if well else "503 Service Unavailable"
    start(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
