"""A callback is believed where its source is M-Pesa's for certain; else M-Pesa is asked first."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from hotspot.contract.payments import (
    AskAboutPaymentJob,
    AskAboutReceiptJob,
    PromptPhoneJob,
    ReconcilePaymentsJob,
    RecordMpesaMessageJob,
)
from hotspot.testing.handling import NOON
from payment_service.callbacks.sources import (
    Verify,
)
from payment_service.config import Config
from payment_service.models import Hearsay, Receipt
from payment_service.mpesa.api import Answered, NotYet, OutcomeUnknown
from payment_service.prompts.prompting import reference_of
from payment_service.settling.credit import ArrivedMoney, credit
from payment_service.worker import handlers

from .shop import (
    CHECKOUT,
    PRICE,
    RECEIPT,
    SAFARICOM,
    STRANGER,
    SUCCESS_MESSAGES,
    Shop,
    failure,
    names,
    success,
)
from .test_settlement import work_in


def ask(payment_id: UUID) -> list[AskAboutPaymentJob]:
    return [AskAboutPaymentJob(payment_id=payment_id, asked=0)]


def mpesa_says(shop: Shop, code: str) -> None:
    shop.mpesa.outcomes[CHECKOUT] = Answered(result_code=code)


# What follows from a callback of a stranger's


def test_a_forged_success_gives_nobody_access(shop: Shop) -> None:
    payment_id = shop.prompted()
    mpesa_says(shop, "1032")
    assert shop.call_back(payment_id, success(), source=STRANGER) == ask(payment_id)
    row = shop.payment(payment_id)
    assert (row.status, row.receipt, row.failure_code) == ("pending", None, None)
    assert shop.count(Receipt) == 0
    assert names(shop.run(ask(payment_id)[0])) == ["PaymentFailed"]
    row = shop.payment(payment_id)
    assert row.status == "cancelled"
    assert row.needs_attention == f"said to be paid by {RECEIPT}, which M-Pesa denies (code 1032)"
    assert shop.access(payment_id) is None
    assert shop.count(Receipt) == 0


def test_a_true_success_of_an_unknown_source_is_served_once_m_pesa_confirms_it(shop: Shop) -> None:
    payment_id = shop.prompted()
    mpesa_says(shop, "0")
    shop.call_back(payment_id, success(), source=STRANGER)
    assert names(shop.run(ask(payment_id)[0])) == SUCCESS_MESSAGES
    row = shop.payment(payment_id)
    assert (row.status, row.receipt, row.confirmed_by) == ("completed", RECEIPT, "stk_query")
    assert (row.paid_amount, row.needs_attention) == (2000, None)
    assert row.paid_at.isoformat() == "2026-01-15T09:00:05+00:00"
    assert shop.receipt(RECEIPT).payment_id == payment_id
    assert shop.call_back(payment_id, success()) == []


def test_a_success_whose_reply_was_not_there_yet_is_asked_about_as_soon_as_it_is(
    shop: Shop,
) -> None:
    payment_id = shop.request()
    mpesa_says(shop, "0")
    shop.mpesa.meanwhile = lambda: shop.call_back(payment_id, success(), source=STRANGER)
    sent = shop.run(PromptPhoneJob(payment_id=payment_id))
    assert sent == ask(payment_id)
    assert shop.payment(payment_id).next_ask_at == NOON, "without the pause of other prompts"
    shop.run(sent[0])
    assert shop.payment(payment_id).receipt == RECEIPT


def test_while_m_pesa_does_not_know_yet_the_payment_stays_pending(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.mpesa.outcomes[CHECKOUT] = NotYet(reason="still under processing")
    shop.call_back(payment_id, success(), source=STRANGER)
    shop.run(ask(payment_id)[0])
    assert shop.payment(payment_id).status == "pending"
    mpesa_says(shop, "0")
    later = AskAboutPaymentJob(payment_id=payment_id, asked=1)
    assert names(shop.run(later, now=NOON + timedelta(seconds=30))) == SUCCESS_MESSAGES


def test_a_late_success_of_an_unknown_source_revives_what_a_query_ended(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.call_back(payment_id, failure(1037))
    mpesa_says(shop, "0")
    assert shop.call_back(payment_id, success(), source=STRANGER) == ask(payment_id)
    assert names(shop.run(ask(payment_id)[0])) == SUCCESS_MESSAGES


def test_a_forged_failure_ends_nothing(shop: Shop) -> None:
    payment_id = shop.prompted()
    mpesa_says(shop, "0")
    assert shop.call_back(payment_id, failure(1032), source=STRANGER) == ask(payment_id)
    assert shop.payment(payment_id).status == "pending"
    assert names(shop.run(ask(payment_id)[0])) == SUCCESS_MESSAGES


def test_many_callbacks_of_strangers_are_one_question(shop: Shop) -> None:
    payment_id = shop.prompted()
    sent = []
    for number in range(5):
        body = success(receipt=f"UAF000000{number}")
        sent += shop.call_back(payment_id, body, source=STRANGER)
    assert sent == ask(payment_id)


def test_of_several_receipts_none_is_believed_and_the_guest_is_served(shop: Shop) -> None:
    payment_id = shop.prompted()
    mpesa_says(shop, "0")
    for receipt in ("UAF0000001", "UAF0000002"):
        shop.call_back(payment_id, success(receipt=receipt), source=STRANGER)
    assert names(shop.run(ask(payment_id)[0])) == SUCCESS_MESSAGES
    row = shop.payment(payment_id)
    assert row.receipt is None
    assert "not clear by which of UAF0000001, UAF0000002" in row.needs_attention
    shop.call_back(payment_id, success())
    assert shop.payment(payment_id).receipt == RECEIPT


def test_another_payments_receipt_is_not_taken_and_the_guest_is_served(shop: Shop) -> None:
    other = shop.prompted(checkout="ws_CO_other")
    shop.call_back(other, success(checkout="ws_CO_other"))
    payment_id = shop.prompted()
    mpesa_says(shop, "0")
    shop.call_back(payment_id, success(), source=STRANGER)
    assert names(shop.run(ask(payment_id)[0])) == SUCCESS_MESSAGES
    assert "paid for another payment" in shop.payment(payment_id).needs_attention
    assert shop.receipt(RECEIPT).payment_id == other


def test_another_amount_is_held_though_m_pesa_says_that_it_was_paid(shop: Shop) -> None:
    payment_id = shop.prompted()
    mpesa_says(shop, "0")
    shop.call_back(payment_id, success(amount=1), source=STRANGER)
    assert names(shop.run(ask(payment_id)[0])) == ["PaymentFailed"]
    assert "amount differs" in shop.payment(payment_id).needs_attention
    assert shop.count(Receipt) == 0, "in the books is only what is money for certain"


def paid_by_a_forged_receipt(shop: Shop, forged: str = "FORGED0001") -> UUID:
    """M-Pesa says that it is paid, and only a stranger said by which receipt."""
    payment_id = shop.prompted()
    mpesa_says(shop, "0")
    shop.call_back(payment_id, success(receipt=forged), source=STRANGER)
    assert names(shop.run(ask(payment_id)[0])) == SUCCESS_MESSAGES
    assert shop.payment(payment_id).receipt == forged
    return payment_id


@pytest.mark.parametrize("by", ["callback", "c2b"])
def test_a_forged_receipt_gives_way_to_the_true_one(shop: Shop, by: str) -> None:
    payment_id = paid_by_a_forged_receipt(shop)
    if by == "callback":
        assert shop.call_back(payment_id, success()) == []
    else:
        assert shop.run(confirmation("", source=SAFARICOM)) == []
    row = shop.payment(payment_id)
    assert (row.receipt, row.needs_attention) == (RECEIPT, None)
    assert (shop.receipt(RECEIPT).amount, shop.receipt(RECEIPT).held) == (2000, None)
    forged = shop.receipt("FORGED0001")
    assert (forged.payment_id, forged.amount, bool(forged.held)) == (None, 0, True)


def test_a_receipt_that_m_pesa_told_as_well_is_certain(shop: Shop) -> None:
    payment_id = paid_by_a_forged_receipt(shop, forged=RECEIPT)
    shop.call_back(payment_id, success())
    shop.call_back(payment_id, success(receipt="UAF0000002"))
    row = shop.payment(payment_id)
    assert (row.receipt, row.needs_attention) == (
        RECEIPT,
        "paid once more, by receipt UAF0000002",
    )


def test_a_guest_whose_receipt_was_taken_by_a_forgery_is_served(shop: Shop) -> None:
    robber = paid_by_a_forged_receipt(shop, forged=RECEIPT)
    robbed = shop.prompted(checkout="ws_CO_robbed")
    assert names(shop.call_back(robbed, success(checkout="ws_CO_robbed"))) == SUCCESS_MESSAGES
    assert shop.receipt(RECEIPT).payment_id == robbed
    assert shop.payment(robber).receipt is None
    assert shop.payment(robber).status == "completed", "it was paid, by a receipt nobody knows"


def test_a_stranger_never_names_the_request_of_a_payment(shop: Shop) -> None:
    """Else one paid prompt for a cheap package would pay for every dear one."""
    payment_id = shop.request()
    shop.mpesa.answers.append(OutcomeUnknown("read timed out"))
    shop.run(PromptPhoneJob(payment_id=payment_id))
    cheap = success(checkout="ws_CO_cheap")
    (job,) = shop.call_back(payment_id, cheap, source=STRANGER)
    assert isinstance(job, AskAboutReceiptJob), "about the receipt M-Pesa can be asked"
    row = shop.payment(payment_id)
    assert (row.status, row.checkout_request_id) == ("pending", None)
    arrived = ArrivedMoney(
        source="c2b_confirmation", receipt=job.receipt, amount=PRICE, phone=row.phone
    )
    with Session(shop.engine) as session:
        credit(arrived, work_in(session))
        session.commit()
    assert shop.payment(payment_id).receipt == RECEIPT, "its money finds the payment"


def test_what_came_before_its_reply_got_lost_is_asked_about_when_the_prompt_is_given_up(
    shop: Shop,
) -> None:
    payment_id = shop.request()
    shop.mpesa.answers.append(OutcomeUnknown("read timed out"))
    shop.mpesa.meanwhile = lambda: shop.call_back(payment_id, success(), source=STRANGER)
    assert shop.run(PromptPhoneJob(payment_id=payment_id)) == []
    later = NOON + timedelta(minutes=13)
    assert names(shop.run(ReconcilePaymentsJob(), now=later)) == [
        "PaymentFailed",
        "AskAboutReceiptJob",
    ]


def test_what_names_another_request_is_no_word_on_this_payment(shop: Shop) -> None:
    payment_id = shop.prompted()
    body = success(checkout="ws_CO_another")
    assert shop.call_back(payment_id, body, source=STRANGER) == []
    assert shop.count(Hearsay) == 0
    assert "another request" in shop.heard(payment_id)[0].problem


def test_the_receipt_that_a_query_did_not_tell_is_filled_in_by_any_callback(shop: Shop) -> None:
    payment_id = shop.prompted()
    mpesa_says(shop, "0")
    shop.run(ask(payment_id)[0])
    assert shop.call_back(payment_id, success(), source=STRANGER) == []
    assert shop.payment(payment_id).receipt == RECEIPT
    other = success(receipt="UAF0000009")
    assert shop.call_back(payment_id, other, source=STRANGER) == []
    assert shop.receipt("UAF0000009") is None
    assert shop.payment(payment_id).needs_attention is None


def test_what_m_pesa_never_confirmed_is_for_a_person(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.call_back(payment_id, success(), source=STRANGER)
    day_after = NOON + timedelta(hours=24, minutes=1)
    assert names(shop.run(ReconcilePaymentsJob(), now=day_after)) == ["PaymentFailed"]
    assert "M-Pesa did not confirm it" in shop.payment(payment_id).needs_attention
    assert shop.run(ReconcilePaymentsJob(), now=day_after) == []


@pytest.mark.parametrize(
    ("verify", "source"),
    [("always", SAFARICOM), ("never", STRANGER), ("unknown_source", STRANGER)],
)
def test_the_setting_decides_who_is_served_at_once(
    config: Config, shop: Shop, verify: Verify, source: str
) -> None:
    is_served = verify == "never"
    shop.handlers = handlers(replace(config, verify_callbacks=verify), shop.mpesa)
    payment_id = shop.prompted()
    sent = shop.call_back(payment_id, success(), source=source)
    assert sent == ask(payment_id) or is_served
    assert (shop.access(payment_id) is not None) is is_served


# C2B confirmations of a stranger's


def confirmation(reference: str, *, source: str = STRANGER) -> RecordMpesaMessageJob:
    body = {
        "TransID": RECEIPT,
        "TransTime": "20260115120005",
        "TransAmount": "20.00",
        "BillRefNumber": reference,
        "MSISDN": "2547 ***** 678",
    }
    return RecordMpesaMessageJob(
        kind="c2b_confirmation", body=json.dumps(body), source_address=source, received_at=NOON
    )


def test_a_c2b_confirmation_of_a_prompt_is_asked_about_like_its_callback(shop: Shop) -> None:
    payment_id = shop.prompted()
    mpesa_says(shop, "0")
    assert shop.run(confirmation(reference_of(payment_id))) == ask(payment_id)
    shop.call_back(payment_id, success(), source=STRANGER)
    assert names(shop.run(ask(payment_id)[0])) == SUCCESS_MESSAGES
    assert shop.payment(payment_id).receipt == RECEIPT
    assert shop.run(confirmation(reference_of(payment_id))) == []


def test_a_c2b_confirmation_of_no_prompt_buys_nothing_before_m_pesa_was_asked(shop: Shop) -> None:
    (job,) = shop.run(confirmation("0712345678"))
    assert isinstance(job, AskAboutReceiptJob)
    assert job.receipt == RECEIPT
    assert shop.run(confirmation("0712345678")) == [], "one question for each receipt"
    assert shop.count(Receipt) == 0


def test_c2b_fills_in_the_receipt_that_a_query_did_not_tell(shop: Shop) -> None:
    payment_id = shop.prompted()
    mpesa_says(shop, "0")
    shop.run(ask(payment_id)[0])
    assert shop.run(confirmation(reference_of(payment_id))) == []
    assert shop.payment(payment_id).receipt == RECEIPT
