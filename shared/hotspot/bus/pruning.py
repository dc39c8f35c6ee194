"""History is kept for a time: what, for how long, and how it is forgotten without long locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, any_, delete, func, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from hotspot.bus.tables import inbox, outbox, restarts
from hotspot.contract.operations import Pruned
from hotspot.contract.table import MESSAGES

# Rows in one transaction: what a small machine deletes in well under a second.
BATCH = 5_000


@dataclass(frozen=True, kw_only=True)
class Kept:
    """For how many days the rows of a table are kept, counted from what stands in `since`.

    `only`: rows for which this does not hold are kept for ever. The column needs an index, and the
    table must not be partitioned: drop old partitions instead.
    """

    since: InstrumentedAttribute[Any] | ColumnElement[Any]
    days: int
    only: ColumnElement[bool] | None = None

    @property
    def table(self) -> Any:
        """The table that the column belongs to."""
        return self.since.table


BUS_KEPT = (
    # Longer than any message can wait: a repeat that comes later would be handled anew.
    Kept(since=inbox.c.handled_at, days=30),
    Kept(since=restarts.c.last_begun_at, days=30),
    # What is in the outbox is owed to somebody, however old; but not what no longer exists.
    Kept(
        since=outbox.c.recorded_at,
        days=30,
        only=outbox.c.name.not_in([row.message.NAME for row in MESSAGES]),
    ),
)


def forget_batch(session: Session, kept: Sequence[Kept], begun_at: datetime) -> list[Pruned]:
    """Forget up to BATCH rows that are too old, in the order of the list; answers how many.

    Less than BATCH in sum: nothing is left. Rows that somebody else has in hand are passed over.
    """
    gone: list[Pruned] = []
    left = BATCH
    for one in kept:
        rows = _forget(session, one, begun_at, most=left)
        if rows:
            gone.append(Pruned(what=one.table.name, rows=rows))
        left -= rows
        if left == 0:
            break
    return gone


def added_up(*parts: Sequence[Pruned]) -> tuple[Pruned, ...]:
    """One entry a table, in the order in which they came."""
    sums: dict[str, int] = {}
    for part in parts:
        for one in part:
            sums[one.what] = sums.get(one.what, 0) + one.rows
    return tuple(Pruned(what=what, rows=rows) for what, rows in sums.items())


def _forget(session: Session, kept: Kept, begun_at: datetime, *, most: int) -> int:
    ctid: ColumnElement[Any] = literal_column("ctid")
    old = select(ctid).select_from(kept.table).limit(most).with_for_update(skip_locked=True)
    old = old.where(kept.since < begun_at - timedelta(days=kept.days))
    if kept.only is not None:
        old = old.where(kept.only)
    # An array is looked up once. With a mere IN, PostgreSQL may run the limited query anew for
    # each row, and then the limit holds for none of them.
    listed = func.array(old.scalar_subquery())
    done = session.execute(delete(kept.table).where(ctid == any_(listed)))
    assert isinstance(done, CursorResult)
    return int(done.rowcount)
