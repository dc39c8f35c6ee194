"""Payments that were forgotten: no question under way, no prompt, no news for a day.

Messages are durable, so this finds little. It is what is left to find when a broker lost its disk.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, func, select, union

from hotspot.bus.work import Work
from hotspot.contract.payments import ReconcilePaymentsJob
from payment_service.models import COMPLETED, PENDING, Hearsay, Payment, change
from payment_service.mpesa import breaker, results
from payment_service.mpesa.results import Failure
from payment_service.prompts import asking
from payment_service.prompts.prompting import PROMPT_WITHIN
from payment_service.settling import hearsay
from payment_service.settling.settlement import NotPaid, hold, settle

log = structlog.get_logger()

# A question that is so late is lost. One that waits behind others comes all the same, and whichever
# is second does nothing (`asking`).
LOST_AFTER = timedelta(minutes=1)
# A prompt is open for a minute or two. Where its reply got lost, the phone has answered by now, and
# its callback has come, or never will.
UNCLEAR_FOR = PROMPT_WITHIN + timedelta(minutes=2)
AT_ONCE = 200


def reconcile_payments(_job: ReconcilePaymentsJob, work: Work) -> None:
    """Ask about payments that nobody asks about; end those that nobody will answer for."""
    hearsay.confirm_known(work.session, work.now)
    _end_unprompted(work)
    _end_silent(work)
    _end_hearsay(work)
    _ask_again(work)
    breaker.forget_idle(work)


def _ask_again(work: Work) -> None:
    """Those whose next question should have come by now, the longest waiting first."""
    due = func.coalesce(
        Payment.next_ask_at,
        func.coalesce(Payment.prompted_at, Payment.requested_at) + asking.FIRST_ASKED_AFTER,
    )
    # Two lists, each with an index of its own: nearly all payments are over.
    waiting = union(
        select(Payment.id).where(
            Payment.status == PENDING, Payment.requested_at >= work.now - asking.GIVEN_UP_AFTER
        ),
        select(Hearsay.payment_id).where(Hearsay.answered_at.is_(None)),
    ).subquery()
    lost = (
        select(Payment.id, Payment.asks)
        .where(
            Payment.id.in_(select(waiting.c.id)),
            Payment.status != COMPLETED,
            Payment.checkout_request_id.is_not(None),
            due < work.now - LOST_AFTER,
        )
        .order_by(due)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    found = work.session.execute(lost).all()
    for payment in found:
        asking.ask_again(payment.id, payment.asks, work)
    if found:
        log.warning("payments that nobody asked about", count=len(found))


def _end_unprompted(work: Work) -> None:
    """Those whose prompt never left, and those of which nobody knows whether it did."""
    work.session.execute(
        change(Payment)
        .where(
            Payment.status == PENDING,
            Payment.prompt_state == "prompting",
            Payment.requested_at < work.now - UNCLEAR_FOR,
        )
        .values(prompt_state="unclear")  # a worker died with it, and its message was lost
    )
    never = (Payment.prompt_state == "waiting", Payment.requested_at < work.now - PROMPT_WITHIN)
    _end(results.TOO_LATE, *never, work=work)
    unclear = (
        Payment.prompt_state == "unclear",
        Payment.checkout_request_id.is_(None),
        Payment.requested_at < work.now - UNCLEAR_FOR,
    )
    for payment_id in _end(results.UNCLEAR, *unclear, work=work):
        asking.let_go(payment_id, work)


def _end_silent(work: Work) -> None:
    """Those that M-Pesa said nothing of for a day. A success that comes later still wins."""
    _end(results.SILENT, Payment.requested_at < work.now - asking.GIVEN_UP_AFTER, work=work)


def _end(failure: Failure, *which: ColumnElement[bool], work: Work) -> Sequence[UUID]:
    wanted = (
        select(Payment.id)
        .where(Payment.status == PENDING, *which)
        .order_by(Payment.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ended = work.session.scalars(wanted).all()
    for payment_id in ended:
        settle(payment_id, NotPaid(source="reconciliation", failure=failure), work)
    return ended


def _end_hearsay(work: Work) -> None:
    """What an unknown source said and M-Pesa never answered is for a person to look into."""
    given_up = hearsay.give_up(work.session, work.now - asking.GIVEN_UP_AFTER, work.now)
    for payment_id, receipt in given_up:
        said = f"said to be paid by {receipt}, by an unknown source; M-Pesa did not confirm it"
        hold(work.session, payment_id, said)
