"""The round: everything that is due about sessions. Made each second, and every five minutes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from hotspot.bus.work import Work
from hotspot.contract.sessions import CheckExpiredSessionsJob, DisconnectSessionJob
from radius_service import booking, kicks, promise, sessions
from radius_service.access import INTERIM_SECONDS
from radius_service.accounting import SILENT
from radius_service.following import follow, take_news, users_of
from radius_service.kicks import Wanted
from radius_service.letters import Letter, letters_of, send_all
from radius_service.models import KICKS, SESSIONS

log = structlog.get_logger()

AT_ONCE = 500
# The router's own Session-Timeout comes first: who leaves by it needs no kick.
ROUTERS_TURN = timedelta(seconds=3)
# Three interim updates were missed, and a minute for those under way.
SILENT_AFTER = timedelta(seconds=3 * INTERIM_SECONDS + 60)

_OPEN_KICK = exists().where(KICKS.c.session_id == SESSIONS.c.session_id, KICKS.c.ended_at.is_(None))

# Held while a round is made: of several processes that begin one at the same time, one does.
_LOCK = 0x7365_7373_696F_6E73


@dataclass(frozen=True, kw_only=True)
class Round:
    """What is to be sent; `is_full`: there was more to do than one transaction should hold."""

    letters: Sequence[Letter]
    is_full: bool


def check_expired_sessions(_job: CheckExpiredSessionsJob, work: Work) -> None:
    """Make a round. A timer that is making one at this moment does all of it."""
    made = make_round(work.session, work.now, tell_every=timedelta(0))
    if made is None:
        log.info("a round is being made by the timer")
        return
    send_all(work, made.letters)
    if made.is_full:
        work.send(CheckExpiredSessionsJob())


def make_round(
    db: Session, now: datetime, *, tell_every: timedelta, most: int = AT_ONCE
) -> Round | None:
    """Follow what other servers wrote, close what fell silent, tell what is over and have it sent
    off, order again who did not leave, check the promise. None: somebody else does it now.

    Up to `most` of each, so that no transaction holds many locks.
    """
    if not db.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
        return None
    silent = (SESSIONS.c.status == "online", SESSIONS.c.seen_at < now - SILENT_AFTER)
    over = (SESSIONS.c.status == "online", SESSIONS.c.ends_at <= now - ROUTERS_TURN, ~_OPEN_KICK)
    news = take_news(db, most)
    told_of = users_of(db, news)
    quiet = _users(db, silent, SESSIONS.c.seen_at, most)
    due = _users(db, over, SESSIONS.c.ends_at, most)
    # All at once and in one order: accounting waits for users, too.
    sessions.lock_users(db, [*told_of, *quiet, *due])
    letters = letters_of(follow(db, news, now))
    letters += _close(db, quiet, silent, now)
    letters += _expire(db, [*told_of, *due], over, now)
    unused = _forget_unused(db, now, most)
    letters += promise.check(db, now, at_least_every=tell_every)
    again = _order_again(db, now, most)  # last: it holds rows that others wait for
    counts = (len(news.login_names), len(quiet), len(due), unused, len(again))
    return Round(letters=[*letters, *again], is_full=max(counts) >= most)


def _users(
    db: Session, which: Sequence[ColumnElement[bool]], oldest: ColumnElement[datetime], most: int
) -> list[str]:
    """Of the oldest first: that order has an index which holds no more than what is due."""
    wanted = select(SESSIONS.c.username).where(*which).order_by(oldest).limit(most)
    return list(db.scalars(wanted))


def _close(
    db: Session, users: Sequence[str], silent: Sequence[ColumnElement[bool]], now: datetime
) -> list[Letter]:
    """End sessions that missed three interim updates: their Stop was lost."""
    if not users:
        return []
    mine = select(SESSIONS.c.acctuniqueid).where(SESSIONS.c.username.in_(users), *silent)
    unique_ids = db.scalars(mine).all()
    return letters_of(booking.close(db, unique_ids, at=now, cause=SILENT))


def _expire(
    db: Session, users: Sequence[str], over: Sequence[ColumnElement[bool]], now: datetime
) -> list[Letter]:
    """Tell what is over, once, and begin a kick for each session that has none open.

    That holds for those that were told before, too: one that was closed as silent and goes on.
    """
    if not users:
        return []
    rows = db.execute(select(SESSIONS).where(SESSIONS.c.username.in_(users), *over)).all()
    told = sessions.expire(db, [row for row in rows if sessions.is_to_be_told(row)], now)
    wanted = [
        Wanted(
            session_id=row.session_id,
            reason="revoked" if row.expires_by == "revoked" else "expired",
        )
        for row in rows
    ]
    payments = {row.session_id: row.payment_id for row in rows}
    return [*letters_of(told), *_letters(kicks.open_all(db, wanted, now), payments)]


def _order_again(db: Session, now: datetime, most: int) -> list[Letter]:
    orders = kicks.take_due(db, now, most)
    if not orders:
        return []
    paid = select(SESSIONS.c.session_id, SESSIONS.c.payment_id).where(
        SESSIONS.c.session_id.in_([order.session_id for order in orders])
    )
    return _letters(orders, {row.session_id: row.payment_id for row in db.execute(paid)})


def _letters(orders: Sequence[DisconnectSessionJob], payments: Mapping[UUID, UUID]) -> list[Letter]:
    """Each order with the payment of its session."""
    return [Letter(message=order, payment_id=payments[order.session_id]) for order in orders]


def _forget_unused(db: Session, now: datetime, most: int) -> int:
    """Grants that were never used leave no session waiting."""
    unused = select(SESSIONS.c.session_id).where(
        SESSIONS.c.status == "awaiting", SESSIONS.c.ends_at <= now
    )
    listed = unused.order_by(SESSIONS.c.ends_at).limit(most).with_for_update(skip_locked=True)
    ended = (
        update(SESSIONS)
        .where(SESSIONS.c.session_id.in_(db.scalars(listed).all()))
        .values(status="ended", ended_at=SESSIONS.c.ends_at, cause="never used")
        .returning(SESSIONS.c.session_id)
    )
    return len(db.execute(ended).all())
