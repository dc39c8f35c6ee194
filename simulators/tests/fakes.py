"""Time, a RADIUS server and an HTTP listener, as small as the tests need them."""

import heapq
import itertools
import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pyrad import packet as pyrad_packet

from simulators.callbacks import Postman
from simulators.clock import Action, Timer
from simulators.post import POST_TIMEOUT, Delivery
from simulators.radius_packets import DICTIONARY

SECRET = b"testing123"
NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


class HandClock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self._now = NOW
        self._turn = itertools.count()
        self._timers: list[tuple[datetime, int, Timer]] = []
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def after(self, seconds: float, action: Action) -> Timer:
        timer = Timer(due=0.0, action=action)
        due = self._now + timedelta(seconds=seconds)
        heapq.heappush(self._timers, (due, next(self._turn), timer))
        return timer

    def advance(self, seconds: float = 0.0) -> None:
        """Move on, and do on the way what is due, in its order."""
        until = self._now + timedelta(seconds=seconds)
        while self._timers and self._timers[0][0] <= until:
            due, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, due)
            if not timer.cancelled:
                timer.action()
        self._now = until


class FakePostman(Postman):
    """Keeps what it should post, and answers everything as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[tuple[str, bytes]] = []
        self.status: int | None = 200
        self.says = '{"ResultCode": "0", "ResultDesc": "Accepted"}'
        self.on_delivery: Callable[[], None] = lambda: None

    def ask(
        self, url: str, body: bytes, now: datetime, timeout: float = POST_TIMEOUT
    ) -> tuple[Delivery, str]:
        self.posted.append((url, body))
        self.on_delivery()
        return Delivery(at=now, ms=1, status=self.status), self.says

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.posted]

    @property
    def callbacks(self) -> list[dict[str, Any]]:
        """The callbacks of prompts."""
        read = [json.loads(body) for body in self.bodies]
        return [told["Body"]["stkCallback"] for told in read if "Body" in told]

    def told(self, url: str) -> list[dict[str, Any]]:
        """What was posted to one URL."""
        return [json.loads(body) for where, body in self.posted if where == url]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the fake RADIUS server does."""

    password: str = "secret-pw"
    accept: tuple[tuple[str, Any], ...] = ()
    reject_message: str = "invalid username or password"
    signed: bool = True
    secret: bytes = SECRET
    drop_first: int = 0


@dataclass
class FakeRadius:
    """Answers on two UDP ports of its own, and keeps what it was asked."""

    answers: Answers = field(default_factory=Answers)
    access: list[Any] = field(default_factory=list)
    accounting: list[Any] = field(default_factory=list)
    sources: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sockets = [_udp_socket(), _udp_socket()]
        self.auth_port, self.acct_port = (sock.getsockname()[1] for sock in self._sockets)
        for sock, handle in zip(self._sockets, (self._access, self._account), strict=True):
            threading.Thread(target=self._serve, args=(sock, handle), daemon=True).start()

    def close(self) -> None:
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _serve(self, sock: socket.socket, handle: Callable[[bytes], bytes]) -> None:
        while True:
            try:
                data, source = sock.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            reply = handle(data)
            self.sources.append(source)
            if self.answers.drop_first:
                self.answers = replace(self.answers, drop_first=self.answers.drop_first - 1)
            else:
                sock.sendto(reply, source)

    def _access(self, data: bytes) -> bytes:
        answers = self.answers
        packet = pyrad_packet.AuthPacket(packet=data, secret=answers.secret, dict=DICTIONARY)
        self.access.append(packet)
        reply = packet.CreateReply(message_authenticator=answers.signed)
        if not self._knows(packet):
            reply.code = pyrad_packet.AccessReject
            reply["Reply-Message"] = answers.reject_message
        else:
            for name, value in answers.accept:
                reply.AddAttribute(name, value)
        sent: bytes = reply.ReplyPacket()
        return sent

    def _knows(self, packet: Any) -> bool:
        if "CHAP-Password" in packet:
            return bool(packet.VerifyChapPasswd(self.answers.password))
        return bool(packet.PwDecrypt(packet["User-Password"][0]) == self.answers.password)

    def _account(self, data: bytes) -> bytes:
        packet = pyrad_packet.AcctPacket(packet=data, secret=SECRET, dict=DICTIONARY)
        assert packet.VerifyAcctRequest()
        self.accounting.append(packet)
        sent: bytes = packet.CreateReply().ReplyPacket()
        return sent


def _udp_socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock


@dataclass
class Listener:
    """An HTTP server that keeps what is posted to it."""

    status: int = 200
    received: list[tuple[str, str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.received.append((self.path, self.headers["Content-Type"], body))
                self.send_response(listener.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
