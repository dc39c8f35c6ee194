"""The hotspot of every router: lets guests in as RADIUS says, and out when it is time."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Final

from simulators.accounting import INTERIM, START, STOP, Accounting
from simulators.behaviour import RouterBehaviour
from simulators.clock import Clock, Timer
from simulators.guests import Guest, Login, LoginResult, Usage
from simulators.nas import Router, Routers, SessionIds
from simulators.problems import Problem
from simulators.radius_client import Exchange, RadiusClient
from simulators.radius_packets import Chap, Code, Message, Pap
from simulators.sessions import Cause, Limits, Session, Sessions

CHALLENGE_OCTETS: Final = 16


class Hotspot:
    """Logins, sessions and their ends, on all routers."""

    def __init__(self, *, routers: Routers, client: RadiusClient, clock: Clock) -> None:
        self._routers = routers
        self._client = client
        self._clock = clock
        self._ids = SessionIds()
        self.sessions = Sessions()
        self.accounting = Accounting(client=client, clock=clock, router_of=routers.get)
        self._timers: dict[str, dict[str, Timer]] = {}
        self._authorizing: set[str] = set()
        self._lock = threading.Lock()

    def login(self, guest: Guest, login: Login) -> LoginResult:
        """Ask RADIUS, and let the guest in where it accepts; Problem (409) for one who is in."""
        router = self._routers.get(guest.router_id)
        if router is None:
            raise Problem(HTTPStatus.CONFLICT, "the guest's router is gone")
        with self._lock:
            if self.sessions.of_guest(guest.id) is not None:
                raise Problem(HTTPStatus.CONFLICT, "the guest is logged in")
            if guest.id in self._authorizing:
                raise Problem(HTTPStatus.CONFLICT, "already authorizing, retry later")
            self._authorizing.add(guest.id)
        try:
            return self._authorize(router, guest, login)
        finally:
            with self._lock:
                self._authorizing.discard(guest.id)

    def _authorize(self, router: Router, guest: Guest, login: Login) -> LoginResult:
        if not router.powered:
            return LoginResult(
                result="timeout", reply_message="the router is off", reply={}, ms=0.0, tries=0
            )
        menus = router.configured
        refusal = menus and menus.refuses(method=login.method, by_mac=login.mac_auth)
        if refusal:
            return LoginResult(result="reject", reply_message=refusal, reply={}, ms=0.0, tries=0)
        session_id, port = self._ids.next()
        place = router.place_of(mac=guest.mac, ip=guest.ip, session_id=session_id, port=port)
        username = guest.mac if login.mac_auth else login.username
        exchange = self._client.ask_access(
            router.line, place, _credentials(login), user_name=username
        )
        if exchange.reply is None:
            return _result("timeout", exchange, "RADIUS server is not responding")
        if exchange.reply.code != Code.ACCESS_ACCEPT:
            return _result("reject", exchange, exchange.reply.text("Reply-Message"))
        session = self._session(guest, username, exchange.reply, session_id, port)
        most = session.limits.port_limit or router.shared_users
        if not self.sessions.start(session, most):
            # The router's own answer: RADIUS has accepted, but shared-users is exceeded.
            refused = f"no more sessions are allowed for user {username}"
            return _result("reject", exchange, refused)
        self.accounting.report(session, START)
        self._watch(session)
        accepted = _result("accept", exchange, exchange.reply.text("Reply-Message"))
        return replace(accepted, session_id=session.id)

    def _session(
        self, guest: Guest, username: str, reply: Message, session_id: str, port: int
    ) -> Session:
        now = self._clock.now()
        given = reply.attributes.get("Class", ())
        return Session(
            id=session_id,
            port=port,
            guest_id=guest.id,
            router_id=guest.router_id,
            mac=guest.mac,
            ip=reply.text("Framed-IP-Address") or guest.ip,
            username=reply.text("User-Name") or username,
            started_at=now,
            active_at=now,
            limits=Limits.of(reply),
            radius_class=tuple(value for value in given if isinstance(value, bytes)),
        )

    def use(self, guest: Guest, usage: Usage) -> Session:
        """Let data flow; the session as it then is. Problem (409) for one who is not in."""
        now = self._clock.now()

        def used(session: Session) -> Session:
            return replace(
                session,
                bytes_in=session.bytes_in + usage.bytes_in,
                bytes_out=session.bytes_out + usage.bytes_out,
                active_at=now if usage.bytes_in or usage.bytes_out else session.active_at,
            )

        session = self.sessions.change(self._online(guest).id, used)
        if session is None:
            raise Problem(HTTPStatus.CONFLICT, "the guest is not logged in")
        if session.used_up:
            return self.end(session.id, Cause.NAS_REQUEST) or session
        return session

    def logout(self, guest: Guest) -> Session:
        """The guest has pressed the button. Problem (409) for one who is not in."""
        session = self._online(guest)
        return self.end(session.id, Cause.USER_REQUEST) or session

    def _online(self, guest: Guest) -> Session:
        session = self.sessions.of_guest(guest.id)
        if session is None:
            raise Problem(HTTPStatus.CONFLICT, "the guest is not logged in")
        return session

    def end(self, session_id: str, cause: Cause) -> Session | None:
        """End a session with a Stop; None where it is not active."""
        ended = self.sessions.end(session_id, cause, self._clock.now())
        if ended is not None:
            self._unwatch(session_id)
            self.accounting.report(ended, STOP)
        return ended

    def change_limits(self, session_id: str, change: Message) -> None:
        """Put limits from a CoA-Request in place of those from the login."""
        session = self.sessions.change(
            session_id, lambda kept: replace(kept, limits=kept.limits.changed(change))
        )
        if session is None:
            return
        self._unwatch(session_id)
        if session.used_up:
            self.end(session_id, Cause.NAS_REQUEST)
        else:
            self._watch(session)

    def behave(self, router: Router, behaviour: RouterBehaviour) -> None:
        """A router changes; without power its sessions are gone, and nobody is told."""
        before = self._routers.behave(router.id, behaviour)
        after = self._routers.get(router.id)
        if before is None or after is None:
            return
        if before.powered and not after.powered:
            self._lose_sessions(router)
        if after.powered and not before.powered:
            self.accounting.router_started(after)

    def _lose_sessions(self, router: Router) -> None:
        for session in self.sessions.active():
            if session.router_id == router.id:
                self.sessions.end(session.id, Cause.LOST_POWER, self._clock.now())
                self._unwatch(session.id)
                self.accounting.forget(session.id)

    def clear(self) -> None:
        """End all sessions as a reboot does, and forget those that ended before."""
        for session in self.sessions.active():
            self.end(session.id, Cause.ADMIN_REBOOT)
        self.sessions.clear()

    # What has to happen to a session in time. Each timer looks again when it is due: limits may
    # have changed, and data may have flowed.

    def _watch(self, session: Session) -> None:
        self._watch_time(session.id, Cause.SESSION_TIMEOUT, lambda kept: kept.ends_at)
        self._watch_time(session.id, Cause.IDLE_TIMEOUT, lambda kept: kept.idle_at)
        self._watch_interim(session.id)

    def _watch_time(
        self, session_id: str, cause: Cause, due: Callable[[Session], datetime | None]
    ) -> None:
        session = self.sessions.get(session_id)
        at = None if session is None else due(session)
        if at is None:
            return
        left = (at - self._clock.now()).total_seconds()
        if left <= 0:
            self.end(session_id, cause)
        else:
            look_again = partial(self._watch_time, session_id, cause, due)
            self._set_timer(session_id, cause.value, left, look_again)

    def _watch_interim(self, session_id: str) -> None:
        session = self.sessions.get(session_id)
        if session is not None and session.limits.interim_interval is not None:
            update = partial(self._interim, session_id)
            self._set_timer(session_id, INTERIM, session.limits.interim_interval, update)

    def _interim(self, session_id: str) -> None:
        session = self.sessions.get(session_id)
        if session is not None:
            self.accounting.report(session, INTERIM)
            self._watch_interim(session_id)

    def _set_timer(
        self, session_id: str, name: str, seconds: float, action: Callable[[], None]
    ) -> None:
        with self._lock:
            if self.sessions.get(session_id) is None:
                return
            timers = self._timers.setdefault(session_id, {})
            if name in timers:
                timers[name].cancel()
            timers[name] = self._clock.after(seconds, action)

    def _unwatch(self, session_id: str) -> None:
        with self._lock:
            for timer in self._timers.pop(session_id, {}).values():
                timer.cancel()


def _credentials(login: Login) -> Pap | Chap:
    if login.answer is not None:
        return login.answer
    # mac-auth-mode=mac-as-username: the name is the address, the password the profile's.
    if login.method == "pap" or login.mac_auth:
        return Pap(password=login.password)
    return Chap.answer(
        login.password, chap_id=os.urandom(1)[0], challenge=os.urandom(CHALLENGE_OCTETS)
    )


def _result(result: str, exchange: Exchange, message: str | None) -> LoginResult:
    return LoginResult(
        result=result,
        reply_message=message,
        reply={} if exchange.reply is None else exchange.reply.attributes,
        ms=exchange.ms,
        tries=exchange.tries,
        ignored=exchange.ignored,
    )
