"""The phone is prompted at most once, whatever goes wrong when."""

from datetime import timedelta
from uuid import UUID

import pytest

from hotspot.bus.outcome import Reject, Retry
from hotspot.contract.payments import AskAboutPaymentJob, PaymentFailed, PromptPhoneJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for, run_envelope
from payment_service.mpesa import results
from payment_service.mpesa.api import DoNotRepeat, OutcomeUnknown, TryLater
from payment_service.prompts.prompting import description_of, reference_of

from .shop import CHECKOUT, PHONE, Shop, failure, names, success


def asked_later(payment_id: UUID) -> AskAboutPaymentJob:
    return AskAboutPaymentJob(payment_id=payment_id, asked=0)


def test_the_phone_is_prompted_and_mpesas_ids_are_kept(shop: Shop) -> None:
    payment_id = shop.request()
    assert shop.run(PromptPhoneJob(payment_id=payment_id)) == [
        AskAboutPaymentJob(payment_id=payment_id, asked=0)
    ]
    (request,) = shop.mpesa.asked
    assert (request.phone, request.shillings) == (PHONE, 20)
    assert request.callback_url.startswith("http://127.0.0.1:8001/callbacks/stk/")
    row = shop.payment(payment_id)
    assert (row.prompt_state, row.checkout_request_id) == ("prompted", CHECKOUT)
    assert row.merchant_request_id == "29115-34620561-1"
    assert len(shop.heard(payment_id, "stk_reply")) == 1


def test_a_prompt_for_nothing_is_refused(shop: Shop) -> None:
    with pytest.raises(Reject):
        shop.run(PromptPhoneJob(payment_id=new_id()))


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (results.BUSY, "phone_busy"),
        (results.MISCONFIGURED, "mpesa_misconfigured"),
        (results.BAD_PHONE, "bad_phone"),
    ],
)
def test_a_refused_prompt_ends_the_payment_with_its_code(
    shop: Shop, refusal: results.Failure, code: str
) -> None:
    payment_id = shop.request()
    shop.mpesa.answers.append(DoNotRepeat(refusal, "no"))
    (failed,) = shop.run(PromptPhoneJob(payment_id=payment_id))
    assert isinstance(failed, PaymentFailed)
    row = shop.payment(payment_id)
    assert (row.status, row.prompt_state, row.failure_code) == ("failed", "refused", code)


def test_an_mpesa_that_was_never_reached_is_tried_again(shop: Shop) -> None:
    payment_id = shop.request()
    shop.mpesa.answers.append(TryLater("connection refused"))
    job = PromptPhoneJob(payment_id=payment_id)
    with pytest.raises(Retry):
        shop.run(job, attempt=1)
    assert shop.payment(payment_id).status == "pending"
    shop.run(job, attempt=2)
    assert len(shop.mpesa.asked) == 2
    assert shop.payment(payment_id).prompt_state == "prompted"


def test_after_the_last_try_the_payment_fails_instead_of_hanging(shop: Shop) -> None:
    payment_id = shop.request()
    shop.mpesa.answers.append(TryLater("connection refused"))
    sent = shop.run(PromptPhoneJob(payment_id=payment_id), attempt=3)
    assert names(sent) == ["PaymentFailed"]
    assert shop.payment(payment_id).failure_code == "mpesa_unreachable"


def test_a_reply_that_got_lost_leads_to_no_second_prompt(shop: Shop) -> None:
    payment_id = shop.request()
    shop.mpesa.answers.append(OutcomeUnknown("read timed out"))
    assert shop.run(PromptPhoneJob(payment_id=payment_id)) == []
    row = shop.payment(payment_id)
    assert (row.status, row.prompt_state) == ("pending", "unclear")
    (said,) = shop.heard(payment_id, "stk_reply")
    assert "not known" in said.problem
    assert shop.run(PromptPhoneJob(payment_id=payment_id)) == []
    assert len(shop.mpesa.asked) == 1


def test_a_payment_whose_prompt_is_unclear_completes_when_its_callback_comes(shop: Shop) -> None:
    payment_id = shop.request()
    shop.mpesa.answers.append(OutcomeUnknown("read timed out"))
    shop.run(PromptPhoneJob(payment_id=payment_id))
    assert "PaymentCompleted" in names(shop.call_back(payment_id, success()))


class PowerCut(BaseException):
    """The process is gone: no handler of ours sees this."""


def test_a_worker_that_dies_while_it_asks_leads_to_no_second_prompt(shop: Shop) -> None:
    payment_id = shop.request()
    envelope = envelope_for(PromptPhoneJob(payment_id=payment_id))
    shop.mpesa.answers.append(PowerCut())
    with pytest.raises(PowerCut):
        run_envelope(shop.handlers, envelope, shop.engine)
    assert shop.payment(payment_id).prompt_state == "prompting"
    run_envelope(shop.handlers, envelope, shop.engine, redelivered=True)
    assert len(shop.mpesa.asked) == 1
    assert shop.payment(payment_id).prompt_state == "unclear"


def test_a_payment_that_ended_meanwhile_is_not_prompted(shop: Shop) -> None:
    payment_id = shop.request()
    shop.call_back(payment_id, failure(1032))
    shop.run(PromptPhoneJob(payment_id=payment_id))
    assert shop.mpesa.asked == []


def test_a_guest_who_asked_long_ago_is_not_prompted_any_more(shop: Shop) -> None:
    payment_id = shop.request()
    sent = shop.run(PromptPhoneJob(payment_id=payment_id), now=NOON + timedelta(minutes=11))
    assert names(sent) == ["PaymentFailed"]
    assert shop.mpesa.asked == []
    row = shop.payment(payment_id)
    assert (row.status, row.failure_code) == ("expired", "not_prompted_in_time")


def test_the_callback_may_come_before_the_reply(shop: Shop) -> None:
    payment_id = shop.request()
    shop.mpesa.meanwhile = lambda: shop.call_back(payment_id, success())
    assert shop.run(PromptPhoneJob(payment_id=payment_id)) == [
        AskAboutPaymentJob(payment_id=payment_id, asked=0)
    ]
    row = shop.payment(payment_id)
    assert (row.status, row.prompt_state) == ("completed", "prompted")
    assert row.needs_attention is None


def test_a_reply_that_names_another_request_than_the_callback_did_is_shown(shop: Shop) -> None:
    payment_id = shop.request()
    another = failure(1032, checkout="ws_CO_another")
    shop.mpesa.meanwhile = lambda: shop.call_back(payment_id, another)
    shop.run(PromptPhoneJob(payment_id=payment_id))
    row = shop.payment(payment_id)
    assert "named another request" in row.needs_attention
    assert row.checkout_request_id == CHECKOUT


def test_what_the_payer_sees_fits_mpesas_fields() -> None:
    payment_id = new_id()
    assert reference_of(payment_id) == payment_id.hex[-12:].upper()
    assert description_of("Week 7 GB unlimited") == "Week 7 GB unl"
    assert description_of("夜") == "WiFi"


def test_the_time_of_the_prompt_is_kept(shop: Shop) -> None:
    payment_id = shop.request()
    later = NOON + timedelta(seconds=3)
    shop.run(PromptPhoneJob(payment_id=payment_id), now=later)
    assert shop.payment(payment_id).prompted_at == later
