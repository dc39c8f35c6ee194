"""Old accounting: what has ended moves out of radacct into its month, and old months out of sight.

radacct itself stays small, whatever has been: what is open, and what ended in the last days, for
reports that come late. See docs/adr/0018.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from hotspot.bus.work import Work
from hotspot.contract.operations import Pruned, PruneHistoryJob, RotateLogs
from hotspot.contract.sessions import ArchiveAccountingJob
from radius_service.accounting import SILENT
from radius_service.models import RADACCT, RADACCT_HISTORY, SESSIONS

log = structlog.get_logger()

# Longer than any report is late.
MOVED_AFTER = timedelta(days=7)
# A session of somebody who is no guest of ours has nobody else to close it.
FORGOTTEN_AFTER = timedelta(days=1)
# A year and the month that has begun.
MONTHS_KEPT = 13
MONTHS_AHEAD = 2
AT_ONCE = 5_000

_NAME = re.compile(r"radacct_(\d{4})_(\d{2})")
# Only one process at a time makes and removes months.
_LOCK = 0x6D6F_6E74_6873


def rotate_logs(_job: RotateLogs, work: Work) -> None:
    """Make the next months, archive the old ones, and have the rest moved and pruned in batches."""
    db = work.session
    this_month = _month_of(work.now)
    made = make_months(db, [_later(this_month, by) for by in range(MONTHS_AHEAD + 1)])
    archived = archive_months(db, before=_later(this_month, -MONTHS_KEPT))
    closed = _close_forgotten(db, work.now)
    log.info("months of accounting", made=made, archived=archived, closed=closed)
    work.send(ArchiveAccountingJob(begun_at=work.now))


def archive_accounting(job: ArchiveAccountingJob, work: Work) -> None:
    """Move one batch of what ended long ago; ask for the next one, or for the pruning."""
    moved = job.moved + (batch := move_ended(work.session, job.begun_at, most=AT_ONCE))
    if batch == AT_ONCE:
        work.send(ArchiveAccountingJob(begun_at=job.begun_at, moved=moved))
        return
    log.info("accounting moved", rows=moved)
    gone = (Pruned(what="radacct", rows=moved),) if moved else ()
    work.send(PruneHistoryJob(service=work.service, begun_at=job.begun_at, gone=gone))


def move_ended(db: Session, now: datetime, *, most: int) -> int:
    """Move up to `most` rows out of radacct; answers how many. Nothing is charged by it."""
    old = select(RADACCT.c.radacctid, RADACCT.c.acctuniqueid, RADACCT.c.acctstoptime)
    old = old.where(RADACCT.c.acctstoptime < now - MOVED_AFTER).order_by(RADACCT.c.acctstoptime)
    rows = db.execute(old.limit(most).with_for_update(skip_locked=True)).all()
    if not rows:
        return 0
    kept_since = _later(_month_of(now), -MONTHS_KEPT)
    months = {_month_of(row.acctstoptime) for row in rows}
    # Clocks of routers may be wrong by decades: what is older has no month of its own.
    make_months(db, [month for month in months if month >= kept_since])
    mine = delete(RADACCT).where(RADACCT.c.radacctid.in_([row.radacctid for row in rows]))
    moved = mine.returning(RADACCT).cte("moved")
    names = [column.name for column in RADACCT.c]
    db.execute(insert(RADACCT_HISTORY).from_select(names, select(moved)))
    # Routers give out ids again: another session by this one must not be taken for this session.
    ids = [row.acctuniqueid for row in rows]
    db.execute(update(SESSIONS).where(SESSIONS.c.acctuniqueid.in_(ids)).values(acctuniqueid=None))
    return len(rows)


def make_months(db: Session, months: Iterable[datetime]) -> list[str]:
    """Make the tables of these months (their first moments) that are missing; their names."""
    db.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    there = set(_months_there(db))
    missing = sorted(month for month in months if _name(month) not in there)
    for month in missing:
        db.execute(
            text(
                f"CREATE TABLE months.{_name(month)} PARTITION OF radacct_history"
                f" FOR VALUES FROM ('{month.isoformat()}') TO ('{_later(month, 1).isoformat()}')"
            )
        )
    return [_name(month) for month in missing]


def archive_months(db: Session, *, before: datetime) -> list[str]:
    """Take the months before one out of radacct_history, into the schema `archive`."""
    db.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    old = [name for name in _months_there(db) if name < _name(before)]
    for name in old:
        db.execute(text(f"ALTER TABLE radacct_history DETACH PARTITION months.{name}"))
        db.execute(text(f"ALTER TABLE months.{name} SET SCHEMA archive"))
    return old


def _months_there(db: Session) -> list[str]:
    query = text(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = 'radacct_history'::regclass ORDER BY relname"
    )
    return [name for name in db.scalars(query) if _NAME.fullmatch(name)]


def _close_forgotten(db: Session, now: datetime) -> int:
    """Close what nobody has reported on for long, and no session of ours stands for."""
    known = select(SESSIONS.c.acctuniqueid).where(SESSIONS.c.status == "online")
    since = func.coalesce(RADACCT.c.acctupdatetime, RADACCT.c.acctstarttime)
    forgotten = (
        RADACCT.c.acctstoptime.is_(None),
        since < now - FORGOTTEN_AFTER,
        RADACCT.c.acctuniqueid.not_in(known.where(SESSIONS.c.acctuniqueid.is_not(None))),
    )
    closed = update(RADACCT).where(*forgotten).values(acctstoptime=since, acctterminatecause=SILENT)
    return len(db.execute(closed.returning(RADACCT.c.radacctid)).all())


def _name(month: datetime) -> str:
    return f"radacct_{month:%Y_%m}"


def _month_of(moment: datetime) -> datetime:
    """The first moment of its month, in UTC."""
    utc = moment.astimezone(UTC)
    return datetime(utc.year, utc.month, 1, tzinfo=UTC)


def _later(month: datetime, by: int) -> datetime:
    count = month.year * 12 + month.month - 1 + by
    return datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
