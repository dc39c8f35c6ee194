"""gunicorn, configured by code: one gevent worker a process, graceful on SIGTERM."""

import socket
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.ggevent import GeventWorker

from hotspot.bus.database import connect
from hotspot.bus.rabbit import RabbitTransport

Factory = Callable[..., Flask]


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


class _Application(BaseApplication):  # type: ignore[misc]
    """gunicorn around one app factory: each worker makes its own connections after the fork."""

    def __init__(self, factory: Factory, config: Any, workers: int) -> None:
        self._factory, self._config, self._workers = factory, config, workers
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"{self._config.host}:{self._config.port}",
            "worker_class": "hotspot.web.server.PreparedWorker",
            "workers": self._workers,
            "worker_connections": 4000,
            "keepalive": 75,
            "timeout": 60,
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

    def load(self) -> Flask:
        config = self._config
        publisher = RabbitTransport(config.amqp_url, f"{config.service} web")
        engine = connect(config.database_url, pool_size=5, max_overflow=15)
        return self._factory(config, publisher=publisher, engine=engine)


def serve(factory: Factory, config: Any, workers: int = 1) -> int:
    """Serve until SIGTERM."""
    _Application(factory, config, workers).run()
    return 0
