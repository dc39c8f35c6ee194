"""The kick ledger: who is to be sent off, what was tried, and what came of it.

A kick is open until its session is gone, however often that takes: it is ordered again and again,
with growing pauses. What ends it is the end of the session, whatever brought that about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from hotspot.contract.sessions import DisconnectSessionJob
from hotspot.ids import new_id
from radius_service.accounting import GONE, SILENT
from radius_service.ledger_tables import KICK_STEPS, KICKS

Reason = Literal["expired", "operator", "moved", "revoked", "suspended"]
Step = Literal["disconnect_request", "router_api", "verified"]

# The first repeat comes as soon as a Stop must have come; the last pause is for ever.
_PAUSES = (10, 20, 40, 80, 160, 300)
# Reasons that hold no more once the guest has time again.
OVER: Final[tuple[Reason, ...]] = ("expired", "revoked")
# Under way: no outcome is known yet.
WAITING = "waiting"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A session whose guest is to be sent off."""

    session_id: UUID
    reason: Reason


def pause_after(attempts: int) -> timedelta:
    """How long to wait for the end of a session until its guest is sent off once more."""
    return timedelta(seconds=_PAUSES[min(attempts, len(_PAUSES)) - 1])


def open_all(db: Session, wanted: Sequence[Wanted], now: datetime) -> list[DisconnectSessionJob]:
    """Begin a kick for each session that has none open; answers the orders for those."""
    if not wanted:
        return []
    rows = [
        {
            "kick_id": new_id(),
            "session_id": one.session_id,
            "reason": one.reason,
            "begun_at": now,
            "attempts": 1,
            "due_at": now + pause_after(1),
        }
        for one in wanted
    ]
    opened = (
        postgresql.insert(KICKS)
        .values(rows)
        .on_conflict_do_nothing(
            index_elements=[KICKS.c.session_id], index_where=KICKS.c.ended_at.is_(None)
        )
        .returning(KICKS.c.session_id)
    )
    new = set(db.scalars(opened))
    return [
        DisconnectSessionJob(session_id=one.session_id, reason=one.reason)
        for one in wanted
        if one.session_id in new
    ]


def take_due(db: Session, now: datetime, most: int) -> list[DisconnectSessionJob]:
    """Order again what is due and still open. What somebody else has in hand is passed over."""
    due = (
        select(KICKS.c.kick_id, KICKS.c.session_id, KICKS.c.reason, KICKS.c.attempts)
        .where(KICKS.c.ended_at.is_(None), KICKS.c.due_at <= now)
        .order_by(KICKS.c.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    taken = db.execute(due).all()
    for kick in taken:
        attempts = kick.attempts + 1
        ordered = {"attempts": attempts, "due_at": now + pause_after(attempts)}
        db.execute(update(KICKS).where(KICKS.c.kick_id == kick.kick_id).values(ordered))
    return [DisconnectSessionJob(session_id=kick.session_id, reason=kick.reason) for kick in taken]


def opened(db: Session, session_id: UUID) -> Row[Any] | None:
    """The open kick of a session."""
    wanted = select(KICKS).where(KICKS.c.session_id == session_id, KICKS.c.ended_at.is_(None))
    return db.execute(wanted).first()


def last(db: Session, session_id: UUID) -> Row[Any] | None:
    """The kick of a session that is open, or was at last."""
    wanted = select(KICKS).where(KICKS.c.session_id == session_id)
    return db.execute(wanted.order_by(KICKS.c.kick_id.desc()).limit(1)).first()


def wait(db: Session, kick_id: UUID, until: datetime) -> None:
    """Order it again only then, unless it has ended."""
    db.execute(update(KICKS).where(KICKS.c.kick_id == kick_id).values(due_at=until))


def note(
    db: Session,
    kick: Row[Any],
    step: Step,
    *,
    at: datetime,
    outcome: str = WAITING,
    detail: str = "",
) -> int:
    """Write down a step; answers its number. One whose outcome is open is written before it is
    taken, so that the ledger tells of it whatever happens."""
    row = {
        "kick_id": kick.kick_id,
        "attempt": kick.attempts,
        "step": step,
        "outcome": outcome,
        "detail": detail,
        "at": at,
    }
    made = insert(KICK_STEPS).values(row).returning(KICK_STEPS.c.step_id)
    return int(db.execute(made).scalar_one())


def settle(db: Session, step_id: int, *, outcome: str, detail: str = "") -> None:
    """What came of a step."""
    step = update(KICK_STEPS).where(KICK_STEPS.c.step_id == step_id)
    db.execute(step.values(outcome=outcome, detail=detail))


def answer_api(
    db: Session, kick: Row[Any], *, attempt: int, outcome: str, detail: str, at: datetime
) -> None:
    """What the router's API did at an attempt; an answer to no step that waits is one more step."""
    waiting = (
        update(KICK_STEPS)
        .where(
            KICK_STEPS.c.kick_id == kick.kick_id,
            KICK_STEPS.c.attempt == attempt,
            KICK_STEPS.c.step == "router_api",
            KICK_STEPS.c.outcome == WAITING,
        )
        .values(outcome=outcome, detail=detail)
        .returning(KICK_STEPS.c.step_id)
    )
    if db.execute(waiting).first() is None:
        note(db, kick, "router_api", at=at, outcome=outcome, detail=detail)


def api_is_of_use(db: Session, kick: Row[Any]) -> bool:
    """Whether the router's API did what it was asked when it was asked last, or was not asked."""
    asked = select(KICK_STEPS.c.outcome).where(
        KICK_STEPS.c.kick_id == kick.kick_id, KICK_STEPS.c.step == "router_api"
    )
    said = db.scalar(asked.order_by(KICK_STEPS.c.step_id.desc()).limit(1))
    return said in (None, "removed", "not_there")


def close(db: Session, session_ids: Sequence[UUID], *, at: datetime, cause: str | None) -> None:
    """Their sessions have ended: end their kicks. `cause` says how that is known."""
    if not session_ids:
        return
    outcome = {GONE: "gone", SILENT: "silent"}.get(cause or "", "stopped")
    ended = (
        update(KICKS)
        .where(KICKS.c.session_id.in_(session_ids), KICKS.c.ended_at.is_(None))
        .values(ended_at=at, outcome=outcome)
        .returning(KICKS)
    )
    for kick in db.execute(ended).all():
        note(db, kick, "verified", at=at, outcome=outcome, detail=cause or "")


def drop(
    db: Session, session_ids: Sequence[UUID], *, at: datetime, reasons: Sequence[Reason]
) -> None:
    """The guests may stay after all: end the kicks that had such a reason."""
    mine = (KICKS.c.session_id.in_(session_ids), KICKS.c.reason.in_(reasons))
    stopped = {"ended_at": at, "outcome": "may stay"}
    db.execute(update(KICKS).where(*mine, KICKS.c.ended_at.is_(None)).values(stopped))
