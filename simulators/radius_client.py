"""A router's RADIUS client: sends, waits, sends again, and believes only signed replies."""

import logging
import socket
import time
from dataclasses import dataclass, field
from typing import Final

from simulators.clock import Clock
from simulators.radius_packets import (
    Attributes,
    Chap,
    MalformedPacket,
    Message,
    Pap,
    Request,
    access_request,
    accounting_request,
)

TRIES: Final = 3
LARGEST_PACKET: Final = 4096


@dataclass(frozen=True, kw_only=True)
class RadiusServer:
    """Where the RADIUS server listens."""

    host: str
    auth_port: int
    acct_port: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """One router's way to the server: its address and secret, and how good the line is."""

    source: str
    secret: bytes = field(repr=False)
    timeout: float
    delay: float = 0.0
    cut: bool = False
    signed_replies: bool = True


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What came of a request: the reply or None, tries, milliseconds, and what was not believed."""

    reply: Message | None
    tries: int
    ms: float
    ignored: tuple[str, ...]


class RadiusClient:
    """Sends requests as a MikroTik router does: every try is the same packet again."""

    def __init__(self, server: RadiusServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._log = logging.getLogger("simulators.radius")

    def ask_access(
        self, line: Line, attributes: Attributes, credentials: Pap | Chap, *, user_name: str
    ) -> Exchange:
        """Send an Access-Request."""
        request = access_request(line.secret, attributes, credentials, user_name=user_name)
        return self._exchange(line, request, self._server.auth_port, signed=line.signed_replies)

    def account(self, line: Line, attributes: Attributes) -> Exchange:
        """Send an Accounting-Request."""
        request = accounting_request(line.secret, attributes)
        return self._exchange(line, request, self._server.acct_port, signed=False)

    def _exchange(self, line: Line, request: Request, port: int, *, signed: bool) -> Exchange:
        started = time.monotonic()
        ignored: list[str] = []
        reply: Message | None = None
        tries = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((line.source, 0))
            sock.connect((self._server.host, port))
            while reply is None and tries < TRIES:
                tries += 1
                self._clock.sleep(line.delay)
                if not line.cut:
                    self._send(sock, request.data, ignored)
                reply = self._wait(sock, line, request, ignored, signed=signed)
        ms = round((time.monotonic() - started) * 1000, 1)
        return Exchange(reply=reply, tries=tries, ms=ms, ignored=tuple(ignored))

    def _send(self, sock: socket.socket, data: bytes, ignored: list[str]) -> None:
        try:
            sock.send(data)
        except ConnectionRefusedError:
            # Loopback tells what no real network would: that nobody listens. Not an answer.
            ignored.append("nobody listens")

    def _wait(
        self, sock: socket.socket, line: Line, request: Request, ignored: list[str], *, signed: bool
    ) -> Message | None:
        deadline = time.monotonic() + line.timeout
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                data = sock.recv(LARGEST_PACKET)
                self._clock.sleep(line.delay)
                return request.read_reply(data, signed=signed)
            except TimeoutError:
                return None
            except ConnectionRefusedError:
                ignored.append("nobody listens")
                time.sleep(max(0.0, deadline - time.monotonic()))
            except MalformedPacket as why:
                self._log.warning("reply ignored: %s", why)
                ignored.append(str(why))
        return None
