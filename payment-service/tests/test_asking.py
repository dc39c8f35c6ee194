"""Payments that heard nothing are asked about, until M-Pesa says how they ended."""

from datetime import timedelta
from uuid import UUID

import pytest

from hotspot.bus.envelope import Parcel
from hotspot.contract.payments import AskAboutPaymentJob
from hotspot.contract.topology import delay_of, queue_of
from hotspot.testing.handling import NOON, envelope_for
from payment_service.asking import GIVEN_UP_AFTER, PACE
from payment_service.mpesa import Answered, NotYet

from .shop import CHECKOUT, SUCCESS_MESSAGES, Shop, failure, names, success


def ask(payment_id: UUID, asked: int = 0) -> AskAboutPaymentJob:
    return AskAboutPaymentJob(payment_id=payment_id, asked=asked)


def test_a_payment_whose_callback_never_came_is_served(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.mpesa.outcomes[CHECKOUT] = Answered(result_code="0")
    assert names(shop.run(ask(payment_id))) == SUCCESS_MESSAGES
    row = shop.payment(payment_id)
    assert (row.status, row.receipt, row.confirmed_by) == ("completed", None, "stk_query")


def test_the_late_callback_of_a_payment_that_was_asked_about_only_adds_its_receipt(
    shop: Shop,
) -> None:
    payment_id = shop.prompted()
    shop.mpesa.outcomes[CHECKOUT] = Answered(result_code="0")
    shop.run(ask(payment_id))
    assert shop.call_back(payment_id, success()) == []
    assert shop.payment(payment_id).receipt == "UAF7RT61SV"


@pytest.mark.parametrize(
    ("code", "status", "failure_code"),
    [("1032", "cancelled", "cancelled_by_user"), ("1", "failed", "insufficient_balance")],
)
def test_a_payment_that_failed_silently_is_ended(
    shop: Shop, code: str, status: str, failure_code: str
) -> None:
    payment_id = shop.prompted()
    shop.mpesa.outcomes[CHECKOUT] = Answered(result_code=code)
    assert names(shop.run(ask(payment_id))) == ["PaymentFailed"]
    row = shop.payment(payment_id)
    assert (row.status, row.failure_code) == (status, failure_code)


def test_a_success_after_a_failure_that_a_query_told_still_wins(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.mpesa.outcomes[CHECKOUT] = Answered(result_code="1037")
    shop.run(ask(payment_id))
    assert names(shop.call_back(payment_id, success())) == SUCCESS_MESSAGES


@pytest.mark.parametrize("asked", range(6))
def test_while_nobody_knows_it_is_asked_again_ever_more_slowly(shop: Shop, asked: int) -> None:
    payment_id = shop.prompted()
    shop.mpesa.outcomes[CHECKOUT] = NotYet(reason="still under processing")
    assert shop.run(ask(payment_id, asked)) == [ask(payment_id, asked + 1)]
    assert shop.payment(payment_id).status == "pending"
    assert PACE[0] >= timedelta(seconds=20)
    assert list(PACE) == sorted(PACE)


def test_a_payment_that_ended_meanwhile_is_not_asked_about(shop: Shop) -> None:
    paid, cancelled = shop.completed(), shop.prompted()
    shop.call_back(cancelled, failure(1032))
    for payment_id in (paid, cancelled):
        assert shop.run(ask(payment_id)) == []


def test_a_payment_whose_prompt_was_never_taken_cannot_be_asked_about(shop: Shop) -> None:
    assert shop.run(ask(shop.request())) == []


def test_asking_ends_after_a_day(shop: Shop) -> None:
    payment_id = shop.prompted()
    later = NOON + GIVEN_UP_AFTER + timedelta(seconds=1)
    assert shop.run(ask(payment_id, 99), now=later) == []


def test_a_question_waits_in_a_delay_queue_and_then_in_its_own() -> None:
    job = ask(UUID(int=1))
    envelope = envelope_for(job)

    def waiting(wait: timedelta) -> Parcel:
        return Parcel.waiting(envelope, delay=delay_of(wait), queue=queue_of(job).name)

    delayed = waiting(timedelta(seconds=25))
    assert (delayed.exchange, delayed.routing_key) == ("delay.30s", "payments.mpesa")
    assert waiting(timedelta(days=1)).exchange == "delay.600s"
