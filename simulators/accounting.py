"""What a router reports of its sessions: in order for each, and again until it is heard."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from simulators.clock import Clock
from simulators.nas import Router
from simulators.radius_client import RadiusClient
from simulators.radius_packets import Attributes
from simulators.sessions import BYTES_OF_PACKET, GIGAWORD, Session

RETRY_PAUSE: Final = 5.0
# A quarter of an hour's worth with the pauses and timeouts; then even a router's memory is short.
MOST_ROUNDS: Final = 100

START: Final = "Start"
INTERIM: Final = "Interim-Update"
STOP: Final = "Stop"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One thing to report: the session as it was at that moment."""

    status: str
    session: Session
    at: datetime

    def attributes(self, router: Router, now: datetime) -> Attributes:
        """The Accounting-Request's attributes, if it is sent now."""
        session = self.session
        attributes: Attributes = (
            ("Acct-Status-Type", self.status),
            ("User-Name", session.username),
            *router.place_of(
                mac=session.mac, ip=session.ip, session_id=session.id, port=session.port
            ),
            ("Acct-Authentic", "RADIUS"),
            ("Event-Timestamp", int(self.at.timestamp())),
            ("Acct-Delay-Time", max(0, int((now - self.at).total_seconds()))),
            *(("Class", value) for value in session.radius_class),
        )
        if self.status == START:
            return attributes
        attributes = (*attributes, *_counters(session, self.at))
        if self.status == STOP and session.cause is not None:
            attributes = (*attributes, ("Acct-Terminate-Cause", session.cause.value))
        return attributes


def _counters(session: Session, at: datetime) -> Attributes:
    return (
        ("Acct-Session-Time", session.seconds(at)),
        ("Acct-Input-Octets", session.bytes_in % GIGAWORD),
        ("Acct-Output-Octets", session.bytes_out % GIGAWORD),
        ("Acct-Input-Gigawords", session.bytes_in // GIGAWORD),
        ("Acct-Output-Gigawords", session.bytes_out // GIGAWORD),
        ("Acct-Input-Packets", -(-session.bytes_in // BYTES_OF_PACKET) % GIGAWORD),
        ("Acct-Output-Packets", -(-session.bytes_out // BYTES_OF_PACKET) % GIGAWORD),
    )


class Accounting:
    """Sends the records of each session one after another."""

    def __init__(
        self, *, client: RadiusClient, clock: Clock, router_of: Callable[[str], Router | None]
    ) -> None:
        self._client = client
        self._clock = clock
        self._router_of = router_of
        self._log = logging.getLogger("simulators.accounting")
        self._waiting: dict[str, deque[Record]] = {}
        self._lock = threading.Lock()

    def report(self, session: Session, status: str) -> None:
        """Send it as soon as what was there before it has been heard."""
        record = Record(status=status, session=session, at=self._clock.now())
        with self._lock:
            waiting = self._waiting.get(session.id)
            if waiting is not None:
                waiting.append(record)
                return
            self._waiting[session.id] = deque([record])
        self._clock.after(0, partial(self._send_waiting, session.id, 0))

    def router_started(self, router: Router) -> None:
        """Accounting-On: whatever was online here is not any more."""
        attributes: Attributes = (
            ("Acct-Status-Type", "Accounting-On"),
            *router.identity,
            ("Event-Timestamp", int(self._clock.now().timestamp())),
            ("Acct-Delay-Time", 0),
        )
        self._clock.after(0, lambda: self._client.account(router.line, attributes))

    def forget(self, session_id: str) -> None:
        """Send nothing more of it: the router's memory is gone."""
        with self._lock:
            self._waiting.pop(session_id, None)

    @property
    def backlog(self) -> int:
        """Records that nobody has heard yet."""
        with self._lock:
            return sum(len(waiting) for waiting in self._waiting.values())

    def _send_waiting(self, session_id: str, rounds: int) -> None:
        while (record := self._head(session_id)) is not None:
            router = self._router_of(record.session.router_id)
            if router is None:
                self.forget(session_id)
                return
            exchange = self._client.account(
                router.line, record.attributes(router, self._clock.now())
            )
            # An interim update that was not heard is overtaken by the next one.
            if exchange.reply is None and record.status != INTERIM:
                if rounds >= MOST_ROUNDS:
                    self._log.warning("gave up on accounting of %s", session_id)
                    self.forget(session_id)
                    return
                again = partial(self._send_waiting, session_id, rounds + 1)
                self._clock.after(RETRY_PAUSE, again)
                return
            rounds = 0
            self._done(session_id, record)

    def _head(self, session_id: str) -> Record | None:
        with self._lock:
            waiting = self._waiting.get(session_id)
            if not waiting:
                self._waiting.pop(session_id, None)
                return None
            return waiting[0]

    def _done(self, session_id: str, record: Record) -> None:
        with self._lock:
            waiting = self._waiting.get(session_id)
            if waiting and waiting[0] is record:
                waiting.popleft()
