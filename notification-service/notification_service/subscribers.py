"""Messages about subscribers: what is known of them, and what they are told."""

from datetime import timedelta
from typing import Final

import structlog

from hotspot.bus.work import Work
from hotspot.contract.access import (
    AccountSuspended,
    AccountUnsuspended,
    SubscriptionChanged,
    SubscriptionPaid,
)
from hotspot.contract.money import Money
from hotspot.contract.sms import SendPaymentRemindersJob, SendTextSMSJob
from notification_service import reminders
from notification_service.models import DueDate
from notification_service.reminders import Word
from notification_service.wording import Ending, Wording

log = structlog.get_logger()

# A reminder that meets the night on its way looks again this often whether it is day.
UNTIL_DAY: Final = timedelta(minutes=10)


def note_paid_until(event: SubscriptionPaid, work: Work) -> None:
    """Keep until when a subscription is paid, for the reminders."""
    word = Word(
        subscription_id=event.subscription_id,
        phone=event.phone,
        paid_until=event.paid_until,
        state="active",
        said_at=work.envelope.sent_at,
        package_name=event.package_name,
        price=event.price,
    )
    reminders.note(work.session, word)


def note_subscription(event: SubscriptionChanged, work: Work) -> None:
    """Keep its state too: nobody is reminded of what is suspended."""
    word = Word(
        subscription_id=event.subscription_id,
        phone=event.phone,
        paid_until=event.paid_until,
        state=event.state,
        said_at=event.changed_at,
    )
    reminders.note(work.session, word)


def tell_suspended(event: AccountSuspended, work: Work, *, wording: Wording) -> None:
    """Tell a subscriber that the account is suspended, and how to be online again."""
    price = _price_of(work.session.get(DueDate, event.subscription_id))
    text = wording.suspended(work.session, reason=event.reason, phone=event.phone, price=price)
    work.send(SendTextSMSJob(kind="account_suspended", phone=event.phone, text=text))


def tell_unsuspended(event: AccountUnsuspended, work: Work, *, wording: Wording) -> None:
    """Tell a subscriber that the account is active."""
    text = wording.unsuspended(work.session)
    work.send(SendTextSMSJob(kind="account_unsuspended", phone=event.phone, text=text))


def send_payment_reminders(_job: SendPaymentRemindersJob, work: Work, *, wording: Wording) -> None:
    """Remind those whose paid time ends soon, never at night."""
    if reminders.is_quiet(work.now):
        log.warning("no reminders at night: they go with the next run by day")
        return
    due = reminders.take_due(work.session, now=work.now)
    words = wording.reminders(work.session)
    for one in due:
        ending = Ending(
            phone=one.phone,
            package=one.package_name,
            price=_price_of(one),
            until=one.paid_until,
            is_over=one.paid_until <= work.now,
        )
        text = words.text(ending)
        work.send(SendTextSMSJob(kind="payment_reminder", phone=one.phone, text=text))
    log.info("payment reminders", sent=len(due))


def waits_for_day(job: SendTextSMSJob, work: Work) -> bool:
    """Whether a reminder was held up until it was night: it is asked for again by day."""
    if job.kind != "payment_reminder" or not reminders.is_quiet(work.now):
        return False
    work.send(job, after=UNTIL_DAY)
    return True


def _price_of(due: DueDate | None) -> Money | None:
    if due is None or due.price_amount is None or due.price_currency is None:
        return None
    return Money(amount=due.price_amount, currency=due.price_currency)
