"""Guests of a simulated router are sent off when their time is over, whatever the router does.

The router is the simulators'; the RADIUS server and the jobs are ours, over real sockets. Only
time is moved by hand, and router-service stands in as one function.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.sessions import (
    CheckExpiredSessionsJob,
    DisconnectGuestJob,
    DisconnectSessionJob,
    ExtendSessionJob,
    GuestDisconnected,
)
from hotspot.testing.handling import envelope_for, run_envelope
from radius_service.coa import disconnect, extend
from radius_service.disconnecting import disconnecting, record_guest_disconnected
from radius_service.extending import extending
from radius_service.rounds import ROUTERS_TURN, check_expired_sessions
from simulators.behaviour import RouterBehaviour, RouterMode
from simulators.coa import Coa, CoaPorts
from simulators.guests import Guests, Login, Usage
from simulators.hotspot import Hotspot
from simulators.nas import Router, RouterPlan, Routers
from simulators.radius_client import RadiusClient, RadiusServer
from simulators.sessions import Cause, Session
from simulators.tests.fakes import HandClock

from .world import PASSWORD, SECRET, Database, Running, serving, until

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass
class Place:
    """A router with guests, a RADIUS server, and a worker that does what it is told."""

    radius: Database
    running: Running
    clock: HandClock
    hotspot: Hotspot
    router: Router
    handlers: Handlers
    guests: Guests = field(default_factory=Guests)

    def log_in(self) -> Session:
        """Alice goes online; the accounting says so."""
        guest = self.guests.join(self.router, None)
        result = self.hotspot.login(guest, Login(username="alice", password=PASSWORD))
        assert result.result == "accept", result
        self.wait("SELECT 1 FROM sessions WHERE status = 'online'")
        (session,) = self.hotspot.sessions.active()
        return session

    def wait(self, query: str) -> None:
        """Wait until the database says so; what the router has to report goes out meanwhile."""

        def is_so() -> bool:
            self.clock.advance()
            return bool(self.radius.rows(query))

        until(is_so)

    def pass_time(self, by: timedelta) -> None:
        """Time passes, for the router and for us; who is online is not idle."""
        while by > timedelta(0):
            step = min(by, 5 * MINUTE)
            self.clock.advance(step.total_seconds())
            for guest in self.guests.items():
                if self.hotspot.sessions.of_guest(guest.id):
                    self.hotspot.use(guest, Usage(bytes_out=1))
            by -= step
        self.running.clock.now = self.clock.now()

    def take_away_time(self) -> None:
        """The paid time is over now, and the router does not know it."""
        now = self.clock.now()
        self.radius.execute(
            "UPDATE grants SET ends_at = :now, starts_at = :before", now=now, before=now - HOUR
        )
        self.radius.execute("UPDATE sessions SET ends_at = :now", now=now)

    def do(self, orders: Sequence[Message]) -> None:
        """Do jobs, and what they ask for, as the workers would."""
        for order in orders:
            if isinstance(order, DisconnectGuestJob):
                self.do([self._removed(order)])
            elif type(order) in self.handlers:
                now = self.clock.now()
                envelope = envelope_for(order, now=now)
                self.do(run_envelope(self.handlers, envelope, self.radius.engine, now=now))

    def _removed(self, job: DisconnectGuestJob) -> GuestDisconnected:
        """What router-service does, and tells."""
        there = self.hotspot.end(str(job.acct_session_id), Cause.ADMIN_RESET)
        return GuestDisconnected(
            session_id=job.session_id,
            attempt=job.attempt,
            outcome="removed" if there else "not_there",
            detail="",
            at=self.clock.now(),
        )

    @property
    def told(self) -> list[Message]:
        """What the timer has sent."""
        return [parcel.envelope.open() for parcel in self.running.publisher.parcels]

    def ended(self) -> Session:
        """The session of the router, which has ended; ours ended with it."""
        self.wait("SELECT 1 FROM sessions WHERE status = 'ended'")
        self.wait("SELECT 1 FROM kicks WHERE ended_at IS NOT NULL")
        (session,) = self.hotspot.sessions.items()
        assert session.ended_at is not None
        return session

    def steps(self) -> list[tuple[str, str]]:
        """The kick ledger."""
        rows = self.radius.rows("SELECT step, outcome FROM kick_steps ORDER BY step_id")
        return [(row.step, row.outcome) for row in rows]


@contextmanager
def place(radius: Database, *, session_timer: bool = False) -> Iterator[Place]:
    clock = HandClock()
    with serving(radius.engine, session_timer=session_timer) as running:
        running.clock.now = clock.now()
        routers = Routers(default_secret=SECRET.decode())
        (router,) = routers.set_up(RouterPlan())
        server = RadiusServer(
            host="127.0.0.1",
            auth_port=running.server.auth_port,
            acct_port=running.server.acct_port,
        )
        hotspot = Hotspot(routers=routers, client=RadiusClient(server, clock), clock=clock)
        ports = CoaPorts(coa=Coa(routers=routers, hotspot=hotspot), clock=clock, port=0)
        port = ports.listen("127.0.0.1")
        handlers: Handlers = {
            CheckExpiredSessionsJob: check_expired_sessions,
            DisconnectSessionJob: disconnecting(port, partial(disconnect, wait_seconds=0.1)),
            ExtendSessionJob: extending(port, partial(extend, wait_seconds=0.1)),
            GuestDisconnected: record_guest_disconnected,
        }
        now = clock.now()
        radius.authorize(radius.order(starts_at=now, ends_at=now + HOUR), now=now)
        try:
            yield Place(radius, running, clock, hotspot, router, handlers)
        finally:
            hotspot.clear()
            ports.close()


@pytest.fixture
def there(radius: Database) -> Iterator[Place]:
    with place(radius) as made:
        yield made


def test_the_timer_has_expired_guests_off_the_router_within_a_minute(radius: Database) -> None:
    with place(radius, session_timer=True) as there:
        there.log_in()
        there.take_away_time()
        over = there.clock.now()
        there.pass_time(ROUTERS_TURN)
        until(lambda: any(isinstance(one, DisconnectSessionJob) for one in there.told))
        there.do(there.told)
        ended = there.ended()
    assert ended.cause is Cause.ADMIN_RESET
    assert ended.ended_at is not None
    assert ended.ended_at - over < MINUTE
    assert [one.NAME for one in there.told].count("SessionExpired") == 1


def test_without_the_timer_the_five_minute_job_has_them_off(there: Place) -> None:
    there.log_in()
    there.take_away_time()
    there.pass_time(5 * MINUTE)
    there.do([CheckExpiredSessionsJob()])
    assert there.ended().cause is Cause.ADMIN_RESET
    assert there.steps() == [("disconnect_request", "asked"), ("verified", "stopped")]


def test_a_router_that_ignores_disconnect_is_made_to_through_its_api(there: Place) -> None:
    there.log_in()
    deaf = RouterBehaviour(mode=RouterMode.IGNORE_DISCONNECT)
    there.hotspot.behave(there.router, deaf)
    there.take_away_time()
    there.pass_time(MINUTE)
    there.do([CheckExpiredSessionsJob()])
    assert there.ended().cause is Cause.ADMIN_RESET
    assert there.steps() == [
        ("disconnect_request", "silent"),
        ("router_api", "removed"),
        ("verified", "stopped"),
    ]


def test_a_guest_whose_stop_was_lost_is_known_to_be_gone(there: Place) -> None:
    session = there.log_in()
    there.hotspot.sessions.end(session.id, Cause.LOST_POWER, there.clock.now())
    there.take_away_time()
    there.pass_time(MINUTE)
    there.do([CheckExpiredSessionsJob()])
    there.ended()
    assert there.steps() == [("disconnect_request", "gone"), ("verified", "gone")]


def test_a_guest_who_pays_again_while_online_is_not_cut_at_the_old_end(there: Place) -> None:
    there.log_in()
    there.pass_time(30 * MINUTE)
    now = there.clock.now()
    more = there.radius.order(starts_at=now + 30 * MINUTE, ends_at=now + 90 * MINUTE)
    there.do(there.radius.authorize(more, now=now))
    until_then = there.radius.row(
        "SELECT router_until, ends_at FROM sessions WHERE status = 'online'"
    )
    assert until_then.router_until is not None
    assert abs(until_then.router_until - until_then.ends_at) < timedelta(seconds=2)
    there.pass_time(45 * MINUTE)
    (session,) = there.hotspot.sessions.active()
    assert session.limits.session_timeout == 7200
