"""Disconnect- and CoA-Requests to routers (RFC 5176): out, and what they answer."""

import secrets
import socket
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from pyrad.packet import (
    CoAACK,
    CoAPacket,
    CoARequest,
    DisconnectACK,
    DisconnectRequest,
    PacketError,
)

from radius_service.packets import DICTIONARY, LARGEST

# asked: the router does it; gone: it has no such session; silent: it is away, hears no such
# requests, or has another secret.
Outcome = Literal["asked", "gone", "refused", "silent"]

TRIES = 2
WAIT_SECONDS = 1.0

_NOT_FOUND = 503  # Session-Context-Not-Found


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a router made of a request; `detail` for people."""

    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Kick:
    """Whom to disconnect, and where. A hotspot kicks the wrong one without `ip`."""

    address: str
    port: int
    secret: bytes = field(repr=False)
    username: str
    session_id: str
    ip: str | None


@dataclass(frozen=True, kw_only=True)
class Extension:
    """How long `whom` may stay, in seconds since the login, and how fast."""

    whom: Kick
    session_seconds: int
    rate_limit: str | None


def disconnect(kick: Kick, *, wait_seconds: float = WAIT_SECONDS) -> Answer:
    """Have a guest disconnected. After `asked` a Stop follows. Asking twice does no harm."""
    return _ask(kick, disconnect_request(kick, identifier=_identifier()), wait_seconds)


def extend(extension: Extension, *, wait_seconds: float = WAIT_SECONDS) -> Answer:
    """Have a guest stay until another time than was said at the login."""
    packet = extension_request(extension, identifier=_identifier())
    return _ask(extension.whom, packet, wait_seconds)


def disconnect_request(kick: Kick, *, identifier: int) -> Any:
    """The packet, with what RouterOS needs to find one hotspot session."""
    return _about(kick, DisconnectRequest, identifier)


def extension_request(extension: Extension, *, identifier: int) -> Any:
    """The packet: Mikrotik-Total-Limit is not among what RouterOS lets CoA change."""
    packet = _about(extension.whom, CoARequest, identifier)
    packet["Session-Timeout"] = extension.session_seconds
    if extension.rate_limit is not None:
        packet["Mikrotik-Rate-Limit"] = extension.rate_limit
    return packet


def _about(kick: Kick, code: int, identifier: int) -> Any:
    packet = CoAPacket(code, id=identifier, secret=kick.secret, dict=DICTIONARY)
    packet["User-Name"] = kick.username
    packet["Acct-Session-Id"] = kick.session_id
    if kick.ip is not None:
        packet["Framed-IP-Address"] = kick.ip
    return packet


def _identifier() -> int:
    return secrets.randbelow(256)


def _ask(kick: Kick, packet: Any, wait_seconds: float) -> Answer:
    data: bytes = packet.RequestPacket()
    family = socket.AF_INET6 if ":" in kick.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as door:
        try:
            door.connect((kick.address, kick.port))
        except OSError as error:  # no way leads there
            return Answer(outcome="silent", detail=str(error))
        for _ in range(TRIES):
            answer = _asked_once(door, packet, data, wait_seconds)
            if answer is not None:
                return _meaning(answer)
    return Answer(outcome="silent", detail=f"no answer from {kick.address}:{kick.port}")


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
    if answer.code in (DisconnectACK, CoAACK):
        return Answer(outcome="asked")
    causes = [int.from_bytes(value) for value in answer.get(101, [])]
    if _NOT_FOUND in causes:
        return Answer(outcome="gone", detail=f"Error-Cause {_NOT_FOUND}")
    return Answer(outcome="refused", detail=f"Error-Cause {causes[0] if causes else 'not given'}")
