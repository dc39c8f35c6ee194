"""Accounting that waits is booked together, and answered only once it is committed."""

from collections.abc import Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from hotspot.bus import ledger
from hotspot.bus.database import is_worth_another_run
from hotspot.clock import Clock
from radius_service.accounting import Report, report_of
from radius_service.asked import Asked
from radius_service.booking import book_all
from radius_service.counters import Counters
from radius_service.dispatch import Dispatch, parcels_of
from radius_service.packets import Code, Malformed
from radius_service.waiting import Waiting

log = structlog.get_logger()

AT_ONCE = 128
MOST_WAITING = 8_192

_Pair = tuple[Asked, Report]


class Bookkeeper:
    """Writes Accounting-Requests in a thread of its own."""

    def __init__(
        self, engine: Engine, dispatch: Dispatch, counters: Counters, clock: Clock
    ) -> None:
        self._engine = engine
        self._dispatch = dispatch
        self._counters = counters
        self._clock = clock
        self._waiting: Waiting[Asked] = Waiting(MOST_WAITING)

    def take_in(self, asked: Sequence[Asked]) -> None:
        """Queue these. What finds no room is let go: the router sends it again."""
        self._let_go(self._waiting.put(asked), "accounting_shed")

    def close(self) -> None:
        """Book what waits, then let `run` return."""
        self._waiting.close()

    def run(self) -> None:
        """Book until closed."""
        while group := self._waiting.take(AT_ONCE):
            pairs = [pair for asked in group if (pair := self._read(asked))]
            if pairs:
                self._book(pairs)

    def _read(self, asked: Asked) -> _Pair | None:
        """The report of a request. What is not kept is acknowledged: there is nothing to lose."""
        try:
            report = report_of(asked.request, source=asked.address, received_at=asked.received_at)
        except Malformed as error:
            self._let_go([asked], f"accounting_{error}")
            return None
        if report is None:
            self._acknowledge(asked, "accounting_not_kept")
            return None
        return asked, report

    def _book(self, pairs: Sequence[_Pair]) -> None:
        for tries_left in (1, 0):
            try:
                self._commit([report for _, report in pairs])
            except DBAPIError as error:
                if tries_left and is_worth_another_run(error):
                    continue
                self._not_booked(pairs, error)
                return
            for asked, report in pairs:
                self._acknowledge(asked, f"accounting_{report.status}")
            return

    def _not_booked(self, pairs: Sequence[_Pair], error: DBAPIError) -> None:
        """One report that the database refuses must not cost the others theirs."""
        away = isinstance(error, OperationalError | InterfaceError)
        if not away and len(pairs) > 1:
            for pair in pairs:
                self._book([pair])
            return
        log.warning("accounting not booked", error=str(error.orig), reports=len(pairs))
        reason = "accounting_database_away" if away else "accounting_refused"
        self._let_go([asked for asked, _ in pairs], reason)

    def _commit(self, reports: Sequence[Report]) -> None:
        """Rows and what is told about them, in one transaction."""
        now = self._clock()
        with Session(self._engine) as db:
            parcels = parcels_of(book_all(db, reports, now), now)
            ledger.put_in_outbox(db, parcels)
            db.commit()
        self._dispatch.hand_over(parcels)

    def _acknowledge(self, asked: Asked, reason: str) -> None:
        sent = asked.answer(Code.ACCOUNTING_RESPONSE, ())
        self._counters.add(reason if sent else "reply_not_sent")

    def _let_go(self, asked: Sequence[Asked], reason: str) -> None:
        for one in asked:
            one.drop()
        self._counters.add(reason, len(asked))
