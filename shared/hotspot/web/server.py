"""gunicorn, configured by code: one gevent worker a process, graceful on SIGTERM."""

import faulthandler
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.sock import create_sockets
from gunicorn.workers.base import Worker
from gunicorn.workers.ggevent import GeventWorker

from hotspot.bus.database import connect
from hotspot.bus.rabbit import RabbitTransport

Factory = Callable[..., Flask]
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

HANGS_AFTER_SECONDS = 60
_STDERR = 2


class PreparedWorker(GeventWorker):  # type: ignore[misc]
    """gunicorn's gevent worker in a process that `hotspot.serve` has patched already.

    gunicorn's own patch would patch `ssl` as well, which `hotspot.serve` left alone for a reason.
    """

    sockets: list[Any]

    def patch(self) -> None:
        """Make only the listening sockets cooperate."""
        self.sockets = [
            socket.socket(one.FAMILY, socket.SOCK_STREAM, fileno=one.sock.detach())
            for one in self.sockets
        ]


class LoneWorker(PreparedWorker):
    """A worker without gunicorn's master, which would cost as much memory as many a service.

    Who started this process starts it again; that a worker hangs, it notices by itself.
    """

    def notify(self) -> None:
        """Called every second, by an event loop that does not hang."""
        Worker.notify(self)  # not gevent's, which ends a process whose parent left it alone
        faulthandler.dump_traceback_later(HANGS_AFTER_SECONDS, exit=True, file=_STDERR)


@dataclass(frozen=True, kw_only=True)
class Site:
    """One service's application, and the settings that say where it listens."""

    factory: Factory
    config: Any

    def app(self) -> Flask:
        """Make the application, with connections of its own."""
        config = self.config
        publisher = RabbitTransport(config.amqp_url, f"{config.service} web")
        engine = connect(config.database_url, pool_size=5, max_overflow=15)
        return self.factory(config, publisher=publisher, engine=engine)


class _Application(BaseApplication):  # type: ignore[misc]
    """gunicorn around app factories: each worker makes its own connections after the fork."""

    def __init__(self, sites: Sequence[Site], workers: int) -> None:
        self._sites, self._workers = sites, workers
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": [f"{site.config.host}:{site.config.port}" for site in self._sites],
            "worker_class": "hotspot.web.server.PreparedWorker",
            "workers": self._workers,
            "worker_connections": 4000,
            "keepalive": 75,
            "timeout": HANGS_AFTER_SECONDS,
            # Idle keep-alive connections and event streams would hold a stop this long; every
            # ordinary answer takes far less.
            "graceful_timeout": 5,
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Wsgi:
        apps = {str(site.config.port): site.app() for site in self._sites}
        if len(apps) == 1:
            return next(iter(apps.values()))

        def by_port(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            # Where the connection came in, whatever the Host header says.
            return apps[environ["SERVER_PORT"]](environ, start_response)

        return by_port


def serve(sites: Sequence[Site], workers: int = 1) -> int:
    """Serve until SIGTERM: in this process, or with several workers under gunicorn's master."""
    application = _Application(sites, workers)
    if workers > 1:
        application.run()
        return 0
    cfg = application.cfg
    log = cfg.logger_class(cfg)
    listeners = create_sockets(cfg, log)
    worker = LoneWorker(0, os.getppid(), listeners, application, cfg.timeout, cfg, log)
    worker.pid = os.getpid()
    worker.init_process()  # runs until it is told to stop
    return 0
