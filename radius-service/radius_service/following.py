"""What another server wrote into radacct (FreeRADIUS): our sessions follow it.

Our own server books both in one transaction. Of what others write, a trigger keeps the ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from radius_service import booking, sessions
from radius_service.accounting import Report, Stay
from radius_service.ledger_tables import RadAcctNews
from radius_service.models import RADACCT, SESSIONS
from radius_service.sessions import Told


@dataclass(frozen=True, kw_only=True)
class News:
    """Rows of radacct that were written: their ids, with the name that was logged in with."""

    login_names: Mapping[str, str | None]

    @property
    def rows(self) -> Select[Any]:
        """The rows as they are now."""
        return select(RADACCT).where(RADACCT.c.acctuniqueid.in_(self.login_names))


def take_news(db: Session, most: int) -> News:
    """Take some; what is written from now on is news again."""
    news = select(RadAcctNews.acctuniqueid, RadAcctNews.login_name).limit(most)
    taken = db.execute(news.with_for_update(skip_locked=True)).all()
    if taken:
        ids = [row.acctuniqueid for row in taken]
        db.execute(delete(RadAcctNews).where(RadAcctNews.acctuniqueid.in_(ids)))
    return News(login_names={row.acctuniqueid: row.login_name for row in taken})


def users_of(db: Session, news: News) -> list[str]:
    """Whose sessions the news is about: they must be locked before it is followed."""
    if not news.login_names:
        return []
    return [user for user in db.scalars(news.rows.with_only_columns(RADACCT.c.username)) if user]


def follow(db: Session, news: News, now: datetime) -> list[Told]:
    """Bring sessions to what radacct says of them; answers what is to be told."""
    if not news.login_names:
        return []
    rows = db.execute(news.rows.order_by(RADACCT.c.acctstarttime)).all()
    return [
        message
        for row in rows
        for message in _follow(db, row, news.login_names[row.acctuniqueid], now)
    ]


def _follow(db: Session, row: Row[Any], login_name: str | None, now: datetime) -> list[Told]:
    stay = booking.known_stay(db, row.acctuniqueid)
    if stay is None or row.username is None:
        return []
    report = _report(row, stay, login_name)
    known = select(SESSIONS.c.status).where(SESSIONS.c.acctuniqueid == row.acctuniqueid)
    status = db.scalar(known)
    told: list[Told] = []
    if status is None or (status == "ended" and stay.stopped_at is None):
        told += booking.replaced(db, report, stay)
        told += sessions.begin(db, report, stay, now)
        status = "online"
    sessions.progress(db, report, stay)
    if status == "online" and stay.stopped_at is not None:
        told += sessions.end(db, [row.acctuniqueid], at=stay.stopped_at, cause=stay.cause)
    return told


def _report(row: Row[Any], stay: Stay, login_name: str | None) -> Report:
    """The last report of a row, as far as a session needs it."""
    return Report(
        status="interim",
        unique_id=row.acctuniqueid,
        session_id=row.acctsessionid,
        username=row.username,
        login_name=login_name or row.username,
        at=stay.stopped_at or stay.updated_at,
        nas_address=str(row.nasipaddress),
        nas_source=str(row.nasipaddress),
        nas_identifier=None,
        port_id=row.nasportid,
        port_type=row.nasporttype,
        session_seconds=stay.seconds,
        bytes_in=stay.bytes_in,
        bytes_out=stay.bytes_out,
        mac=row.callingstationid,
        called=row.calledstationid,
        ip=str(row.framedipaddress) if row.framedipaddress else None,
        cause=stay.cause,
        authentic=row.acctauthentic,
        service_type=row.servicetype,
        framed_protocol=row.framedprotocol,
        connect_info=row.connectinfo_start,
        class_text=_class_of(row),
    )


def _class_of(row: Row[Any]) -> str | None:
    """Class as text: FreeRADIUS writes its bytes as 0x..."""
    written: str | None = row._mapping["class"]
    if written is None or not written.startswith("0x"):
        return written
    try:
        return bytes.fromhex(written[2:]).decode()
    except ValueError:
        return written
