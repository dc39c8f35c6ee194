"""A RADIUS load generator: `radclient` gives out long before a server does.

Many sockets, as many routers, each with a few logins under way; the packets are made beforehand.
"""

import hashlib
import hmac
import os
import select
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

SOCKETS = 64
UNDER_WAY = 4
ACCESS_ACCEPT = 2
_GIVE_UP_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Who logs in by PAP."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What came of a run: `seconds` from the first packet to the last answer."""

    accepted: int
    refused: int
    unanswered: int
    seconds: float

    @property
    def rate(self) -> float:
        """Access-Accepts a second."""
        return self.accepted / self.seconds


def access_request(guest: Guest, *, identifier: int, secret: bytes) -> bytes:
    """An Access-Request as a hotspot sends it, signed."""
    authenticator = os.urandom(16)
    password = guest.password.encode().ljust(16, b"\0")
    mask = hashlib.md5(secret + authenticator).digest()
    hidden = bytes(a ^ b for a, b in zip(password, mask, strict=True))
    body = b"".join(
        bytes((code, len(value) + 2)) + value
        for code, value in (
            (80, bytes(16)),
            (1, guest.username.encode()),
            (2, hidden),
            (4, b"\x0a\x08\x00\x02"),
            (5, b"\x00\x00\x00\x07"),
            (61, b"\x00\x00\x00\x13"),
            (31, b"02:00:5E:10:00:00"),
            (30, b"hotspot1"),
            (32, b"MikroTik"),
            (44, b"80200001"),
            (87, b"bridge-hs"),
            (8, b"\x0a\x05\x32\x0a"),
        )
    )
    head = bytes((1, identifier)) + (20 + len(body)).to_bytes(2) + authenticator
    signature = hmac.digest(secret, head + body, "md5")
    return head + body[:2] + signature + body[18:]


def load(
    port: int, guests: Sequence[Guest], *, secret: bytes, seconds: float, most: int
) -> Counted:
    """Log guests in, over and over, for so long; `most` logins are made ready."""
    doors = [_open(port) for _ in range(SOCKETS)]
    each = most // SOCKETS
    packets = {
        door.fileno(): iter(
            [
                access_request(
                    guests[(place * each + number) % len(guests)],
                    identifier=number % 256,
                    secret=secret,
                )
                for number in range(each)
            ]
        )
        for place, door in enumerate(doors)
    }
    try:
        return _run({door.fileno(): door for door in doors}, packets, seconds)
    finally:
        for door in doors:
            door.close()


def _run(
    doors: Mapping[int, socket.socket], packets: Mapping[int, Iterator[bytes]], seconds: float
) -> Counted:
    poll = select.epoll()
    sent = accepted = refused = 0
    began = time.perf_counter()
    for number, door in doors.items():
        poll.register(number, select.EPOLLIN)
        for _ in range(UNDER_WAY):
            door.send(next(packets[number]))
            sent += 1
    until, last = began + seconds, began
    while accepted + refused < sent:
        ready = poll.poll(_GIVE_UP_SECONDS)
        now = time.perf_counter()
        if not ready:
            break  # what is not answered by now is lost
        last = now
        for number, _ in ready:
            door = doors[number]
            while True:
                try:
                    reply = door.recv(4096)
                except BlockingIOError:
                    break
                if reply[0] == ACCESS_ACCEPT:
                    accepted += 1
                else:
                    refused += 1
                if now < until and (packet := next(packets[number], None)) is not None:
                    door.send(packet)
                    sent += 1
    poll.close()
    return Counted(
        accepted=accepted,
        refused=refused,
        unanswered=sent - accepted - refused,
        seconds=last - began,
    )


def _open(port: int) -> socket.socket:
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    door.setblocking(False)
    door.connect(("127.0.0.1", port))
    return door
