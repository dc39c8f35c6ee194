"""The promise `service without time`, and alarms: said when they change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.contract.message import utc_text
from hotspot.contract.operations import AlarmCleared, AlarmRaised, PromiseChecked
from radius_service.ledger_tables import KICKS, Alarm, Promise
from radius_service.letters import Letter
from radius_service.models import SESSIONS

SERVICE = "radius"
WITHOUT_TIME: Final = "service_without_time"
CANNOT_DISCONNECT = "guest_cannot_be_disconnected"

# How long after the paid time a session may be open: kicking takes some time.
PATIENCE = timedelta(seconds=60)
# A guest who is there after so many orders needs a person.
TRIES_UNTIL_ALARM = 3


@dataclass(frozen=True, kw_only=True)
class Broken:
    """How many sessions are open without time; `since`: the oldest one's end."""

    count: int
    since: datetime | None


def service_without_time(database: Connection | Session, now: datetime) -> Broken:
    """Sessions still open more than a minute after their paid time ended."""
    over = (SESSIONS.c.status == "online", SESSIONS.c.ends_at < now - PATIENCE)
    row = database.execute(select(func.count(), func.min(SESSIONS.c.ends_at)).where(*over)).one()
    return Broken(count=row[0], since=row[1])


def check(db: Session, now: datetime, *, at_least_every: timedelta) -> list[Letter]:
    """What is to be said about the promise and the alarms now.

    The figure is said when it changes, and again when it was not said for `at_least_every`.
    """
    broken = service_without_time(db, now)
    letters = _figure(db, now, broken, at_least_every)
    letters += _said(db, now, WITHOUT_TIME, _words_of(broken))
    letters += _said(db, now, CANNOT_DISCONNECT, _who_stays(db))
    return letters


def _figure(db: Session, now: datetime, broken: Broken, at_least_every: timedelta) -> list[Letter]:
    last = db.get(Promise, WITHOUT_TIME)
    is_old = last is None or last.checked_at <= now - at_least_every
    if not is_old and last is not None and last.broken == broken.count:
        return []
    figure = {"broken": broken.count, "since": broken.since, "checked_at": now}
    row = insert(Promise).values(promise=WITHOUT_TIME, **figure)
    db.execute(row.on_conflict_do_update(index_elements=[Promise.promise], set_=figure))
    checked = PromiseChecked(
        promise=WITHOUT_TIME, broken=broken.count, checked_at=now, since=broken.since
    )
    return [Letter(message=checked)]


def _words_of(broken: Broken) -> dict[str, str]:
    if broken.since is None:
        return {}
    said = f"{broken.count} sessions are open past their paid time, since {utc_text(broken.since)}."
    return {SERVICE: said}


def _who_stays(db: Session) -> dict[str, str]:
    """The routers with guests who are there after several orders to send them off."""
    router = func.coalesce(SESSIONS.c.router_id, func.host(SESSIONS.c.nas)).label("router")
    name = func.min(func.coalesce(SESSIONS.c.nas_identifier, func.host(SESSIONS.c.nas)))
    stuck = (
        select(router, name.label("name"), func.count().label("guests"))
        .join(KICKS, KICKS.c.session_id == SESSIONS.c.session_id)
        .where(KICKS.c.ended_at.is_(None), KICKS.c.attempts > TRIES_UNTIL_ALARM)
        .group_by(router)
    )
    return {
        row.router: f"{row.name} still has {row.guests} guests online whom it was told"
        f" {TRIES_UNTIL_ALARM} times or more to send off."
        for row in db.execute(stuck).all()
    }


def _said(db: Session, now: datetime, alarm: str, wanted: Mapping[str, str]) -> list[Letter]:
    """Raise what is wanted and not raised, clear what is raised and not wanted."""
    raised = set(db.scalars(select(Alarm.subject).where(Alarm.alarm == alarm)).all())
    letters = []
    for subject in sorted(wanted.keys() - raised):
        db.add(Alarm(alarm=alarm, subject=subject, raised_at=now))
        said = wanted[subject]
        letters.append(
            AlarmRaised(service=SERVICE, alarm=alarm, subject=subject, said=said, raised_at=now)
        )
    over = sorted(raised - wanted.keys())
    if over:
        db.execute(delete(Alarm).where(Alarm.alarm == alarm, Alarm.subject.in_(over)))
    return [Letter(message=one) for one in letters] + [
        Letter(message=AlarmCleared(service=SERVICE, alarm=alarm, subject=subject, cleared_at=now))
        for subject in over
    ]
