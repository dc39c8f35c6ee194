"""For how long this service keeps what it did."""

from typing import Final

from sqlalchemy import exists
from sqlalchemy.orm import aliased

from hotspot.bus.pruning import Kept
from notification_service.models import DeliveryReport, DueDate, Receipt, Reminder, Sms

_repeat = aliased(Sms)

KEPT: Final = (
    Kept(since=DeliveryReport.received_at, days=180),
    # A message that was sent again stays as long as the later one, which names it.
    Kept(since=Sms.created_at, days=180, only=~exists().where(_repeat.resend_of == Sms.id)),
    Kept(since=Receipt.completed_at, days=180),
    Kept(since=Reminder.sent_at, days=400),
    # Of subscriptions that ended more than a year ago.
    Kept(since=DueDate.paid_until, days=400),
)
