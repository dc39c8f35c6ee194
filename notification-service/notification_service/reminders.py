"""Reminders before a subscription's paid time ends: three days, one day, and on the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.clock import NAIROBI
from hotspot.contract.money import Money
from notification_service.models import DueDate, Reminder

DAYS_BEFORE: Final = (0, 1, 3)
# Hours of the day in Kenya in which a reminder wakes nobody.
FIRST_HOUR: Final = 8
LAST_HOUR: Final = 21
_AT_ONCE: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class Word:
    """What was said of a subscription, and when. What it does not say is None."""

    subscription_id: UUID
    phone: str
    paid_until: datetime
    state: str
    said_at: datetime
    package_name: str | None = None
    price: Money | None = None


def is_quiet(now: datetime) -> bool:
    """Whether it is too early or too late for reminders."""
    return not FIRST_HOUR <= now.astimezone(NAIROBI).hour < LAST_HOUR


def note(session: Session, word: Word) -> None:
    """Keep until when a subscription is paid. An older word than what is known changes nothing.

    Paid time can also go back: a payment was reversed, or a dearer package bought. So the time
    of the word decides, not the time that it names.
    """
    said: dict[str, object] = {
        "phone": word.phone,
        "paid_until": word.paid_until,
        "state": word.state,
        "heard_at": word.said_at,
    }
    if word.package_name is not None:
        said["package_name"] = word.package_name
    if word.price is not None:
        said |= {"price_amount": word.price.amount, "price_currency": word.price.currency}
    row = insert(DueDate).values(
        {"package_name": ""} | said | {"subscription_id": word.subscription_id}
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=[DueDate.subscription_id],
            set_=said,
            where=DueDate.heard_at <= row.excluded.heard_at,
        )
    )


def take_due(session: Session, *, now: datetime) -> Sequence[DueDate]:
    """Who is to be reminded now. Each is taken once for each of the days, whoever asks again.

    Also those whose time ended this morning, before anybody could be reminded of it.
    """
    today = now.astimezone(NAIROBI).date()
    ending = session.scalars(
        select(DueDate)
        .where(
            DueDate.paid_until >= _begin_of(today),
            DueDate.paid_until < _begin_of(today + timedelta(days=max(DAYS_BEFORE) + 1)),
            DueDate.state != "suspended",
        )
        .order_by(DueDate.subscription_id)
    ).all()
    taken: list[DueDate] = []
    for first in range(0, len(ending), _AT_ONCE):
        taken += _take(session, ending[first : first + _AT_ONCE], today, now)
    return taken


def stage_of(due_on: date, today: date) -> int | None:
    """Which reminder is due: how many days before the end it belongs to.

    Two days left, and the job did not run on the third: late is better than never. But whoever
    has missed several gets one.
    """
    days_left = (due_on - today).days
    return next((days for days in DAYS_BEFORE if 0 <= days_left <= days), None)


def _take(
    session: Session, ending: Sequence[DueDate], today: date, now: datetime
) -> Sequence[DueDate]:
    rows = [
        {
            "subscription_id": due.subscription_id,
            "due_on": due_on,
            "days_before": stage_of(due_on, today),
            "sent_at": now,
        }
        for due in ending
        for due_on in [due.paid_until.astimezone(NAIROBI).date()]
    ]
    if not rows:
        return []
    taken = insert(Reminder).values(rows).on_conflict_do_nothing()
    new = set(session.scalars(taken.returning(Reminder.subscription_id)))
    return [due for due in ending if due.subscription_id in new]


def _begin_of(day: date) -> datetime:
    return datetime.combine(day, time(), NAIROBI)
