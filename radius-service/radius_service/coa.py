"""Disconnect-Requests to routers (RFC 5176): out, and what they answer."""

import secrets
import socket
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from pyrad.packet import CoAPacket, DisconnectACK, DisconnectNAK, DisconnectRequest, PacketError

from hotspot.bus.outcome import Retry
from radius_service.packets import DICTIONARY, LARGEST

Answer = Literal["asked", "gone"]

TRIES = 3
WAIT_SECONDS = 2.0

_NOT_FOUND = 503  # Session-Context-Not-Found


class RouterSilent(Retry):
    """No answer came: the router is away, hears no CoA, or has another secret."""


class RouterRefused(Retry):
    """The router answered that it did not disconnect; the text has its Error-Cause."""


@dataclass(frozen=True, kw_only=True)
class Kick:
    """Whom to disconnect, and where. A hotspot kicks the wrong one without `ip`."""

    address: str
    port: int
    secret: bytes = field(repr=False)
    username: str
    session_id: str
    ip: str | None


def disconnect(kick: Kick, *, wait_seconds: float = WAIT_SECONDS) -> Answer:
    """Have a guest disconnected: `asked`, a Stop follows; `gone`, the router has no such session.

    Asking twice does no harm. Raises RouterSilent or RouterRefused.
    """
    packet = disconnect_request(kick, identifier=secrets.randbelow(256))
    data: bytes = packet.RequestPacket()
    family = socket.AF_INET6 if ":" in kick.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as door:
        door.connect((kick.address, kick.port))
        for _ in range(TRIES):
            answer = _asked_once(door, packet, data, wait_seconds)
            if answer is not None:
                return _meaning(answer)
    raise RouterSilent(f"{kick.address}:{kick.port} does not answer Disconnect-Requests")


def disconnect_request(kick: Kick, *, identifier: int) -> Any:
    """The packet, with what RouterOS needs to find one hotspot session."""
    packet = CoAPacket(DisconnectRequest, id=identifier, secret=kick.secret, dict=DICTIONARY)
    packet["User-Name"] = kick.username
    packet["Acct-Session-Id"] = kick.session_id
    if kick.ip is not None:
        packet["Framed-IP-Address"] = kick.ip
    return packet


def _asked_once(door: socket.socket, packet: Any, data: bytes, wait_seconds: float) -> Any:
    """The signed reply to one sending, or None; what is not signed was not sent by the router."""
    until = time.monotonic() + wait_seconds
    try:
        door.send(data)
        while (left := until - time.monotonic()) > 0:
            door.settimeout(left)
            answer = _verified(packet, door.recv(LARGEST))
            if answer is not None:
                return answer
    except OSError:  # a timeout, or nobody listens there
        return None
    return None


def _verified(packet: Any, data: bytes) -> Any:
    try:
        answer = packet.CreateReply(packet=data)
        return answer if packet.VerifyReply(answer) else None
    except PacketError:
        return None


def _meaning(answer: Any) -> Answer:
    if answer.code == DisconnectACK:
        return "asked"
    causes = [int.from_bytes(value) for value in answer.get(101, [])]
    if answer.code == DisconnectNAK and _NOT_FOUND in causes:
        return "gone"
    raise RouterRefused(f"the router refused to disconnect: Error-Cause {causes or 'not given'}")
