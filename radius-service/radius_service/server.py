"""The RADIUS server: reads all that waits on its sockets, and lets others do what may take time."""

import gc
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import structlog
from sqlalchemy import Engine, create_engine

from hotspot.bus.database import answers, connect_to_look
from hotspot.bus.rabbit import RabbitTransport
from hotspot.bus.transport import Publishing
from hotspot.bus.watch import Watch
from hotspot.clock import Clock, utc_now
from hotspot.settings import stop
from radius_service.answering import LoginDesk
from radius_service.bookkeeping import Bookkeeper
from radius_service.config import Config
from radius_service.counters import Counters
from radius_service.counting import CountKeeper
from radius_service.dispatch import SENDER, Dispatch
from radius_service.journal import Journal
from radius_service.nas import NasBook
from radius_service.reception import Reception
from radius_service.timer import SessionTimer

log = structlog.get_logger()

# One works while another waits for the database; two more for when those are stuck.
LOGIN_THREADS = 4
STOP_WITHIN_SECONDS = 8.0
# With nothing to read, too, it must be seen that the loop would.
TURN_SECONDS = 5.0

Stage = tuple[Callable[[], None], list[threading.Thread]]


class RadiusServer:
    """One process of the server. Port 0 takes any free one: see `auth_port` and `acct_port`."""

    def __init__(
        self,
        *,
        engine: Engine,
        publisher: Publishing,
        host: str,
        auth_port: int,
        acct_port: int,
        session_timer: bool,
        clock: Clock = utc_now,
    ) -> None:
        self.counters = Counters()
        self.has_failed = False
        self.watch = Watch()
        self.nas = NasBook(engine)
        self._reception = Reception(
            host=host,
            auth_port=auth_port,
            acct_port=acct_port,
            nas=self.nas,
            counters=self.counters,
            clock=clock,
        )
        self.auth_port: int = self._reception.auth.getsockname()[1]
        self.acct_port: int = self._reception.acct.getsockname()[1]
        self._dispatch = Dispatch(engine, publisher)
        self._journal = Journal(engine, self._dispatch, self.counters)
        self._logins = LoginDesk(engine, self._journal, self.counters, clock)
        self._books = Bookkeeper(engine, self._dispatch, self.counters, clock)
        self._timer = SessionTimer(engine, self._dispatch, clock) if session_timer else None
        self._counts = CountKeeper(engine, self.counters)
        self._stopped = threading.Event()
        self._wake, self._waker = socket.socketpair()

    def stop(self) -> None:
        """Read no more, answer what is in hand, leave `serve`. Signal handlers may call it."""
        if not self._stopped.is_set():
            self._stopped.set()
            with suppress(OSError):  # `serve` may have ended by itself, and closed it
                self._waker.send(b"\0")

    def serve(self) -> None:
        """Serve until stopped."""
        self.nas.refresh()
        stages = self._start()
        log.info("radius server ready", auth_port=self.auth_port, acct_port=self.acct_port)
        try:
            self._read_until_stopped()
        finally:
            self._finish(stages)

    def _start(self) -> list[Stage]:
        """Start the threads; answers the stages of the work in its order, which closing keeps."""
        self._begin("nas", partial(self.nas.keep_fresh, self._stopped))
        self._begin("counts", partial(self._counts.run, self._stopped))
        if self._timer is not None:
            self._begin("timer", partial(self._timer.run, self._stopped))
        logins = [self._begin("logins", self._logins.run) for _ in range(LOGIN_THREADS)]
        return [
            (self._logins.close, logins),
            (self._books.close, [self._begin("accounting", self._books.run)]),
            (self._reception.close, []),  # all is answered: what comes now is for others
            (self._journal.close, [self._begin("journal", self._journal.run)]),
            (self._dispatch.close, [self._begin("dispatch", self._dispatch.run)]),
        ]

    def _begin(self, name: str, run: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=self._watched, args=(run,), name=name, daemon=True)
        thread.start()
        return thread

    def _watched(self, run: Callable[[], None]) -> None:
        """A server of which a part has died must not look alive: it ends, and is started anew."""
        try:
            run()
        finally:
            if not self._stopped.is_set():
                self.has_failed = True
                self.stop()

    def _finish(self, stages: list[Stage]) -> None:
        self._stopped.set()
        until = time.monotonic() + STOP_WITHIN_SECONDS
        for close, threads in stages:
            close()
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))
        self._counts.add()
        for one in (self._wake, self._waker):
            one.close()
        log.info("radius server stopped", counts=self.counters.read())

    def _read_until_stopped(self) -> None:
        reception = self._reception
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            selector.register(reception.auth, selectors.EVENT_READ, self._logins.take_in)
            selector.register(reception.acct, selectors.EVENT_READ, self._books.take_in)
            while not self._stopped.is_set():
                self.watch.turned()
                for key, _ in selector.select(TURN_SECONDS):
                    if key.data is not None:
                        key.data(reception.receive(key.fileobj))


def run(config: Config) -> int:
    """Serve RADIUS until SIGTERM; answers the exit code."""
    engine = impatient_engine(config.database_url)
    publisher = RabbitTransport(config.amqp_url, f"{SENDER} server")
    try:
        server = RadiusServer(
            engine=engine,
            publisher=publisher,
            host=config.radius_host,
            auth_port=config.radius_auth_port,
            acct_port=config.radius_acct_port,
            session_timer=config.session_timer,
        )
    except OSError as error:
        stop(
            f"RADIUS_AUTH_PORT={config.radius_auth_port} or"
            f" RADIUS_ACCT_PORT={config.radius_acct_port} at {config.radius_host}: {error}"
        )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    if config.health_port is not None:
        _show_health(config, server)
    _collect_garbage_seldom()
    server.serve()
    publisher.close()
    engine.dispose()
    return 1 if server.has_failed else 0


def _show_health(config: Config, server: RadiusServer) -> None:
    """Answer on HEALTH_PORT. Logins need only the database: what is told the broker may wait."""
    from hotspot import health

    engine = connect_to_look(config.database_url)
    needs = {"database": lambda: answers(engine)}
    health.serve(config, health.Health(is_live=[server.watch.is_turning], needs=needs))


def _collect_garbage_seldom() -> None:
    """What is kept of the last seconds is large and has no cycles: going through it often costs
    a third of all time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def impatient_engine(url: str) -> Engine:
    """An engine that gives up soon: a router does not wait, and asks again."""
    return create_engine(
        url,
        pool_size=10,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 3,
            "tcp_user_timeout": 3000,
            "options": "-c timezone=UTC -c statement_timeout=1500",
        },
    )
