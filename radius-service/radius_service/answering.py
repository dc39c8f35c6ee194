"""Logins that wait are answered together: one query, then each its own decision."""

import time
from collections.abc import Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from hotspot.clock import Clock
from radius_service.asked import Asked
from radius_service.counters import Counters
from radius_service.journal import Entry, Journal
from radius_service.logins import Accepted, decide, login_of
from radius_service.lookup import Line, look_up
from radius_service.packets import Code
from radius_service.waiting import Waiting

log = structlog.get_logger()

AT_ONCE = 256
MOST_WAITING = 4_096
# MikroTik's client gives up after 1.1 s and asks again: what waited for longer has nobody left to
# hear the answer, and would keep others from theirs. A lookup has as long again (`Line`).
TOO_OLD_SECONDS = 1.0


class LoginDesk:
    """Answers Access-Requests. `run` may be run by several threads: a slow query holds up one."""

    def __init__(self, engine: Engine, journal: Journal, counters: Counters, clock: Clock) -> None:
        self._engine = engine
        self._journal = journal
        self._counters = counters
        self._clock = clock
        self._waiting: Waiting[Asked] = Waiting(MOST_WAITING)

    def take_in(self, asked: Sequence[Asked]) -> None:
        """Queue these. What finds no room is let go: the router asks again."""
        _shed(self._waiting.put(asked), self._counters, "login_shed")

    def close(self) -> None:
        """Answer what waits, then let `run` return."""
        self._waiting.close()

    def run(self) -> None:
        """Answer until closed, over one connection that is kept: a login is one round trip."""
        with Line(self._engine) as line:
            self._run(line)

    def _run(self, line: Line) -> None:
        together = AT_ONCE
        while group := self._waiting.take(together):
            oldest = time.monotonic() - TOO_OLD_SECONDS
            _shed([one for one in group if one.since < oldest], self._counters, "login_too_old")
            fresh = [one for one in group if one.since >= oldest]
            # One that fails, or takes too long, must not cost the others theirs again and again:
            # after a failure they go one by one, then in ever larger groups.
            together = min(AT_ONCE, 2 * together) if self._answer(fresh, line) else 1

    def _answer(self, group: list[Asked], line: Line) -> bool:
        """Answer all of them; False where they could not be looked up."""
        if not group:
            return True
        at = self._clock()
        logins = [login_of(one.request, client=one.client, nas=one.address) for one in group]
        try:
            found = look_up(line.connection(), logins, at=at)
        except DBAPIError as error:
            line.drop()
            log.warning("logins not looked up", error=str(error.orig), logins=len(group))
            _shed(group, self._counters, "login_database_away")
            return False
        entries = [
            Entry(login=login, decision=decide(login, known), at=at)
            for login, known in zip(logins, found, strict=True)
        ]
        for asked, entry in zip(group, entries, strict=True):
            self._reply(asked, entry)
        self._journal.note(entries)
        return True

    def _reply(self, asked: Asked, entry: Entry) -> None:
        decision = entry.decision
        accepted = isinstance(decision, Accepted)
        code = Code.ACCESS_ACCEPT if accepted else Code.ACCESS_REJECT
        sent = asked.answer(code, decision.attributes)
        reason = "accepted" if isinstance(decision, Accepted) else f"rejected_{decision.reason}"
        self._counters.add(reason if sent else "reply_not_sent")


def _shed(asked: Sequence[Asked], counters: Counters, reason: str) -> None:
    for one in asked:
        one.drop()
    counters.add(reason, len(asked))
