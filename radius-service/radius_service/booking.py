"""Accounting into rows: radacct, the session records, and what is told, in one transaction."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from radius_service import names, sessions
from radius_service.accounting import REBOOTED, REPLACED, Report, Stay, after, is_another
from radius_service.models import RADACCT, SESSIONS
from radius_service.sessions import Told

_STAY_COLUMNS = {
    "started_at": "acctstarttime",
    "updated_at": "acctupdatetime",
    "stopped_at": "acctstoptime",
    "cause": "acctterminatecause",
    "seconds": "acctsessiontime",
    "bytes_in": "acctinputoctets",
    "bytes_out": "acctoutputoctets",
}


def book_all(db: Session, reports: Sequence[Report], now: datetime) -> list[Told]:
    """Write reports in the order in which they came; answers what is to be sent."""
    reports = [_of_its_owner(db, report) for report in reports]
    sessions.lock_users(db, [report.username or report.unique_id for report in reports])
    return [message for report in reports for message in book(db, report, now)]


def book(db: Session, report: Report, now: datetime) -> list[Told]:
    """Write one report; the same again changes nothing and tells nothing."""
    if report.status in ("on", "off"):
        return _rebooted(db, report)
    known = known_stay(db, report.unique_id)
    if known is not None and is_another(known, report):
        _set_aside(db, report.unique_id)
        known = None
    stay, changes = after(known, report)
    if stay == known:
        return []
    if known is None:
        db.execute(insert(RADACCT).values(_identity(report) | _columns(stay)))
    else:
        interval = int((stay.updated_at - known.updated_at).total_seconds())
        db.execute(
            update(RADACCT)
            .where(RADACCT.c.acctuniqueid == report.unique_id)
            .values(_columns(stay) | {"acctinterval": interval})
        )
    told: list[Told] = []
    if "started" in changes:
        told += replaced(db, report, stay)
        told += sessions.begin(db, report, stay, now)
    sessions.progress(db, report, stay)
    if "ended" in changes:
        told += sessions.end(db, [report.unique_id], at=report.at, cause=report.cause)
    return told


def close(db: Session, unique_ids: Sequence[str], *, at: datetime, cause: str) -> list[Told]:
    """Close sessions whose Stop did not come."""
    if not unique_ids:
        return []
    db.execute(
        update(RADACCT)
        .where(RADACCT.c.acctuniqueid.in_(unique_ids), RADACCT.c.acctstoptime.is_(None))
        .values(acctstoptime=at, acctterminatecause=cause)
    )
    return sessions.end(db, unique_ids, at=at, cause=cause)


def known_stay(db: Session, unique_id: str) -> Stay | None:
    """What radacct holds of a session."""
    columns = [RADACCT.c[column].label(name) for name, column in _STAY_COLUMNS.items()]
    found = db.execute(select(*columns).where(RADACCT.c.acctuniqueid == unique_id)).first()
    if found is None:
        return None
    return Stay(
        started_at=found.started_at,
        updated_at=found.updated_at or found.started_at,
        stopped_at=found.stopped_at,
        cause=found.cause,
        seconds=found.seconds or 0,
        bytes_in=found.bytes_in or 0,
        bytes_out=found.bytes_out or 0,
    )


def replaced(db: Session, report: Report, stay: Stay) -> list[Told]:
    """A device is in one place at a time: its earlier session ended, and the Stop was lost."""
    if report.username is None or report.mac is None:
        return []
    lost = select(RADACCT.c.acctuniqueid).where(
        RADACCT.c.username == report.username,
        RADACCT.c.callingstationid == report.mac,
        RADACCT.c.acctstoptime.is_(None),
        RADACCT.c.acctuniqueid != report.unique_id,
        RADACCT.c.acctstarttime <= stay.started_at,
    )
    return close(db, db.scalars(lost).all(), at=report.at, cause=REPLACED)


def _of_its_owner(db: Session, report: Report) -> Report:
    """A device that was let in by its address alone is accounted to whose grant it used."""
    if (
        report.login_name is None
        or report.mac is None
        or names.mac(report.login_name) != report.mac
    ):
        return report
    owner = func.accounted_owner(report.login_name, report.mac, report.class_text, report.at)
    return replace(report, username=db.scalar(select(owner)))


def _set_aside(db: Session, unique_id: str) -> None:
    """An ended session gives up its id: the router has given it to another one."""
    aside = RADACCT.c.acctuniqueid.concat("@").concat(RADACCT.c.radacctid)
    db.execute(
        update(RADACCT).where(RADACCT.c.acctuniqueid == unique_id).values(acctuniqueid=aside)
    )
    db.execute(
        update(SESSIONS).where(SESSIONS.c.acctuniqueid == unique_id).values(acctuniqueid=None)
    )


def _rebooted(db: Session, report: Report) -> list[Told]:
    """Accounting-On or -Off: whoever was online at that router is so no more.

    Several routers may share an address behind NAT: where both sides name themselves, the names
    must agree. What began after the report was written is not touched: it may come late.
    """
    gone = (
        select(RADACCT.c.acctuniqueid)
        .join(SESSIONS, SESSIONS.c.acctuniqueid == RADACCT.c.acctuniqueid, isouter=True)
        .where(
            RADACCT.c.nasipaddress == report.nas_address,
            RADACCT.c.acctstoptime.is_(None),
            RADACCT.c.acctstarttime <= report.at,
        )
        .order_by(RADACCT.c.acctuniqueid)
    )
    if report.nas_identifier is not None:
        named = SESSIONS.c.nas_identifier
        gone = gone.where(or_(named.is_(None), named == report.nas_identifier))
    return close(db, db.scalars(gone).all(), at=report.at, cause=REBOOTED)


def _columns(stay: Stay) -> dict[str, object]:
    return {_STAY_COLUMNS[one.name]: getattr(stay, one.name) for one in fields(Stay)}


def _identity(report: Report) -> dict[str, object]:
    return {
        "acctuniqueid": report.unique_id,
        "acctsessionid": report.session_id,
        "username": report.login_name,
        "nasipaddress": report.nas_address,
        "nasportid": report.port_id,
        "nasporttype": report.port_type,
        "acctauthentic": report.authentic,
        "connectinfo_start": report.connect_info,
        "calledstationid": report.called,
        "callingstationid": report.mac,
        "servicetype": report.service_type,
        "framedprotocol": report.framed_protocol,
        "framedipaddress": report.ip,
        "class": report.class_text,
    }
