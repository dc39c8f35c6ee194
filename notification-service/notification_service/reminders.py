"""Reminders before a subscription's paid time ends: three days, one day, and on the day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.clock import NAIROBI
from hotspot.contract.access import SubscriptionPaid
from notification_service.models import DueDate, Reminder

DAYS_BEFORE: Final = (0, 1, 3)
# Hours of the day in Kenya in which a reminder wakes nobody.
FIRST_HOUR: Final = 8
LAST_HOUR: Final = 20


def is_quiet(now: datetime) -> bool:
    """Whether it is too early or too late for reminders."""
    return not FIRST_HOUR <= now.astimezone(NAIROBI).hour < LAST_HOUR


def note(session: Session, paid: SubscriptionPaid) -> None:
    """Keep until when a subscription is paid. An older word than what is known changes nothing."""
    row = insert(DueDate).values(
        subscription_id=paid.subscription_id,
        phone=paid.phone,
        package_name=paid.package_name,
        paid_until=paid.paid_until,
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=[DueDate.subscription_id],
            set_={
                "phone": row.excluded.phone,
                "package_name": row.excluded.package_name,
                "paid_until": row.excluded.paid_until,
            },
            where=DueDate.paid_until <= row.excluded.paid_until,
        )
    )


def take_due(session: Session, *, now: datetime) -> Sequence[DueDate]:
    """Who is to be reminded now. Each is taken once for each of the days, whoever asks again."""
    horizon = now + timedelta(days=max(DAYS_BEFORE) + 1)
    ending = session.scalars(
        select(DueDate)
        .where(DueDate.paid_until > now, DueDate.paid_until < horizon)
        .order_by(DueDate.subscription_id)
    ).all()
    return [due for due in ending if _take(session, due, now)]


def _take(session: Session, due: DueDate, now: datetime) -> bool:
    due_on = due.paid_until.astimezone(NAIROBI).date()
    days_left = (due_on - now.astimezone(NAIROBI).date()).days
    # Two days left, and the job did not run on the third: late is better than never.
    stage = next((days for days in DAYS_BEFORE if days_left <= days), None)
    if stage is None:
        return False
    taken = (
        insert(Reminder)
        .values(subscription_id=due.subscription_id, due_on=due_on, days_before=stage, sent_at=now)
        .on_conflict_do_nothing()
        .returning(Reminder.days_before)
    )
    return session.scalar(taken) is not None
