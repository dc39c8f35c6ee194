"""Sessions of guests: our record of each stay online, and what is told about it.

Every function answers with the messages to be sent; the caller records them in the transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, cast, func, insert, literal, null, select, text, update
from sqlalchemy.orm import Session

from hotspot.contract.sessions import SessionEnded, SessionExpired, SessionStarted
from hotspot.ids import new_id
from radius_service import kicks
from radius_service.accounting import Report, Stay
from radius_service.models import SESSIONS, Grant, NasSetting

# What is told about a session; each names the payment that it belongs to.
Told = SessionStarted | SessionEnded | SessionExpired

# A router counts Session-Timeout from its own clock, in whole seconds.
_ABOUT_THE_END = timedelta(seconds=5)

# The grant that the login was accepted for; else the one that runs; else the last one there was.
_GRANT_IN_USE = text("""
    SELECT used.grant_id, used.user_id, used.username, used.phone, used.payment_id, used.router_id,
        coalesce(limits.until, used.ends_at) AS ends_at
    FROM login_limits(:username, :mac, :at) AS limits
    JOIN grants used ON used.grant_id = coalesce(
        (SELECT g.grant_id FROM grants g
            WHERE g.grant_id = CAST(:grant_id AS uuid) AND g.username = :username),
        limits.grant_id,
        (SELECT g.grant_id FROM grants g
            WHERE g.username = :username ORDER BY g.ends_at DESC LIMIT 1)
    )
""")


# In one order, so that two groups cannot wait for each other. The setting tells the triggers of
# radacct that this transaction keeps the session records too (`following` does it for others).
_LOCKS = text("""
    SELECT pg_advisory_xact_lock(hashtextextended(name, 0)), set_config('hotspot.books', 'on', true)
    FROM unnest(CAST(:names AS text[])) AS name
""")


def lock_users(db: Session, usernames: Sequence[str]) -> None:
    """Let nobody else change these users' sessions until the transaction ends."""
    wanted = sorted(set(usernames))
    if wanted:
        db.execute(_LOCKS, {"names": wanted})


def await_login(db: Session, grant: Grant, now: datetime) -> None:
    """The session record of a new grant, before its guest has logged in."""
    db.execute(insert(SESSIONS).values({**_new_session(grant, now), "status": "awaiting"}))


def settle_ends(db: Session, username: str, now: datetime, *, over_by: str) -> list[UUID]:
    """Work out anew when the paid time of who is online ends; answers the sessions that changed.

    Without any access left it ends now, `over_by` that.
    """
    limits = func.login_limits(username, null(), now)
    left = db.execute(select(text("until"), text("reason")).select_from(limits)).one()
    online = [SESSIONS.c.username == username, SESSIONS.c.status == "online"]
    if left.until is not None:
        until, by = left.until, "time"
    else:
        until, by = now, "data" if left.reason == "data" else over_by
        online.append(SESSIONS.c.ends_at > now)
    changed = (
        update(SESSIONS)
        .where(*online, SESSIONS.c.ends_at != until)
        .values(ends_at=until, expires_by=by)
        .returning(SESSIONS.c.session_id)
    )
    return list(db.scalars(changed))


def begin(db: Session, report: Report, stay: Stay, now: datetime) -> list[Told]:
    """Tie the first report of a session to the grant that it uses."""
    asked = {
        "username": report.username,
        "mac": report.mac,
        "at": report.at,
        "grant_id": report.grant_id,
    }
    grant = db.execute(_GRANT_IN_USE, asked).first()
    if grant is None:
        return []  # not one of our guests: radacct alone keeps it
    seen = {
        "status": "online",
        "acctuniqueid": report.unique_id,
        "acctsessionid": report.session_id,
        "login_name": report.login_name,
        "nas": report.nas_source,
        "nas_identifier": report.nas_identifier,
        "router_id": func.coalesce(_router_at(report.nas_source), grant.router_id),
        "mac": report.mac,
        "ip": report.ip,
        "started_at": stay.started_at,
        "seen_at": stay.updated_at,
        "ends_at": grant.ends_at,
        "ended_at": None,
        "cause": None,
        "bytes_in": stay.bytes_in,
        "bytes_out": stay.bytes_out,
    }
    row = _claim(db, report, grant, seen)
    if row is None:
        values = {**_new_session(grant, now), **seen}
        row = db.execute(insert(SESSIONS).values(values).returning(SESSIONS)).one()
    return [
        SessionStarted(
            session_id=row.session_id,
            user_id=row.user_id,
            username=row.username,
            grant_id=row.grant_id,
            payment_id=row.payment_id,
            nas=report.nas_identifier or report.nas_source,
            started_at=stay.started_at,
            mac=report.mac,
            ip=report.ip,
        )
    ]


def progress(db: Session, report: Report, stay: Stay) -> None:
    """Keep what a report counted. Where the data is used up, the paid time ends now."""
    reason = select(text("reason")).select_from(
        func.login_limits(SESSIONS.c.username, SESSIONS.c.mac, report.at)
    )
    seen = db.execute(
        update(SESSIONS)
        .where(SESSIONS.c.acctuniqueid == report.unique_id)
        .values(
            seen_at=stay.updated_at,
            ip=func.coalesce(literal(report.ip, SESSIONS.c.ip.type), SESSIONS.c.ip),
            bytes_in=stay.bytes_in,
            bytes_out=stay.bytes_out,
        )
        .returning(SESSIONS.c.username, reason.scalar_subquery().label("reason"))
    ).first()
    if seen is not None and seen.reason == "data":
        _data_is_used_up(db, seen.username, report.at)


def _data_is_used_up(db: Session, username: str, at: datetime) -> None:
    """All devices of a user share the data: none of them goes on without."""
    later = (SESSIONS.c.status == "online", SESSIONS.c.ends_at > at)
    db.execute(
        update(SESSIONS)
        .where(SESSIONS.c.username == username, *later)
        .values(ends_at=at, expires_by="data")
    )


def end(db: Session, unique_ids: Sequence[str], *, at: datetime, cause: str | None) -> list[Told]:
    """End sessions. One that ended with its paid time is told as expired too, once.

    Whoever was to be sent off is gone: that closes the ledger.
    """
    rows = db.execute(
        update(SESSIONS)
        .where(SESSIONS.c.acctuniqueid.in_(unique_ids), SESSIONS.c.status == "online")
        .values(status="ended", ended_at=at, cause=cause or "unknown")
        .returning(SESSIONS)
    ).all()
    kicks.close(db, [row.session_id for row in rows], at=at, cause=cause)
    over = [row for row in rows if row.ends_at <= at + _ABOUT_THE_END and is_to_be_told(row)]
    return [*(_ended(row) for row in rows), *expire(db, over, at)]


def is_to_be_told(row: Row[Any]) -> bool:
    """Whether SessionExpired is owed and would be true: what was taken back is not used up."""
    return row.expired_at is None and row.expires_by != "revoked"


def expire(db: Session, rows: Sequence[Row[Any]], at: datetime) -> list[Told]:
    """Tell that the paid time or data of these sessions is used up. Once per session."""
    if not rows:
        return []
    ids = [row.session_id for row in rows]
    db.execute(update(SESSIONS).where(SESSIONS.c.session_id.in_(ids)).values(expired_at=at))
    return [
        SessionExpired(
            session_id=row.session_id,
            user_id=row.user_id,
            username=row.username,
            grant_id=row.grant_id,
            payment_id=row.payment_id,
            expired_at=at,
            cause="data" if row.expires_by == "data" else "time",
        )
        for row in rows
    ]


def _router_at(address: str) -> Any:
    """The id of the router of router-service whose packets come from an address."""
    of_router = select(cast(NasSetting.router_id, SESSIONS.c.router_id.type))
    return of_router.where(NasSetting.nasname == address).scalar_subquery()


def _claim(
    db: Session, report: Report, grant: Row[Any], seen: dict[str, object]
) -> Row[Any] | None:
    """The record that this session has already, or the one that awaits a login on its grant."""
    awaiting = (
        select(SESSIONS.c.session_id)
        .where(
            (SESSIONS.c.acctuniqueid == report.unique_id)
            | ((SESSIONS.c.grant_id == grant.grant_id) & (SESSIONS.c.status == "awaiting"))
        )
        .order_by(SESSIONS.c.acctuniqueid.is_(None), SESSIONS.c.session_id)
        .limit(1)
    )
    return db.execute(
        update(SESSIONS)
        .where(SESSIONS.c.session_id == awaiting.scalar_subquery())
        .values(seen)
        .returning(SESSIONS)
    ).first()


def _new_session(grant: Grant | Row[Any], now: datetime) -> dict[str, object]:
    return {
        "session_id": new_id(),
        "grant_id": grant.grant_id,
        "user_id": grant.user_id,
        "username": grant.username,
        "phone": grant.phone,
        "payment_id": grant.payment_id,
        "router_id": grant.router_id,
        "created_at": now,
        "ends_at": grant.ends_at,
    }


def _ended(row: Row[Any]) -> SessionEnded:
    return SessionEnded(
        session_id=row.session_id,
        user_id=row.user_id,
        username=row.username,
        grant_id=row.grant_id,
        payment_id=row.payment_id,
        ended_at=row.ended_at,
        cause=row.cause,
        bytes_in=row.bytes_in,
        bytes_out=row.bytes_out,
    )
