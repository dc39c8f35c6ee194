"""A guest asks to buy: recorded once, prompted once."""

import pytest

from hotspot.contract.payments import PaymentFailed, PaymentRequested, RequestPaymentJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON
from payment_service.models import Payment
from payment_service.packages import terms

from .shop import PHONE, PRICE, Shop, names, package


def requested(**more: object) -> RequestPaymentJob:
    values = {"payment_id": new_id(), "package": package(), "phone": PHONE, "requested_at": NOON}
    return RequestPaymentJob(**{**values, **more})  # type: ignore[arg-type]


def test_a_request_is_recorded_and_the_phone_is_to_be_prompted(shop: Shop) -> None:
    job = requested(mac="01:23:45:67:89:AB", link_login_only="http://10.5.50.1/login")
    sent = shop.run(job, correlation_id=job.payment_id)
    assert names(sent) == ["PaymentRequested", "PromptPhoneJob"]
    assert isinstance(sent[0], PaymentRequested)
    assert sent[0].price == PRICE
    row = shop.payment(job.payment_id)
    assert (row.status, row.prompt_state, row.price) == ("pending", "waiting", 2000)
    assert terms.from_json(row.package) == job.package


def test_the_same_request_in_two_messages_is_one_payment(shop: Shop) -> None:
    job = requested(idempotency_key="5d0c")
    assert names(shop.run(job)) == ["PaymentRequested", "PromptPhoneJob"]
    assert shop.run(job) == []
    assert shop.count(Payment) == 1


def test_a_race_of_two_contents_under_one_key_prompts_one_phone_and_fails_the_other(
    shop: Shop,
) -> None:
    first = requested(idempotency_key="5d0c")
    other = requested(idempotency_key="5d0c", phone="254712000001")
    assert "PromptPhoneJob" in names(shop.run(first))
    (failed,) = shop.run(other)
    assert isinstance(failed, PaymentFailed)
    assert failed.code == "already_requested"
    assert shop.payment(other.payment_id).status == "failed"
    assert shop.payment(first.payment_id).status == "pending"


@pytest.mark.parametrize("key", [None, "5d0c"])
def test_what_was_sold_is_kept_whatever_becomes_of_the_package(shop: Shop, key: str | None) -> None:
    job = requested(idempotency_key=key)
    shop.run(job)
    shop.run(requested(payment_id=job.payment_id, package=package(price=PRICE)))
    assert terms.from_json(shop.payment(job.payment_id).package) == job.package
