"""Every recorded sample of M-Pesa's is handled as its kind demands."""

import json
from typing import Any

import pytest

from hotspot.contract.money import Money
from hotspot.contract.payments import PromptPhoneJob
from payment_service.mpesa import api as mpesa
from payment_service.mpesa.api import (
    Accepted,
    Answered,
    DoNotRepeat,
    NotYet,
    Reply,
    TryLater,
)
from payment_service.mpesa.stk import StkCallback, read_stk_callback

from .shop import SAMPLES, SUCCESS_MESSAGES, Shop, accepted, id_of, names, samples

# Handled in test_daraja, over HTTP.
OVER_HTTP = {"oauth_response", "stk_request"}
HERE = {"stk_response", "stk_error", "api_error", "stk_callback", "stk_query_response"}

REFUSED = {
    "stk-bad-callback-url": "mpesa_misconfigured",
    "stk-bad-phone": "bad_phone",
    "stk-no-desc": "mpesa_misconfigured",
    "stk-bad-amount": "mpesa_misconfigured",
    "stk-wrong-credentials": "mpesa_misconfigured",
    "stk-merchant-unknown": "mpesa_misconfigured",
    "stk-subscriber-locked": "phone_busy",
}
ENDED = {
    "cb-fail-1": ("failed", "insufficient_balance"),
    "cb-fail-1032": ("cancelled", "cancelled_by_user"),
    "cb-fail-1032-b": ("cancelled", "cancelled_by_user"),
    "cb-fail-1036": ("expired", "no_answer"),
    "cb-fail-1037": ("expired", "no_answer"),
    "cb-fail-1037-b": ("expired", "no_answer"),
    "cb-fail-2001": ("failed", "wrong_pin"),
    "cb-fail-1019": ("expired", "expired"),
    "cb-fail-1025": ("failed", "prompt_not_sent"),
    "cb-fail-9999": ("failed", "prompt_not_sent"),
    "cb-fail-17": ("failed", "rule_limited"),
    "cb-fail-8": ("failed", "receiver_limit"),
}
QUERIED = {
    "query-success": Answered(result_code="0"),
    "query-cancelled": Answered(result_code="1032"),
    "query-insufficient": Answered(result_code="1"),
}
PAID = [sample for sample in samples("stk_callback") if sample["id"].startswith("cb-success")]
UNPAID = [sample for sample in samples("stk_callback") if sample not in PAID]


def reply_of(sample: dict[str, Any]) -> Reply:
    return Reply.of(sample["http_status"], json.dumps(sample["body"]))


@pytest.mark.parametrize("sample", samples("stk_response"), ids=id_of)
def test_an_accepted_prompt_tells_its_ids(sample: dict[str, Any]) -> None:
    assert mpesa.accepted(reply_of(sample)) == Accepted(
        checkout_request_id=sample["body"]["CheckoutRequestID"],
        merchant_request_id=sample["body"]["MerchantRequestID"],
        said=json.dumps(sample["body"]),
    )


@pytest.mark.parametrize("sample", samples("stk_error"), ids=id_of)
def test_a_refused_prompt_ends_its_payment(shop: Shop, sample: dict[str, Any]) -> None:
    with pytest.raises(DoNotRepeat) as refused:
        mpesa.accepted(reply_of(sample))
    payment_id = shop.request()
    shop.mpesa.answers.append(refused.value)
    assert names(shop.run(PromptPhoneJob(payment_id=payment_id))) == ["PaymentFailed"]
    assert shop.payment(payment_id).failure_code == REFUSED[sample["id"]]


@pytest.mark.parametrize("sample", samples("api_error"), ids=id_of)
def test_trouble_with_the_api_itself_prompts_nobody(sample: dict[str, Any]) -> None:
    reply = reply_of(sample)
    if sample["id"] == "invalid-token":
        assert reply.refuses_the_token  # and is renewed once: test_daraja
        return
    with pytest.raises(TryLater) as later:
        mpesa.accepted(reply)
    assert later.value.after is not None


@pytest.mark.parametrize("sample", PAID, ids=id_of)
def test_a_success_callback_completes_its_payment(shop: Shop, sample: dict[str, Any]) -> None:
    body = json.dumps(sample["body"])
    said = sample["body"]["Body"]["stkCallback"]
    items = {item["Name"]: item.get("Value") for item in said["CallbackMetadata"]["Item"]}
    price = Money.shillings(int(items["Amount"]))
    payment_id = shop.prompted(checkout=said["CheckoutRequestID"], price=price)
    assert names(shop.call_back(payment_id, body)) == SUCCESS_MESSAGES
    row = shop.payment(payment_id)
    assert (row.status, row.receipt) == ("completed", items["MpesaReceiptNumber"])
    assert row.paid_at is not None
    assert shop.heard(payment_id)[0].body == body


@pytest.mark.parametrize("sample", UNPAID, ids=id_of)
def test_a_failure_callback_ends_its_payment(shop: Shop, sample: dict[str, Any]) -> None:
    checkout = sample["body"]["Body"]["stkCallback"]["CheckoutRequestID"]
    payment_id = shop.prompted(checkout=checkout)
    assert names(shop.call_back(payment_id, json.dumps(sample["body"]))) == ["PaymentFailed"]
    row = shop.payment(payment_id)
    assert (row.status, row.failure_code) == ENDED[sample["id"]]


@pytest.mark.parametrize("sample", samples("stk_query_response"), ids=id_of)
def test_a_query_is_final_only_where_it_is(sample: dict[str, Any]) -> None:
    answer = mpesa.answered(reply_of(sample))
    if sample["id"] in QUERIED:
        assert answer == QUERIED[sample["id"]]
    else:
        assert isinstance(answer, NotYet)
        assert not answer.daraja_is_down


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"ResultCode": 4999}),
        (200, {"ResultCode": "500.001.1001"}),
        (500, {"errorCode": "500.001.1001", "errorMessage": "Unable to lock subscriber, ..."}),
        (500, {"errorCode": "500.001.1001", "errorMessage": "The Transaction is BEING PROCESSED"}),
    ],
)
def test_pending_is_pending_and_no_sign_of_trouble(status: int, body: dict[str, object]) -> None:
    answer = mpesa.answered(Reply.of(status, json.dumps(body)))
    assert isinstance(answer, NotYet)
    assert not answer.daraja_is_down


@pytest.mark.parametrize("status", [200, 404, 429, 500, 502, 503])
@pytest.mark.parametrize("text", ["", "<html>", "[]", "{}", '{"ResultDesc": "?"}'])
def test_a_query_that_teaches_nothing_leaves_the_payment_open(status: int, text: str) -> None:
    assert isinstance(mpesa.answered(Reply.of(status, text)), NotYet)


@pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if one["kind"] not in HERE | OVER_HTTP], ids=id_of
)
def test_what_belongs_to_another_door_is_kept_and_settles_nothing(
    shop: Shop, sample: dict[str, Any]
) -> None:
    payment_id = shop.prompted()
    body = json.dumps(sample["body"])
    assert not isinstance(read_stk_callback(body), StkCallback)
    assert shop.call_back(payment_id, body) == []
    assert shop.payment(payment_id).status == "pending"
    assert shop.heard(payment_id)[0].problem == "no Body.stkCallback"


def test_samples_are_all_looked_at() -> None:
    known = {*REFUSED, *ENDED, *QUERIED, *map(id_of, PAID)}
    for kind in ("stk_error", "stk_callback"):
        assert {sample["id"] for sample in samples(kind)} <= known
    assert accepted().checkout_request_id
