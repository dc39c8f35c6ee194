"""What M-Pesa calls back with is kept whatever it is, and ends the payment where it fits."""

import json

import pytest

from hotspot.contract.access import CreateHotspotUserJob
from hotspot.contract.money import Money
from hotspot.contract.payments import PaymentCompleted, PaymentFailed
from hotspot.ids import new_id
from payment_service.mpesa.stk import StkCallback, amount_of, code_of, read_stk_callback, receipt_of

from .shop import CHECKOUT, PHONE, PRICE, RECEIPT, SUCCESS_MESSAGES, Shop, failure, names, success


def test_a_paid_prompt_completes_the_payment_once(shop: Shop) -> None:
    payment_id = shop.prompted()
    sent = shop.call_back(payment_id, success())
    assert names(sent) == SUCCESS_MESSAGES
    completed, provision, _ = sent
    assert isinstance(completed, PaymentCompleted)
    assert isinstance(provision, CreateHotspotUserJob)
    assert (completed.receipt, completed.amount, completed.phone) == (RECEIPT, PRICE, PHONE)
    assert provision.package.duration_seconds == 3600
    row = shop.payment(payment_id)
    assert (row.status, row.receipt, row.paid_amount) == ("completed", RECEIPT, 2000)
    assert row.paid_at.isoformat() == "2026-01-15T09:00:05+00:00"
    assert row.confirmed_by == "stk_callback"
    assert shop.access(payment_id).state == "provisioning"
    assert shop.call_back(payment_id, success()) == []
    assert len(shop.heard(payment_id)) == 2


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (1, "failed", "insufficient_balance"),
        (1032, "cancelled", "cancelled_by_user"),
        ("1032", "cancelled", "cancelled_by_user"),
        (1037, "expired", "no_answer"),
        (1019, "expired", "expired"),
        (2001, "failed", "wrong_pin"),
        (17, "failed", "rule_limited"),
        ("SFC_IC0003", "failed", "mpesa_misconfigured"),
        (777, "failed", "mpesa_refused"),
        (1032.0, "cancelled", "cancelled_by_user"),
    ],
)
def test_a_result_code_ends_the_payment(shop: Shop, code: object, status: str, reason: str) -> None:
    payment_id = shop.prompted()
    (failed,) = shop.call_back(payment_id, failure(code))
    assert isinstance(failed, PaymentFailed)
    assert (failed.status, failed.code) == (status, reason)
    row = shop.payment(payment_id)
    assert (row.status, row.failure_code) == (status, reason)
    assert row.failure_reason


def test_still_processing_is_no_end(shop: Shop) -> None:
    payment_id = shop.prompted()
    assert shop.call_back(payment_id, failure("4999")) == []
    assert shop.payment(payment_id).status == "pending"


def test_a_callback_that_comes_first_names_the_request(shop: Shop) -> None:
    payment_id = shop.request()
    assert names(shop.call_back(payment_id, success())) == SUCCESS_MESSAGES
    assert shop.payment(payment_id).checkout_request_id == CHECKOUT


@pytest.mark.parametrize("checkout", ["ws_CO_another", None, "", 17])
def test_a_success_for_another_request_is_not_served_and_not_dropped(
    shop: Shop, checkout: str | None
) -> None:
    payment_id = shop.prompted()
    assert shop.call_back(payment_id, success(checkout=checkout)) == []
    row = shop.payment(payment_id)
    assert row.status == "pending"
    assert "another request" in row.needs_attention
    (kept,) = shop.heard(payment_id)
    assert "another request" in kept.problem


def test_a_failure_for_another_request_changes_nothing(shop: Shop) -> None:
    payment_id = shop.prompted()
    assert shop.call_back(payment_id, failure(1032, checkout="ws_CO_another")) == []
    assert shop.payment(payment_id).status == "pending"
    assert shop.heard(payment_id)[0].problem


@pytest.mark.parametrize("missing", [{"receipt": None}, {"amount": None}, {"amount": "lots"}])
def test_a_success_without_evidence_is_not_served(shop: Shop, missing: dict[str, object]) -> None:
    payment_id = shop.prompted()
    assert shop.call_back(payment_id, success(**missing)) == []  # type: ignore[arg-type]
    assert shop.payment(payment_id).status == "pending"
    assert "without receipt or amount" in shop.payment(payment_id).needs_attention


def test_a_callback_for_no_payment_is_kept(shop: Shop) -> None:
    payment_id = new_id()
    assert shop.call_back(payment_id, success()) == []
    assert "no payment" in shop.heard(payment_id)[0].problem


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "null",
        "[]",
        '"text"',
        "{}",
        '{"Body": 1}',
        '{"Body": {"stkCallback": []}}',
        '{"Body": {"stkCallback": {"ResultDesc": "?"}}}',
        '{"Body": {"stkCallback": {"ResultCode": true}}}',
        '{"Body": {"stkCallback": {"ResultCode": null}}}',
        '{"Body": {"stkCallback": {"ResultCode": {}}}}',
        '{"Body": {"stkCallback": {"ResultCode": 1e999999}}}',
        '{"Body": {"stkCallback": {"ResultCode": NaN}}, "x": "\\u0000"}',
        "[" * 60_000,
        '{"Body": {"stkCallback": {"ResultCode": ' + "9" * 60_000 + "}}}",
        "a\x00b",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_makes_no_sense_is_kept_and_shown(shop: Shop, body: str) -> None:
    payment_id = shop.prompted()
    assert shop.call_back(payment_id, body) == []
    assert shop.payment(payment_id).status == "pending"
    (kept,) = shop.heard(payment_id)
    assert kept.problem
    assert kept.body.replace("\N{REPLACEMENT CHARACTER}", "\x00") == body


@pytest.mark.parametrize(
    ("value", "cents"),
    [
        (1, 100),
        ("1.00", 100),
        (" 2.0 ", 200),
        ("0.50", 50),
        ("1.005", None),
        ("1.0000000000000000000000000000000000001", None),
        (0, None),
        (-5, None),
        (True, None),
        ("1e999999999", None),
        ("1e-999999999", None),
        ("NaN", None),
        ("Infinity", None),
        ([], None),
        (None, None),
    ],
)
def test_amounts_are_read_as_money_or_not_at_all(value: object, cents: int | None) -> None:
    assert amount_of(value) == (None if cents is None else Money(amount=cents))


def test_codes_and_receipts_are_read_in_every_shape() -> None:
    assert code_of(0) == code_of("0") == code_of(" 0 ") == "0"
    assert receipt_of(" nlj7rt61sv ") == "NLJ7RT61SV"
    assert receipt_of("'; DROP TABLE") is None
    assert receipt_of("A" * 100) is None


def test_a_single_item_need_not_be_a_list() -> None:
    body = {
        "Body": {
            "stkCallback": {
                "CheckoutRequestID": CHECKOUT,
                "ResultCode": 0,
                "CallbackMetadata": {"Item": {"Name": "Amount", "Value": 20}},
            }
        }
    }
    read = read_stk_callback(json.dumps(body))
    assert isinstance(read, StkCallback)
    assert read.amount == PRICE
