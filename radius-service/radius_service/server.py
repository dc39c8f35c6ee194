"""The RADIUS server: reads all that waits on its sockets, and lets others do what may take time."""

import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Engine, create_engine

from hotspot.bus.rabbit import RabbitTransport
from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.settings import stop
from radius_service.answering import LoginDesk
from radius_service.asked import Asked
from radius_service.bookkeeping import Bookkeeper
from radius_service.config import Config
from radius_service.counters import Counters
from radius_service.dispatch import SENDER, Dispatch
from radius_service.journal import Journal
from radius_service.nas import NasBook
from radius_service.packets import Code, Malformed, read
from radius_service.recent import RecentRequests

log = structlog.get_logger()

READ_AT_ONCE = 256
RECEIVE_BUFFER = 4 * 1024 * 1024
LOGIN_THREADS = 2
STOP_WITHIN_SECONDS = 8.0
COUNT_EVERY_SECONDS = 60.0

_ROOM = 8192  # more than any valid packet, so that a longer one is seen to be too long

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
        clock: Clock = utc_now,
    ) -> None:
        self.counters = Counters()
        self.has_failed = False
        self._clock = clock
        self._auth = _open(host, auth_port)
        self._acct = _open(host, acct_port)
        self.auth_port: int = self._auth.getsockname()[1]
        self.acct_port: int = self._acct.getsockname()[1]
        self._recent = RecentRequests()
        self.nas = NasBook(engine)
        self._dispatch = Dispatch(engine, publisher)
        self._journal = Journal(engine, self._dispatch, self.counters)
        self._logins = LoginDesk(engine, self._journal, self.counters, clock)
        self._books = Bookkeeper(engine, self._dispatch, self.counters, clock)
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
        logins = [self._begin("logins", self._logins.run) for _ in range(LOGIN_THREADS)]
        return [
            (self._logins.close, logins),
            (self._books.close, [self._begin("accounting", self._books.run)]),
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
        for one in (self._auth, self._acct, self._wake, self._waker):
            one.close()
        log.info("radius server stopped", counts=self.counters.read())

    def _read_until_stopped(self) -> None:
        counted = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            selector.register(self._auth, selectors.EVENT_READ, self._logins.take_in)
            selector.register(self._acct, selectors.EVENT_READ, self._books.take_in)
            while not self._stopped.is_set():
                for key, _ in selector.select(timeout=1.0):
                    if key.data is not None:
                        key.data(self._read_all(key.fileobj))
                if time.monotonic() - counted > COUNT_EVERY_SECONDS:
                    counted = time.monotonic()
                    log.info("radius counts", counts=self.counters.read())

    def _read_all(self, door: Any) -> list[Asked]:
        """Everything that waits on a socket, up to a bound so that the other has its turn."""
        waiting: list[Asked] = []
        for _ in range(READ_AT_ONCE):
            try:
                data, source = door.recvfrom(_ROOM)
            except BlockingIOError:
                break
            except OSError as error:  # an ICMP error of an earlier reply: nothing was read
                self.counters.add("socket_error")
                log.debug("socket error", error=str(error))
                continue
            asked = self._asked(door, data, source)
            if asked is not None:
                waiting.append(asked)
        return waiting

    def _asked(self, door: socket.socket, data: bytes, source: tuple[str, int]) -> Asked | None:
        """A request that must be worked on; None where it is dropped or answered already."""
        address = source[0].removeprefix("::ffff:").partition("%")[0]
        client = self.nas.clients.at(address)
        if client is None:
            self.counters.add("unknown_nas")
            log.debug("unknown nas", address=address)
            return None
        try:
            request = read(data, secret=client.secret, signed=client.signed)
            self._check_door(door, request.code)
        except Malformed as error:
            self.counters.add(str(error))
            log.debug("packet dropped", reason=str(error), nas=client.nasname)
            return None
        # Only now: what was not signed as it must be may not touch what is kept of its sender.
        key = (door.fileno(), source[0], source[1], request.identifier)
        exchange, fresh = self._recent.begin(key, request.authenticator, time.monotonic())
        if not fresh:
            self._repeat(door, source, exchange.reply)
            return None
        asked = Asked(
            request=request,
            client=client,
            address=address,
            source=source,
            door=door,
            exchange=exchange,
            received_at=self._clock(),
        )
        if request.code == Code.STATUS_SERVER:
            self._answer_status(asked)
            return None
        return asked

    def _check_door(self, door: socket.socket, code: Code) -> None:
        """Logins and accounting have a port each; Status-Server is answered at both (RFC 5997)."""
        here = Code.ACCESS_REQUEST if door is self._auth else Code.ACCOUNTING_REQUEST
        if code not in (here, Code.STATUS_SERVER):
            raise Malformed("unexpected_code")

    def _repeat(self, door: socket.socket, source: tuple[str, int], reply: bytes | None) -> None:
        if reply is None:
            self.counters.add("repeated_in_progress")
            return
        self.counters.add("repeated")
        try:
            door.sendto(reply, source)
        except OSError:
            self.counters.add("reply_not_sent")

    def _answer_status(self, asked: Asked) -> None:
        """Answered by the thread that reads: it says that packets are read, whatever is slow."""
        here = asked.door is self._auth
        code = Code.ACCESS_ACCEPT if here else Code.ACCOUNTING_RESPONSE
        self.counters.add("status" if asked.answer(code, ()) else "reply_not_sent")


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
        )
    except OSError as error:
        stop(
            f"RADIUS_AUTH_PORT={config.radius_auth_port} or"
            f" RADIUS_ACCT_PORT={config.radius_acct_port} at {config.radius_host}: {error}"
        )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    server.serve()
    publisher.close()
    engine.dispose()
    return 1 if server.has_failed else 0


def impatient_engine(url: str) -> Engine:
    """An engine that gives up soon: a router does not wait, and asks again."""
    return create_engine(
        url,
        pool_size=6,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 3,
            "tcp_user_timeout": 3000,
            "options": "-c timezone=UTC -c statement_timeout=1500",
        },
    )


def _open(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_DGRAM)
    # Several processes may serve one port; the kernel gives each sender to one of them.
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    door.setblocking(False)
    door.bind((host, port))
    return door
