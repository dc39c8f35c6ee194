"""A guest's stay online: the limits that RADIUS gave it and what was used of them."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from simulators.radius_packets import Message

ENDED_KEPT: Final = 5_000
GIGAWORD: Final = 2**32
# Only a guess at how large packets are; nobody bills by it.
BYTES_OF_PACKET: Final = 900


class Cause(StrEnum):
    """Acct-Terminate-Cause (RFC 2866 section 5.10) as a hotspot uses it."""

    USER_REQUEST = "User-Request"
    SESSION_TIMEOUT = "Session-Timeout"
    IDLE_TIMEOUT = "Idle-Timeout"
    ADMIN_RESET = "Admin-Reset"
    ADMIN_REBOOT = "Admin-Reboot"
    # The data is used up: RADIUS has no word of its own for that.
    NAS_REQUEST = "NAS-Request"
    # Not on the wire: the router lost power, so no Stop was ever sent.
    LOST_POWER = "lost-power"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an Access-Accept allows. Seconds and bytes; None is without limit.

    RouterOS takes 0 for "no limit", so that a server that sends the 0 seconds that are left
    gives access for ever.
    """

    session_timeout: int | None = None
    idle_timeout: int | None = None
    interim_interval: int | None = None
    bytes_total: int | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    rate_limit: str | None = None
    port_limit: int | None = None

    @classmethod
    def of(cls, reply: Message) -> "Limits":
        """The limits in an Access-Accept."""
        return cls().changed(reply)

    def changed(self, reply: Message) -> "Limits":
        """These limits with those that a reply or a CoA-Request names in their place."""
        rate = reply.text("Mikrotik-Rate-Limit")
        session_timeout, idle = reply.number("Session-Timeout"), reply.number("Idle-Timeout")
        interim, ports = reply.number("Acct-Interim-Interval"), reply.number("Port-Limit")
        total, received = _bytes(reply, "Total"), _bytes(reply, "Recv")
        sent = _bytes(reply, "Xmit")
        return Limits(
            session_timeout=_given(session_timeout, self.session_timeout),
            idle_timeout=_given(idle, self.idle_timeout),
            interim_interval=_given(interim, self.interim_interval),
            bytes_total=_given(total, self.bytes_total),
            bytes_in=_given(received, self.bytes_in),
            bytes_out=_given(sent, self.bytes_out),
            rate_limit=self.rate_limit if rate is None else rate,
            port_limit=_given(ports, self.port_limit),
        )


def _given(value: int | None, before: int | None) -> int | None:
    return before if value is None else value or None


def _bytes(reply: Message, which: str) -> int | None:
    low = reply.number(f"Mikrotik-{which}-Limit")
    high = reply.number(f"Mikrotik-{which}-Limit-Gigawords")
    if low is None and high is None:
        return None
    return (low or 0) + GIGAWORD * (high or 0)


@dataclass(frozen=True, kw_only=True)
class Session:
    """One session. `bytes_in` came from the guest, `bytes_out` went to the guest."""

    id: str
    port: int
    guest_id: str
    router_id: str
    mac: str
    ip: str
    username: str
    started_at: datetime
    active_at: datetime
    limits: Limits
    radius_class: tuple[bytes, ...] = field(default=(), repr=False)
    bytes_in: int = 0
    bytes_out: int = 0
    ended_at: datetime | None = None
    cause: Cause | None = None

    def seconds(self, now: datetime) -> int:
        """How long it has lasted."""
        return int(((self.ended_at or now) - self.started_at).total_seconds())

    @property
    def ends_at(self) -> datetime | None:
        """When its time is up: a hotspot holds Session-Timeout against the whole uptime."""
        if self.limits.session_timeout is None:
            return None
        return self.started_at + timedelta(seconds=self.limits.session_timeout)

    @property
    def idle_at(self) -> datetime | None:
        """When it ends if nothing is sent until then."""
        if self.limits.idle_timeout is None:
            return None
        return self.active_at + timedelta(seconds=self.limits.idle_timeout)

    @property
    def used_up(self) -> bool:
        """Whether it has reached one of its data limits."""
        used = (
            (self.limits.bytes_total, self.bytes_in + self.bytes_out),
            (self.limits.bytes_in, self.bytes_in),
            (self.limits.bytes_out, self.bytes_out),
        )
        return any(limit is not None and amount >= limit for limit, amount in used)


class Sessions:
    """The active sessions by id, and the last that ended."""

    def __init__(self) -> None:
        self._active: dict[str, Session] = {}
        self._of_guest: dict[str, str] = {}
        self._of_user: Counter[tuple[str, str]] = Counter()
        self._ended: deque[Session] = deque(maxlen=ENDED_KEPT)
        self._lock = threading.Lock()

    def start(self, session: Session, most_of_user: int) -> bool:
        """Add it; False where its user is on this router that many times already."""
        with self._lock:
            user = (session.router_id, session.username)
            if self._of_user[user] >= most_of_user:
                return False
            self._of_user[user] += 1
            self._active[session.id] = session
            self._of_guest[session.guest_id] = session.id
            return True

    def get(self, session_id: str) -> Session | None:
        """The active session, or None."""
        return self._active.get(session_id)

    def of_guest(self, guest_id: str) -> Session | None:
        """The active session of a guest, or None."""
        session_id = self._of_guest.get(guest_id)
        return None if session_id is None else self._active.get(session_id)

    def change(self, session_id: str, change: Callable[[Session], Session]) -> Session | None:
        """Replace an active session; None where there is none."""
        with self._lock:
            session = self._active.get(session_id)
            if session is None:
                return None
            changed = change(session)
            self._active[session_id] = changed
            return changed

    def end(self, session_id: str, cause: Cause, now: datetime) -> Session | None:
        """End it, once; None where it is not active."""
        with self._lock:
            session = self._active.pop(session_id, None)
            if session is None:
                return None
            self._of_guest.pop(session.guest_id, None)
            user = (session.router_id, session.username)
            self._of_user[user] -= 1
            if not self._of_user[user]:
                del self._of_user[user]
            ended = replace(session, ended_at=now, cause=cause)
            self._ended.append(ended)
            return ended

    def of_router(self, router_id: str) -> list[Session]:
        """The active sessions on a router."""
        return [session for session in self.active() if session.router_id == router_id]

    def active(self) -> list[Session]:
        """All active sessions, oldest first."""
        with self._lock:
            return list(self._active.values())

    def items(self) -> list[Session]:
        """The ended sessions, then the active ones."""
        with self._lock:
            return [*self._ended, *self._active.values()]

    def clear(self) -> None:
        """Forget those that ended."""
        with self._lock:
            self._ended.clear()
