"""Money that comes with a receipt: to the payment it belongs to, for what it buys, or held."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.contract.access import (
    CreateHotspotUserJob,
)
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.payments import (
    AskAboutPaymentJob,
    PaymentCompleted,
    ProcessPaymentJob,
    RecordMpesaMessageJob,
)
from hotspot.ids import new_id
from hotspot.testing.handling import NOON
from payment_service.callbacks.hearing import record_mpesa_message
from payment_service.models import Package, Payment
from payment_service.mpesa.api import Answered
from payment_service.prompts.prompting import reference_of
from payment_service.settling.credit import ArrivedMoney, Credited, credit
from payment_service.settling.settlement import Verdict

from .shop import (
    CHECKOUT,
    PHONE,
    RECEIPT,
    SAFARICOM,
    SUCCESS_MESSAGES,
    Shop,
    failure,
    names,
    success,
)
from .test_settlement import SERVED, TRUST, at_once, handled, work_in

FRIEND = "254722000111"
HASH = hashlib.sha256(PHONE.encode()).hexdigest()
MASK = "2547 ***** 678"


def confirmation(
    *,
    shillings: object = "20.00",
    msisdn: str = PHONE,
    account: str = "",
    receipt: str = RECEIPT,
    paid: str = "20260115120005",
) -> RecordMpesaMessageJob:
    body = {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransTime": paid,
        "TransAmount": shillings,
        "BusinessShortCode": "174379",
        "BillRefNumber": account,
        "MSISDN": msisdn,
    }
    return RecordMpesaMessageJob(
        kind="c2b_confirmation", body=json.dumps(body), source_address=SAFARICOM, received_at=NOON
    )


def credited(shop: Shop, arrived: ArrivedMoney) -> tuple[Credited, list[str]]:
    """Credit money twice, each in a transaction of its own; what the first time did."""
    done = []
    for _ in range(2):
        with Session(shop.engine) as session:
            work = work_in(session)
            outcome = credit(arrived, work)
            session.commit()
        done.append((outcome, [parcel.envelope.name for parcel in work.sent]))
    assert done[1][1] == [], "the second time sent something"
    return done[0]


def sold(sent: list[Message]) -> tuple[str | None, str]:
    """Who got which package."""
    (job,) = [one for one in sent if isinstance(one, CreateHotspotUserJob)]
    return job.phone, job.package.name


# What it buys


@pytest.mark.parametrize(
    ("account", "shillings", "msisdn", "gets"),
    [
        ("HOUR1", "20.00", PHONE, (PHONE, "1 hour", 0)),
        (" day-1 ", "80", PHONE, (PHONE, "1 day", 0)),
        ("HOUR1", "100.00", PHONE, (PHONE, "1 hour", 8000)),
        ("DAY1", "30.00", PHONE, (PHONE, "3 hours", 0)),
        ("0722 000 111", "20.00", MASK, (FRIEND, "1 hour", 0)),
        (FRIEND, "25.50", PHONE, (FRIEND, "1 hour", 550)),
        ("", "20.00", PHONE, (PHONE, "1 hour", 0)),
        ("", 20, PHONE, (PHONE, "1 hour", 0)),
        ("wifi please", "5.00", PHONE, (PHONE, "30 minutes", 0)),
        ("", "2600.00", PHONE, (PHONE, "Home 10 Mbps", 10000)),
    ],
)
def test_money_buys_what_was_meant_or_the_largest_package_that_fits(
    market: Shop, account: str, shillings: object, msisdn: str, gets: tuple[str, str, int]
) -> None:
    phone, package, left_over = gets
    sent = market.run(confirmation(account=account, shillings=shillings, msisdn=msisdn))
    assert sold(sent) == (phone, package)
    assert names(sent) == SUCCESS_MESSAGES
    receipt = market.receipt(RECEIPT)
    assert (receipt.left_over, receipt.held, receipt.source) == (
        left_over,
        None,
        "c2b_confirmation",
    )
    row = market.payment(receipt.payment_id)
    assert (row.status, row.source, row.confirmed_by) == ("completed", "c2b", "c2b_confirmation")
    assert row.price + left_over == row.paid_amount == receipt.amount
    is_in_sight = row.needs_attention is not None and f"receipt {RECEIPT}" in row.needs_attention
    assert is_in_sight is bool(left_over)
    completed = sent[0]
    assert isinstance(completed, PaymentCompleted)
    assert completed.amount == Money(amount=receipt.amount)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"shillings": "4.00"}, "KES 4.00 is less than any package costs"),
        ({"shillings": "4.00", "account": "HOUR1"}, "is less than any package costs"),
        ({"msisdn": MASK}, f"it is not known who paid KES 20.00 by {MASK}"),
        ({"msisdn": "0" * 64, "account": "HOUR1"}, "for account 'HOUR1'"),
        ({"msisdn": ""}, "it is not known who paid KES 20.00"),
    ],
)
def test_money_that_buys_nothing_is_held_with_its_reason(
    market: Shop, told: dict[str, str], reason: str
) -> None:
    assert market.run(confirmation(**told)) == []
    receipt = market.receipt(RECEIPT)
    assert receipt.payment_id is None
    assert reason in receipt.held
    assert market.count(Payment) == 0


def test_a_voucher_is_topped_up_for_the_phone_that_has_its_access(market: Shop) -> None:
    with market.engine.connect() as connection:
        hour = connection.scalar(select(Package.id).where(Package.code == "HOUR1"))
    payment_id = market.request(phone=FRIEND, package=_terms(market, hour))
    market.call_back(payment_id, success(receipt="UAF0000001"))
    market.run(ProcessPaymentJob(payment_id=payment_id))
    code = market.voucher(payment_id).code.replace("-", "").lower()
    sent = market.run(confirmation(account=code, shillings="20.00", msisdn=MASK))
    assert sold(sent) == (FRIEND, "1 hour")


def _terms(shop: Shop, package_id: UUID | None) -> Any:
    from payment_service.packages.offers import on_sale

    with Session(shop.engine) as session:
        return next(one for one in on_sale(session) if one.package_id == package_id)


def test_a_hash_is_the_number_of_a_guest_who_paid_before(market: Shop) -> None:
    market.run(confirmation(receipt="UAF0000001"))
    assert sold(market.run(confirmation(msisdn=HASH.upper()))) == (PHONE, "1 hour")


def test_a_payment_that_was_made_for_money_has_a_timeline_of_its_own(market: Shop) -> None:
    with Session(market.engine) as session:
        work = work_in(session)
        made = credit(
            ArrivedMoney(
                source="statement", receipt=RECEIPT, amount=Money.shillings(20), phone=PHONE
            ),
            work,
        )
        assert {parcel.envelope.correlation_id for parcel in work.sent} == {made.payment_id}


# Whose it is


@pytest.mark.parametrize("first", ["confirmation", "callback", "query"])
@pytest.mark.parametrize(
    "told",
    [{"account": "ours", "msisdn": MASK}, {"msisdn": MASK}, {"msisdn": HASH}, {}],
    ids=["reference", "masked", "hashed", "clear"],
)
def test_the_confirmation_of_a_paid_prompt_is_credited_once(
    market: Shop, first: str, told: dict[str, str]
) -> None:
    payment_id = market.prompted()
    market.mpesa.outcomes[CHECKOUT] = Answered(result_code="0")
    account = reference_of(payment_id) if told.get("account") else ""
    news: dict[str, Callable[[], list[Message]]] = {
        "confirmation": lambda: market.run(confirmation(**{**told, "account": account})),
        "callback": lambda: market.call_back(payment_id, success()),
        "query": lambda: market.run(AskAboutPaymentJob(payment_id=payment_id, asked=0)),
    }
    assert names(news.pop(first)()) == SUCCESS_MESSAGES
    for bring in news.values():
        assert bring() == []
    row = market.payment(payment_id)
    assert (row.receipt, row.needs_attention) == (RECEIPT, None)
    assert (market.receipt(RECEIPT).payment_id, market.receipt(RECEIPT).held) == (payment_id, None)
    assert market.count(Payment) == 1


@pytest.mark.parametrize("account", ["ours", ""])
def test_money_revives_a_payment_that_seemed_to_have_failed(market: Shop, account: str) -> None:
    payment_id = market.prompted()
    market.call_back(payment_id, failure(1037))
    reference = reference_of(payment_id).lower() if account else ""
    assert names(market.run(confirmation(account=reference, msisdn=MASK))) == SUCCESS_MESSAGES
    assert market.payment(payment_id).status == "completed"


def test_a_masked_number_that_two_waiting_guests_have_is_held_until_the_callback_tells(
    market: Shop,
) -> None:
    payment_id = market.prompted()
    market.request(phone="254799999678")
    assert market.run(confirmation(msisdn=MASK)) == []
    assert market.receipt(RECEIPT).held == f"2 guests wait for KES 20.00 by {MASK}"
    assert names(market.call_back(payment_id, success())) == SUCCESS_MESSAGES
    assert market.receipt(RECEIPT).held is None


def test_a_prompt_of_another_price_or_another_hour_is_not_what_was_paid(market: Shop) -> None:
    payment_id = market.request()
    market.run(confirmation(receipt="UAF0000001", shillings="30.00", msisdn=MASK))
    market.run(confirmation(receipt="UAF0000002", paid="20260115140000", msisdn=MASK))
    assert market.payment(payment_id).status == "pending"
    assert market.receipt("UAF0000001").held
    assert market.receipt("UAF0000002").held


def test_a_friend_who_is_named_gets_the_access_and_not_who_waits_for_a_prompt(
    market: Shop,
) -> None:
    mine = market.prompted()
    sent = market.run(confirmation(account="0722000111"))
    assert sold(sent) == (FRIEND, "1 hour")
    assert market.payment(mine).status == "pending"


def test_of_two_prompts_the_last_one_before_the_payment_was_paid(market: Shop) -> None:
    early = market.request(requested_at=NOON - timedelta(minutes=3))
    late = market.request()
    market.run(confirmation(paid="20260115120100"))
    assert market.payment(late).status == "completed"
    assert market.payment(early).status == "pending"


# Once, whatever happens at once


def test_confirmations_and_callbacks_at_once_serve_once(market: Shop) -> None:
    payment_id = market.prompted()
    job = confirmation(account=reference_of(payment_id), msisdn=MASK)
    calls = [handled(market, payment_id, success()), _confirmed(market, job)] * 6
    assert sorted(at_once(calls)) == sorted(SERVED)
    assert market.count(Payment) == 1
    assert market.payment(payment_id).needs_attention is None


def test_one_confirmation_ten_times_at_once_makes_one_payment(market: Shop) -> None:
    sent = at_once([_confirmed(market, confirmation())] * 10)
    assert sorted(sent) == sorted(SERVED)
    assert market.count(Payment) == 1


def _confirmed(shop: Shop, job: RecordMpesaMessageJob) -> Callable[[], list[str]]:
    def handle() -> list[str]:
        with Session(shop.engine) as session:
            work = work_in(session, job)
            record_mpesa_message(TRUST)(job, work)
            session.commit()
        return [parcel.envelope.name for parcel in work.sent]

    return handle


# Claims and statements


def test_money_that_was_held_is_credited_once_its_payer_is_known(market: Shop) -> None:
    market.run(confirmation(msisdn=MASK, account="DAY1", shillings="80.00"))
    page = new_id()
    claimed = ArrivedMoney(
        source="claim",
        receipt=RECEIPT,
        amount=Money.shillings(80),
        phone=PHONE,
        payment_id=page,
        mac="02:00:5E:10:00:99",
    )
    outcome, sent = credited(market, claimed)
    assert (outcome, sent) == (Credited(payment_id=page, verdict=Verdict.SETTLED), SERVED)
    row = market.payment(page)
    assert (row.source, row.mac, row.phone) == ("claim", claimed.mac, PHONE)
    assert row.package["name"] == "1 day", "as the payer had written"
    receipt = market.receipt(RECEIPT)
    assert (receipt.held, receipt.payment_id, receipt.payer) == (None, page, PHONE)


def test_the_word_of_m_pesa_counts_for_the_amount(market: Shop) -> None:
    market.run(confirmation(msisdn=MASK, shillings="4.00"))
    told = ArrivedMoney(
        source="statement", receipt=RECEIPT, amount=Money.shillings(20), phone=PHONE
    )
    outcome, _ = credited(market, told)
    assert outcome.verdict is Verdict.SETTLED
    assert market.receipt(RECEIPT).amount == 2000


def test_a_receipt_that_bought_something_buys_nothing_more(market: Shop) -> None:
    payment_id = market.prompted()
    market.call_back(payment_id, success())
    again = ArrivedMoney(source="claim", receipt=RECEIPT, amount=Money.shillings(20), phone=FRIEND)
    assert credited(market, again) == (
        Credited(payment_id=payment_id, verdict=Verdict.CHANGED_NOTHING),
        [],
    )


def test_money_of_the_wrong_amount_stays_held_at_its_payment(market: Shop) -> None:
    payment_id = market.prompted()
    market.call_back(payment_id, success(amount=1))
    again = ArrivedMoney(source="statement", receipt=RECEIPT, amount=Money.shillings(1))
    assert credited(market, again) == (
        Credited(payment_id=payment_id, verdict=Verdict.HELD),
        [],
    )
