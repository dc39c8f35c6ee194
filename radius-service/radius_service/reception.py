"""Packets as they come in: known, well formed, signed and new ones are handed on, no others.

Nothing here waits for anything: whatever is slow, repeats and Status-Server are answered.
"""

import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from hotspot.clock import Clock
from radius_service.asked import Asked
from radius_service.counters import Counters
from radius_service.nas import NasBook
from radius_service.packets import Code, Malformed, read
from radius_service.recent import RecentRequests

log = structlog.get_logger()

READ_AT_ONCE = 256
RECEIVE_BUFFER = 4 * 1024 * 1024

_ROOM = 8192  # more than any valid packet, so that a longer one is seen to be too long

TakeIn = Callable[[Sequence[Asked]], None]


class Reception:
    """The two sockets of a process, and who is let in through them. Used by one thread."""

    def __init__(
        self,
        *,
        host: str,
        auth_port: int,
        acct_port: int,
        nas: NasBook,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self.auth = _open(host, auth_port)
        self.acct = _open(host, acct_port)
        self._nas = nas
        self._counters = counters
        self._clock = clock
        self._recent = RecentRequests()

    def close(self) -> None:
        """Leave the ports to the other processes."""
        self.auth.close()
        self.acct.close()

    def receive(self, door: Any) -> list[Asked]:
        """What waits on a socket and must be worked on, up to a bound: the other has its turn."""
        waiting: list[Asked] = []
        for _ in range(READ_AT_ONCE):
            try:
                data, source = door.recvfrom(_ROOM)
            except BlockingIOError:
                break
            except OSError as error:  # an ICMP error of an earlier reply: nothing was read
                self._counters.add("socket_error")
                log.debug("socket error", error=str(error))
                continue
            asked = self._asked(door, data, source)
            if asked is not None:
                waiting.append(asked)
        return waiting

    def _asked(self, door: socket.socket, data: bytes, source: tuple[str, int]) -> Asked | None:
        """A request that must be worked on; None where it is dropped or answered already."""
        address = source[0].removeprefix("::ffff:").partition("%")[0]
        client = self._nas.clients.at(address)
        if client is None:
            self._counters.add("unknown_nas")
            log.debug("unknown nas", address=address)
            return None
        try:
            request = read(data, secret=client.secret, signed=client.signed)
            self._check_door(door, request.code)
        except Malformed as error:
            self._counters.add(str(error))
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
        here = Code.ACCESS_REQUEST if door is self.auth else Code.ACCOUNTING_REQUEST
        if code not in (here, Code.STATUS_SERVER):
            raise Malformed("unexpected_code")

    def _repeat(self, door: socket.socket, source: tuple[str, int], reply: bytes | None) -> None:
        if reply is None:
            self._counters.add("repeated_in_progress")
            return
        self._counters.add("repeated")
        try:
            door.sendto(reply, source)
        except OSError:
            self._counters.add("reply_not_sent")

    def _answer_status(self, asked: Asked) -> None:
        """Answered by the thread that reads: it says that packets are read, whatever is slow."""
        code = Code.ACCESS_ACCEPT if asked.door is self.auth else Code.ACCOUNTING_RESPONSE
        self._counters.add("status" if asked.answer(code, ()) else "reply_not_sent")


def _open(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_DGRAM)
    # Several processes may serve one port: the kernel picks one by a hash of both addresses and
    # ports, so that what a router sends again reaches the process that has it already (ADR 0017).
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    door.setblocking(False)
    door.bind((host, port))
    return door
