"""gunicorn, configured by code: one gevent worker a process, graceful on SIGTERM."""

import faulthandler
import os
import resource
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import gevent
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
MANY_FILES = 16_384
CONNECTIONS = 4_000
MOST_OF_ONE_ADDRESS = 3_000
_STDERR = 2


class Crowd:
    """The connections that each address holds: none may hold nearly all.

    Who opens thousands and says nothing must not keep everybody else out. It is many, for a router
    hides all of its guests behind one address, and a proxy everybody.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    @contextmanager
    def room_for(self, address: str) -> Iterator[bool]:
        """Whether there is room for one more connection of an address; taken, if so."""
        if self._held[address] >= self._most:
            yield False
            return
        self._held[address] += 1
        try:
            yield True
        finally:
            self._held[address] -= 1
            if not self._held[address]:
                del self._held[address]


class PreparedWorker(GeventWorker):  # type: ignore[misc]
    """gunicorn's gevent worker in a process that `hotspot.serve` has patched already.

    gunicorn's own patch would patch `ssl` as well, which `hotspot.serve` left alone for a reason.
    """

    sockets: list[Any]
    app: "_Application"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._crowd = Crowd(MOST_OF_ONE_ADDRESS)
        self._idle: dict[gevent.Greenlet, Any] = {}

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection, unless its address has nearly all that there are already."""
        with self._crowd.room_for(addr[0] if isinstance(addr, tuple) else "") as is_room:
            if not is_room:
                client.close()
                return
            try:
                super().handle(listener, client, addr)
            finally:
                self._idle.pop(gevent.getcurrent(), None)

    def patch(self) -> None:
        """Make only the listening sockets cooperate."""
        self.sockets = [
            socket.socket(one.FAMILY, socket.SOCK_STREAM, fileno=one.sock.detach())
            for one in self.sockets
        ]

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop: whoever listens is told so now, and goes elsewhere, instead of being cut off."""
        super().handle_exit(sig, frame)
        gevent.spawn(self._let_idle_go)
        for end in self.app.endings:
            gevent.spawn(end)

    def _let_idle_go(self) -> None:
        """Say goodbye on connections that were served and are kept for more.

        They would hold up the stop for all of `graceful_timeout`, while nobody is there for those
        who come newly. Only hearing ends: who has begun to say something is served all the same.
        """
        for connection in list(self._idle.values()):
            with suppress(OSError):  # gone already
                connection.shutdown(socket.SHUT_RD)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Log, but for a connection that stood idle when this process stopped: no error of ours."""
        if req is not None or not isinstance(exc, gevent.GreenletExit):
            super().handle_error(req, client, addr, exc)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Answer one request; a client who does not take the answer in time is let go."""
        here = gevent.getcurrent()
        self._idle.pop(here, None)
        try:
            answered = super().handle_request(listener_name, req, sock, addr)
            self._idle[here] = sock
            return answered
        except TimeoutError:  # set by a view: no error of ours, and not worth a traceback
            raise StopIteration from None
        finally:
            with suppress(OSError):  # closed already
                sock.settimeout(None)  # what one answer set is not meant for the next


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
        # What a stop begins with: `app.extensions["endings"]`
        self.endings: list[Callable[[], None]] = []
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": [f"{site.config.host}:{site.config.port}" for site in self._sites],
            "worker_class": "hotspot.web.server.PreparedWorker",
            "workers": self._workers,
            "worker_connections": CONNECTIONS,
            "keepalive": 75,
            "timeout": HANGS_AFTER_SECONDS,
            # Every ordinary answer takes far less.
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
        self.endings = [end for app in apps.values() for end in app.extensions.get("endings", ())]
        if len(apps) == 1:
            return next(iter(apps.values()))

        def by_port(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            # Where the connection came in, whatever the Host header says.
            return apps[environ["SERVER_PORT"]](environ, start_response)

        return by_port


def serve(sites: Sequence[Site], workers: int = 1) -> int:
    """Serve until SIGTERM: in this process, or with several workers under gunicorn's master."""
    _allow_many_files()
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


def _allow_many_files() -> None:
    """Each stream is an open file, and many systems allow 1,024 until somebody asks for more."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if most == resource.RLIM_INFINITY else min(MANY_FILES, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
