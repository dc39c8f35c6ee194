"""Rule 5: a success always wins, a failure never does, nothing happens twice."""

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from hotspot.addresses import networks_of
from hotspot.bus.work import Work
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.payments import RecordStkCallbackJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for
from payment_service.callbacks.hearing import record_stk_callback
from payment_service.callbacks.sources import Trust
from payment_service.models import Access, MpesaMessage, Receipt
from payment_service.mpesa.results import failure_of
from payment_service.settling.settlement import (
    NoSuchPayment,
    NotPaid,
    Paid,
    Source,
    Verdict,
    settle,
)

from .shop import PRICE, RECEIPT, SAFARICOM, Shop, names, success

News = Paid | NotPaid

SOURCES: list[Source] = ["stk_callback", "stk_query", "c2b_confirmation", "claim", "statement"]
TRUST = Trust(verify="unknown_source", sources=networks_of([SAFARICOM]))
BY_CALLBACK = Paid(source="stk_callback", receipt=RECEIPT, amount=PRICE)
BY_QUERY = Paid(source="stk_query")
TOO_LITTLE = Paid(source="stk_callback", receipt="UAF0000001", amount=Money.shillings(1))
ANOTHER_RECEIPT = Paid(source="stk_callback", receipt="UAF0000002", amount=PRICE)
SERVED = ["PaymentCompleted", "HotspotUserProvisionRequested", "ProcessPaymentJob"]


def not_paid(code: str, source: Source = "stk_callback") -> NotPaid:
    return NotPaid(source=source, failure=failure_of(code))


CANCELLED, FAILED, EXPIRED = not_paid("1032"), not_paid("1"), not_paid("1037")


@pytest.fixture
def tell(shop: Shop) -> Callable[[UUID, News], tuple[Verdict, list[str]]]:
    """Brings news of a payment, each in a transaction of its own; answers what came of it."""

    def bring(payment_id: UUID, news: News) -> tuple[Verdict, list[str]]:
        with Session(shop.engine) as session:
            work = work_in(session)
            verdict = settle(payment_id, news, work)
            session.commit()
        return verdict, [parcel.envelope.name for parcel in work.sent]

    return bring


def work_in(session: Session, message: Message | None = None) -> Work:
    """A message in hand."""
    body = message or RecordStkCallbackJob(
        payment_id=new_id(), body="", source_address="", received_at=NOON
    )
    return Work(session=session, now=NOON, envelope=envelope_for(body), service="payment")


Tell = Callable[[UUID, News], tuple[Verdict, list[str]]]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("before", [None, CANCELLED, FAILED, EXPIRED], ids=str)
@pytest.mark.parametrize("receipt", [RECEIPT, None])
def test_a_success_wins_over_whatever_was_thought_before(
    shop: Shop, tell: Tell, source: Source, before: News | None, receipt: str | None
) -> None:
    payment_id = shop.request()
    if before:
        assert tell(payment_id, before) == (Verdict.SETTLED, ["PaymentFailed"])
    amount = PRICE if receipt else None
    paid = Paid(source=source, receipt=receipt, amount=amount)
    assert tell(payment_id, paid) == (Verdict.SETTLED, SERVED)
    row = shop.payment(payment_id)
    assert (row.status, row.receipt, row.paid_amount) == ("completed", receipt, PRICE.amount)
    assert (row.failure_code, row.failure_reason, row.failed_at) == (None, None, None)
    assert row.confirmed_by == source


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("code", ["1032", "1", "1037", "1019", "nobody knows"])
@pytest.mark.parametrize("paid", [BY_CALLBACK, BY_QUERY], ids=["callback", "query"])
def test_a_failure_never_overwrites_a_success(
    shop: Shop, tell: Tell, source: Source, code: str, paid: Paid
) -> None:
    payment_id = shop.request()
    tell(payment_id, paid)
    before = shop.payment(payment_id)
    assert tell(payment_id, not_paid(code, source)) == (Verdict.CHANGED_NOTHING, [])
    assert shop.payment(payment_id) == before


@pytest.mark.parametrize("first", [CANCELLED, FAILED, EXPIRED], ids=str)
@pytest.mark.parametrize("second", [CANCELLED, FAILED, EXPIRED], ids=str)
def test_the_first_failure_stands(shop: Shop, tell: Tell, first: NotPaid, second: NotPaid) -> None:
    payment_id = shop.request()
    tell(payment_id, first)
    assert tell(payment_id, second) == (Verdict.CHANGED_NOTHING, [])
    assert shop.payment(payment_id).status == first.failure.status


@pytest.mark.parametrize("first", [BY_CALLBACK, BY_QUERY], ids=["callback", "query"])
@pytest.mark.parametrize("second", [BY_CALLBACK, BY_QUERY], ids=["callback", "query"])
def test_a_second_success_serves_nobody_again(
    shop: Shop, tell: Tell, first: Paid, second: Paid
) -> None:
    payment_id = shop.request()
    tell(payment_id, first)
    assert tell(payment_id, second) == (Verdict.CHANGED_NOTHING, [])
    assert shop.payment(payment_id).needs_attention is None
    assert shop.count(Access) == 1


def test_the_receipt_that_a_query_did_not_tell_is_filled_in_by_the_callback(
    shop: Shop, tell: Tell
) -> None:
    payment_id = shop.request()
    tell(payment_id, BY_QUERY)
    tell(payment_id, BY_CALLBACK)
    assert shop.payment(payment_id).receipt == RECEIPT
    assert shop.receipt(RECEIPT).payment_id == payment_id


@pytest.mark.parametrize("before", [None, CANCELLED, FAILED, EXPIRED], ids=str)
def test_another_amount_is_kept_in_front_of_a_person_and_not_served(
    shop: Shop, tell: Tell, before: News | None
) -> None:
    payment_id = shop.request()
    if before:
        tell(payment_id, before)
    assert tell(payment_id, TOO_LITTLE) == (Verdict.HELD, ["PaymentFailed"])
    row = shop.payment(payment_id)
    assert (row.status, row.failure_code, row.receipt) == ("failed", "held", None)
    assert row.needs_attention == "amount differs: KES 1.00 came, the price is KES 20.00"
    assert shop.receipt("UAF0000001").held == row.needs_attention
    assert shop.access(payment_id) is None


def test_money_that_is_held_is_not_served_because_of_a_repeat_or_a_query(
    shop: Shop, tell: Tell
) -> None:
    payment_id = shop.request()
    tell(payment_id, TOO_LITTLE)
    assert tell(payment_id, TOO_LITTLE) == (Verdict.CHANGED_NOTHING, [])
    assert tell(payment_id, BY_QUERY) == (Verdict.HELD, [])
    assert tell(payment_id, CANCELLED) == (Verdict.CHANGED_NOTHING, [])
    assert shop.payment(payment_id).failure_code == "held"


def test_the_right_money_after_the_wrong_is_served_and_the_wrong_stays_held(
    shop: Shop, tell: Tell
) -> None:
    payment_id = shop.request()
    tell(payment_id, TOO_LITTLE)
    assert tell(payment_id, BY_CALLBACK) == (Verdict.SETTLED, SERVED)
    row = shop.payment(payment_id)
    assert (row.status, row.receipt) == ("completed", RECEIPT)
    assert "amount differs" in row.needs_attention
    assert shop.receipt("UAF0000001").held


def test_money_that_comes_a_second_time_is_held_and_the_first_stays_served(
    shop: Shop, tell: Tell
) -> None:
    payment_id = shop.request()
    tell(payment_id, BY_CALLBACK)
    assert tell(payment_id, ANOTHER_RECEIPT) == (Verdict.HELD, [])
    row = shop.payment(payment_id)
    assert (row.status, row.receipt) == ("completed", RECEIPT)
    assert row.needs_attention == "paid once more, by receipt UAF0000002"
    assert shop.receipt("UAF0000002").held == row.needs_attention
    assert shop.receipt(RECEIPT).held is None


def test_one_receipt_never_pays_for_two(shop: Shop, tell: Tell) -> None:
    first, second = shop.request(), shop.request()
    tell(first, BY_CALLBACK)
    assert tell(second, BY_CALLBACK) == (Verdict.HELD, [])
    assert tell(second, BY_CALLBACK) == (Verdict.HELD, [])
    row = shop.payment(second)
    assert row.status == "pending"
    assert row.needs_attention == f"receipt {RECEIPT} belongs to another payment"
    assert shop.payment(first).needs_attention is None


@pytest.mark.parametrize("news", [BY_CALLBACK, BY_QUERY, CANCELLED], ids=str)
def test_news_of_no_payment_says_so(shop: Shop, tell: Tell, news: News) -> None:
    with pytest.raises(NoSuchPayment):
        tell(new_id(), news)
    assert shop.count(Receipt) == 0


def at_once(calls: list[Callable[[], list[str]]]) -> list[str]:
    """All calls together, each in a thread; answers all that was sent."""
    sent: list[str] = []
    ready = threading.Barrier(len(calls))

    def call(one: Callable[[], list[str]]) -> None:
        ready.wait()
        sent.extend(one())

    threads = [threading.Thread(target=call, args=(one,)) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sent


def handled(shop: Shop, payment_id: UUID, body: str) -> Callable[[], list[str]]:
    """A worker that handles one callback in a transaction of its own."""

    def handle() -> list[str]:
        job = RecordStkCallbackJob(
            payment_id=payment_id, body=body, source_address=SAFARICOM, received_at=NOON
        )
        with Session(shop.engine) as session:
            work = work_in(session, job)
            record_stk_callback(TRUST)(job, work)
            session.commit()
        return [parcel.envelope.name for parcel in work.sent]

    return handle


def test_the_same_callback_50_times_at_once_settles_once(shop: Shop) -> None:
    payment_id = shop.prompted()
    body = success()
    sent = at_once([handled(shop, payment_id, body)] * 50)
    assert sorted(sent) == sorted(SERVED)
    assert shop.count(Access) == 1
    assert shop.count(MpesaMessage.__table__) == 51  # and the reply to the prompt
    assert shop.payment(payment_id).needs_attention is None


def test_callbacks_with_unlike_receipts_at_once_serve_once_and_hold_the_rest(shop: Shop) -> None:
    payment_id = shop.prompted()
    bodies = [success(receipt=f"UAF000000{number}") for number in range(8)]
    sent = at_once([handled(shop, payment_id, body) for body in bodies])
    assert sorted(sent) == sorted(SERVED)
    held = [shop.receipt(f"UAF000000{number}").held for number in range(8)]
    assert sum(reason is None for reason in held) == 1


def test_one_receipt_for_several_payments_at_once_serves_one(shop: Shop) -> None:
    payments = [shop.prompted(checkout=f"ws_CO_{number}") for number in range(8)]
    sent = at_once(
        [
            handled(shop, payment_id, success(checkout=f"ws_CO_{number}"))
            for number, payment_id in enumerate(payments)
        ]
    )
    assert sorted(sent) == sorted(SERVED)
    assert sum(shop.payment(one).needs_attention is None for one in payments) == 1


def test_names_of_what_was_sent_are_those_of_the_contract(shop: Shop) -> None:
    payment_id = shop.prompted()
    assert names(shop.call_back(payment_id, success()))[0] == SERVED[0]
