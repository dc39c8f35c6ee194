"""Disconnect and CoA: what a router does on demand of its RADIUS server (RFC 5176)."""

import logging
import socket
import threading
from contextlib import suppress
from typing import Final

from simulators.clock import Clock
from simulators.hotspot import Hotspot
from simulators.kept import Kept
from simulators.nas import Router, Routers
from simulators.radius_packets import CoaRequest, MalformedPacket, Message, Value
from simulators.sessions import Cause, Session

LARGEST_PACKET: Final = 4096
REPLIES_KEPT: Final = 1000

UNSUPPORTED_ATTRIBUTE: Final = 401
MISSING_ATTRIBUTE: Final = 402
NAS_MISMATCH: Final = 403
SESSION_NOT_FOUND: Final = 503

IDENTIFYING: Final = frozenset(
    {
        "User-Name",
        "Acct-Session-Id",
        "Framed-IP-Address",
        "Calling-Station-Id",
        "NAS-IP-Address",
        "NAS-Identifier",
        "NAS-Port",
        "NAS-Port-Id",
        "Event-Timestamp",
        "Message-Authenticator",
        "Proxy-State",
    }
)
# What RouterOS can change of a hotspot session. Mikrotik-Total-Limit is not among it.
CHANGEABLE: Final = frozenset(
    {
        "Mikrotik-Group",
        "Mikrotik-Recv-Limit",
        "Mikrotik-Recv-Limit-Gigawords",
        "Mikrotik-Xmit-Limit",
        "Mikrotik-Xmit-Limit-Gigawords",
        "Mikrotik-Rate-Limit",
        "Mikrotik-Mark-Id",
        "Mikrotik-Advertise-URL",
        "Mikrotik-Advertise-Interval",
        "Filter-Id",
        "Session-Timeout",
        "Idle-Timeout",
        "Port-Limit",
    }
)

Address = tuple[str, int]


class Refused(Exception):
    """A request that is answered with a NAK."""

    def __init__(self, error_cause: int) -> None:
        super().__init__(error_cause)
        self.error_cause = error_cause


class Coa:
    """Obeys requests that are signed with a router's secret; drops all others silently."""

    def __init__(self, *, routers: Routers, hotspot: Hotspot) -> None:
        self._routers = routers
        self._hotspot = hotspot
        self._log = logging.getLogger("simulators.coa")
        self._replies: Kept[tuple[str, Address, bytes], bytes] = Kept(REPLIES_KEPT)

    def answer(self, nas_ip: str, data: bytes, source: Address) -> tuple[bytes, float] | None:
        """The reply to a datagram and the seconds it takes; None for silence."""
        routers = [router for router in self._routers.at(nas_ip) if router.hears_coa]
        delay = max((router.line.delay for router in routers), default=0.0)
        key = (nas_ip, source, data[:20])
        known = self._replies.get(key)
        if known is not None and routers:
            return known, delay
        for secret in {router.active_secret for router in routers}:
            try:
                request = CoaRequest(data, secret)
            except MalformedPacket as why:
                self._log.warning("dropped: %s", why)
                continue
            asked = [router for router in routers if router.active_secret == secret]
            reply = self._obey(asked, request)
            self._replies.add(key, reply)
            return reply, delay
        return None

    def _obey(self, routers: list[Router], request: CoaRequest) -> bytes:
        try:
            session = self._find(routers, request.message)
            if request.disconnect:
                self._hotspot.end(session.id, Cause.ADMIN_RESET)
            else:
                self._change(session, request.message)
        except Refused as refused:
            return request.answer(refused.error_cause)
        return request.answer(None)

    def _find(self, routers: list[Router], wanted: Message) -> Session:
        """The session that is meant. By Framed-IP-Address and a name or an id, or not at all."""
        name, address = wanted.first("NAS-Identifier"), wanted.first("NAS-IP-Address")
        reached = {
            router.id
            for router in routers
            if name in (None, router.nas_name) and address in (None, router.nas_ip)
        }
        if not reached:
            raise Refused(NAS_MISMATCH)
        ip, user = wanted.first("Framed-IP-Address"), wanted.first("User-Name")
        session_id = wanted.first("Acct-Session-Id")
        if ip is None or (user is None and session_id is None):
            raise Refused(MISSING_ATTRIBUTE)
        for session in self._sessions(session_id):
            if (
                session.ip == ip
                and session.router_id in reached
                and user in (None, session.username)
            ):
                return session
        raise Refused(SESSION_NOT_FOUND)

    def _sessions(self, session_id: Value | None) -> list[Session]:
        if session_id is None:
            return self._hotspot.sessions.active()
        session = self._hotspot.sessions.get(str(session_id))
        return [] if session is None else [session]

    def _change(self, session: Session, wanted: Message) -> None:
        named = set(wanted.attributes) - IDENTIFYING
        if not named:
            raise Refused(MISSING_ATTRIBUTE)
        if named - CHANGEABLE:
            raise Refused(UNSUPPORTED_ATTRIBUTE)
        self._hotspot.change_limits(session.id, wanted)


class CoaPorts:
    """One UDP port at each address that a router has."""

    def __init__(self, *, coa: Coa, clock: Clock, port: int) -> None:
        self._coa = coa
        self._clock = clock
        self._port = port
        self._sockets: dict[str, socket.socket] = {}
        self._lock = threading.Lock()

    def listen(self, nas_ip: str) -> int:
        """Listen at this address too, and return the port; OSError where it is taken."""
        with self._lock:
            known = self._sockets.get(nas_ip)
            if known is not None:
                return int(known.getsockname()[1])
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                sock.bind((nas_ip, self._port))
            except OSError:
                sock.close()
                raise
            self._sockets[nas_ip] = sock
        threading.Thread(target=self._serve, args=(nas_ip, sock), daemon=True).start()
        return int(sock.getsockname()[1])

    def close(self) -> None:
        """Listen no more."""
        with self._lock:
            for sock in self._sockets.values():
                # A thread that waits in recvfrom wakes only when the socket is shut down; that
                # works although the system calls it an error for UDP.
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
            self._sockets.clear()

    def _serve(self, nas_ip: str, sock: socket.socket) -> None:
        while sock.fileno() != -1:
            try:
                data, source = sock.recvfrom(LARGEST_PACKET)
            except OSError:
                return
            if data:
                self._answer(nas_ip, sock, data, source)

    def _answer(self, nas_ip: str, sock: socket.socket, data: bytes, source: Address) -> None:
        answer = self._coa.answer(nas_ip, data, source)
        if answer is None:
            return
        reply, delay = answer

        def send() -> None:
            # Closed by now, where the stand-ins are being stopped.
            with suppress(OSError):
                sock.sendto(reply, source)

        if delay:
            self._clock.after(delay, send)
        else:
            send()
