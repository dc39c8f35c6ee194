"""Money that an owner wants sent back: asked for once, and nothing unclear is repeated."""

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hotspot.bus.envelope import Envelope
from hotspot.bus.outcome import Reject, Retry
from hotspot.bus.work import Outside
from hotspot.contract.access import EndAccessJob
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.payments import (
    CheckReversalJob,
    PaymentReversed,
    ReversePaymentJob,
    ReverseReceiptJob,
)
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, envelope_for, run_envelope
from hotspot.testing.identity import Keys
from payment_service.config import Config
from payment_service.models import Reversal
from payment_service.mpesa import results
from payment_service.mpesa.api import DoNotRepeat, OutcomeUnknown, TryLater
from payment_service.reversals.decisions import without
from payment_service.web import create_app

from .later import result, tell
from .shop import PRICE, STRANGER, Shop, names, success
from .test_credit import confirmation
from .test_settlement import at_once, work_in

RECEIPT = "UAF9KD20QX"
REASON = "paid twice"


def sent_back(receipt: str, **changes: object) -> dict[str, object]:
    """What M-Pesa tells of a reversal."""
    told: dict[str, object] = {
        "DebitAccountBalance": "Utility Account|KES|7722179.62|7722179.62|0.00|0.00",
        "Amount": 20.0,
        "TransCompletedTime": 20260115120500,
        "OriginalTransactionID": receipt,
        "CreditPartyPublicName": "254712345678 - JOHN DOE",
    }
    return told | changes


def wish(payment_id: UUID) -> ReversePaymentJob:
    return ReversePaymentJob(
        payment_id=payment_id, reason=REASON, requested_by="owner", requested_at=NOON
    )


def asked(shop: Shop, payment_id: UUID) -> tuple[UUID, str]:
    """A reversal that M-Pesa took: its id, and the receipt."""
    shop.run(wish(payment_id))
    reversal_id, receipt, _ = shop.requests.reversed[-1]
    return reversal_id, receipt


def reversal(shop: Shop) -> Any:
    """The last one."""
    with shop.engine.connect() as connection:
        newest = select(Reversal.__table__).order_by(Reversal.id.desc()).limit(1)
        return connection.execute(newest).one_or_none()


def test_a_payments_money_is_asked_back_whole_and_its_access_ends_when_it_is_back(
    shop: Shop,
) -> None:
    payment_id = shop.completed()
    receipt = shop.payment(payment_id).receipt
    (check,) = shop.run(wish(payment_id))
    ((reversal_id, named, amount),) = shop.requests.reversed
    assert check == CheckReversalJob(reversal_id=reversal_id)
    assert (named, amount) == (receipt, PRICE)
    assert reversal(shop).state == "asked"
    assert shop.payment(payment_id).reversed_at is None
    body = result(reversal_id, 0, sent_back(receipt))
    assert tell(shop, reversal_id, body) == [
        PaymentReversed(payment_id=payment_id, receipt=receipt, amount=PRICE, reversed_at=NOON),
        EndAccessJob(payment_id=payment_id, reason="reversed", ended_at=NOON),
    ]
    assert tell(shop, reversal_id, body) == []
    row = shop.payment(payment_id)
    assert (row.status, row.reversed_at, row.needs_attention) == ("completed", NOON, None)
    assert (shop.access(payment_id).state, shop.access(payment_id).ended_cause) == (
        "ended",
        "reversed",
    )
    assert shop.receipt(receipt).reversed_at == NOON
    assert (reversal(shop).state, reversal(shop).result_code) == ("done", "0")
    assert shop.run(check) == []


def test_money_is_asked_back_once(shop: Shop) -> None:
    payment_id = shop.completed()
    reversal_id, receipt = asked(shop, payment_id)
    with pytest.raises(Reject, match="asked already"):
        shop.run(wish(payment_id))
    tell(shop, reversal_id, result(reversal_id, 0, sent_back(receipt)))
    with pytest.raises(Reject, match="sent back already"):
        shop.run(wish(payment_id))
    assert len(shop.requests.reversed) == 1


def test_two_owners_at_once_ask_once(shop: Shop) -> None:
    payment_id = shop.completed()
    prepare = cast("Outside[ReversePaymentJob, Any, Any]", shop.handlers[ReversePaymentJob]).prepare

    def ask() -> list[str]:
        job = wish(payment_id)
        with Session(shop.engine) as session:
            try:
                prepare(job, work_in(session, job))
            except Reject:
                return ["refused"]
            session.commit()
        return ["marked"]

    assert sorted(at_once([ask] * 4)) == ["marked", "refused", "refused", "refused"]


def test_what_cannot_be_sent_back_is_refused(shop: Shop) -> None:
    for payment_id in (shop.prompted(), new_id()):
        with pytest.raises(Reject, match="no receipt"):
            shop.run(wish(payment_id))
    assert shop.requests.reversed == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "not enough money"),
        ("R000002", "does not know this receipt"),
        (2001, "refuses our initiator"),
        ("E42", "as it says (code E42)"),
    ],
)
def test_a_reversal_that_fails_stands_in_front_of_a_person_and_may_be_asked_again(
    shop: Shop, code: object, words: str
) -> None:
    payment_id = shop.completed()
    reversal_id, receipt = asked(shop, payment_id)
    assert tell(shop, reversal_id, result(reversal_id, code)) == []
    assert reversal(shop).state == "failed"
    row = shop.payment(payment_id)
    assert words in row.needs_attention
    assert row.reversed_at is None
    again, _ = asked(shop, payment_id)
    tell(shop, again, result(again, 0, sent_back(receipt)))
    row = shop.payment(payment_id)
    assert (row.reversed_at, row.needs_attention) == (NOON, None)


def test_a_failure_that_comes_after_the_success_changes_nothing(shop: Shop) -> None:
    payment_id = shop.completed()
    reversal_id, receipt = asked(shop, payment_id)
    tell(shop, reversal_id, result(reversal_id, 0, sent_back(receipt)))
    assert tell(shop, reversal_id, result(reversal_id, 17)) == []
    assert (reversal(shop).state, shop.payment(payment_id).needs_attention) == ("done", None)


# What is not known


class PowerCut(BaseException):
    """The process is gone: no handler of ours sees this."""


def unclear(shop: Shop, how: str) -> tuple[UUID, UUID]:
    """A payment whose reversal is unclear, and the reversal's id."""
    payment_id = shop.completed()
    envelope: Envelope = envelope_for(wish(payment_id))
    failures = {"reply lost": OutcomeUnknown("read timed out"), "worker died": PowerCut()}
    if how in failures:
        shop.requests.answers.append(failures[how])
    if how == "worker died":
        with pytest.raises(PowerCut):
            run_envelope(shop.handlers, envelope, shop.engine)
        run_envelope(shop.handlers, envelope, shop.engine, redelivered=True)
    else:
        run_envelope(shop.handlers, envelope, shop.engine)
    if how == "no result":
        assert shop.run(CheckReversalJob(reversal_id=envelope.message_id)) == []
    if how == "timed out":
        assert tell(shop, envelope.message_id, "{}", timed_out=True) == []
    if how == "unknown source":
        body = result(None, 0, sent_back(shop.payment(payment_id).receipt))
        assert tell(shop, envelope.message_id, body, source=STRANGER) == []
    return payment_id, envelope.message_id


@pytest.mark.parametrize(
    "how", ["reply lost", "worker died", "no result", "timed out", "unknown source"]
)
def test_what_is_unclear_is_not_repeated_by_itself_and_its_result_still_counts(
    shop: Shop, how: str
) -> None:
    payment_id, reversal_id = unclear(shop, how)
    assert len(shop.requests.reversed) == 1
    assert reversal(shop).state == "unclear"
    row = shop.payment(payment_id)
    assert "is unclear" in row.needs_attention
    assert row.reversed_at is None
    told = result(reversal_id, 0, sent_back(row.receipt))
    assert names(tell(shop, reversal_id, told)) == ["PaymentReversed", "EndAccessJob"]
    row = shop.payment(payment_id)
    assert (row.reversed_at, row.needs_attention) == (NOON, None)


def test_a_person_may_ask_again_and_hear_that_it_was_done_before(shop: Shop) -> None:
    payment_id, first = unclear(shop, "reply lost")
    second, receipt = asked(shop, payment_id)
    assert second != first
    done = tell(shop, second, result(second, "R000001"))
    assert names(done) == ["PaymentReversed", "EndAccessJob"]
    assert tell(shop, first, result(first, 0, sent_back(receipt))) == []
    assert shop.count(Reversal) == 2


def test_the_first_ones_late_success_counts_while_a_second_is_under_way(shop: Shop) -> None:
    payment_id, first = unclear(shop, "reply lost")
    second, receipt = asked(shop, payment_id)
    told = tell(shop, first, result(first, 0, sent_back(receipt)))
    assert names(told) == ["PaymentReversed", "EndAccessJob"]
    assert tell(shop, second, result(second, "R000001")) == []


def test_an_mpesa_that_was_never_reached_is_tried_again_and_then_said(shop: Shop) -> None:
    payment_id = shop.completed()
    envelope = envelope_for(wish(payment_id))
    for attempt in (1, 2, 3):
        shop.requests.answers.append(TryLater("connection refused"))
        trying = replace(envelope, attempt=attempt)
        if attempt < 3:
            with pytest.raises(Retry):
                run_envelope(shop.handlers, trying, shop.engine)
            assert reversal(shop).state == "asking"
        else:
            run_envelope(shop.handlers, trying, shop.engine)
    assert reversal(shop).state == "refused"
    assert "cannot be reached" in shop.payment(payment_id).needs_attention
    assert len(shop.requests.reversed) == 3


def test_a_refusal_is_said_in_mpesas_words(shop: Shop) -> None:
    payment_id = shop.completed()
    refusal = DoNotRepeat(results.MISCONFIGURED, "Bad Request - Invalid Initiator")
    shop.requests.answers.append(refusal)
    shop.run(wish(payment_id))
    assert "Invalid Initiator" in shop.payment(payment_id).needs_attention
    assert reversal(shop).state == "refused"


def test_a_result_may_come_before_the_reply(shop: Shop) -> None:
    payment_id = shop.completed()
    receipt = shop.payment(payment_id).receipt
    sent: list[Message] = []

    def at_once(reversal_id: UUID) -> None:
        sent.extend(tell(shop, reversal_id, result(reversal_id, 0, sent_back(receipt))))

    shop.requests.meanwhile = at_once
    shop.run(wish(payment_id))
    assert names(sent) == ["PaymentReversed", "EndAccessJob"]
    assert reversal(shop).state == "done"


def test_from_an_unknown_source_it_waits_for_the_reply_that_names_the_conversation(
    shop: Shop,
) -> None:
    payment_id = shop.completed()
    receipt = shop.payment(payment_id).receipt
    waits: list[Retry] = []

    def too_early(reversal_id: UUID) -> None:
        try:
            tell(shop, reversal_id, result(reversal_id, 0, sent_back(receipt)), source=STRANGER)
        except Retry as error:
            waits.append(error)

    shop.requests.meanwhile = too_early
    reversal_id, _ = asked(shop, payment_id)
    assert len(waits) == 1
    told = tell(shop, reversal_id, result(reversal_id, 0, sent_back(receipt)), source=STRANGER)
    assert names(told) == ["PaymentReversed", "EndAccessJob"]


def test_a_result_that_does_not_fit_its_request_changes_nothing(shop: Shop) -> None:
    payment_id = shop.completed()
    reversal_id, receipt = asked(shop, payment_id)
    for body in (
        result(new_id(), 0, sent_back(receipt)),
        result(reversal_id, 0, sent_back("UAF0000000")),
        "[]",
        '{"Result": {"ResultCode": null}}',
    ):
        assert tell(shop, reversal_id, body) == []
    assert reversal(shop).state == "asked"
    assert shop.payment(payment_id).reversed_at is None


# Money that bought nothing


def test_money_that_is_nobodys_can_be_sent_back_and_buys_nothing_any_more(market: Shop) -> None:
    market.run(confirmation(receipt=RECEIPT, msisdn="2547 ***** 001"))
    job = ReverseReceiptJob(receipt=RECEIPT, reason=REASON, requested_by="owner", requested_at=NOON)
    market.run(job)
    ((reversal_id, _, amount),) = market.requests.reversed
    assert amount == Money.shillings(20)
    assert tell(market, reversal_id, result(reversal_id, 0, sent_back(RECEIPT))) == []
    row = market.receipt(RECEIPT)
    assert (row.reversed_at, row.held, row.payment_id) == (NOON, None, None)
    assert market.run(confirmation(receipt=RECEIPT)) == []
    payment_id = market.prompted()
    assert market.call_back(payment_id, success(receipt=RECEIPT)) == []
    assert market.receipt(RECEIPT).payment_id is None


def test_a_reversal_of_held_money_that_fails_is_said_beside_it(market: Shop) -> None:
    market.run(confirmation(receipt=RECEIPT, msisdn="2547 ***** 001"))
    market.run(
        ReverseReceiptJob(receipt=RECEIPT, reason=REASON, requested_by="owner", requested_at=NOON)
    )
    reversal_id = market.requests.reversed[0][0]
    for _ in range(2):
        tell(market, reversal_id, result(reversal_id, 1))
    assert market.receipt(RECEIPT).held.count("not enough money") == 1


@pytest.mark.parametrize("what", ["paid twice", "wrong amount"])
def test_only_what_bought_nothing_goes_back(shop: Shop, what: str) -> None:
    if what == "paid twice":
        payment_id = shop.completed()
        checkout = shop.payment(payment_id).checkout_request_id
        shop.call_back(payment_id, success(checkout=checkout, receipt=RECEIPT))
    else:
        payment_id = shop.prompted()
        shop.call_back(payment_id, success(receipt=RECEIPT, amount=7))
    assert shop.payment(payment_id).needs_attention
    shop.run(
        ReverseReceiptJob(receipt=RECEIPT, reason=REASON, requested_by="owner", requested_at=NOON)
    )
    reversal_id = shop.requests.reversed[0][0]
    assert tell(shop, reversal_id, result(reversal_id, 0, sent_back(RECEIPT))) == []
    row = shop.payment(payment_id)
    assert row.needs_attention is None
    assert (row.reversed_at is None) == (what == "paid twice")


def test_other_reasons_stay_in_front_of_a_person() -> None:
    said = "paid once more, by receipt UAF2; the reversal of UAF1 is failed: no; amount differs"
    assert without(said, "UAF1", "amount differs") == "paid once more, by receipt UAF2"
    assert without(said, "UAF2", None) == "the reversal of UAF1 is failed: no; amount differs"
    assert without(None, "UAF1", None) is None


# Over HTTP


def test_an_owner_asks_and_sees_what_comes_of_it(
    shop: Shop, client: FlaskClient, publisher: FakePublisher, keys: Keys
) -> None:
    payment_id = shop.completed()
    path, owner = f"/api/v1/payments/{payment_id}", keys.headers("owner")
    answer = client.post(f"{path}/reverse", json={"reason": REASON}, headers=owner)
    assert answer.status_code == 202, answer.get_json()
    assert answer.headers["Location"] == path
    job = publisher.sent[-1]
    assert isinstance(job, ReversePaymentJob)
    assert (job.payment_id, job.reason) == (payment_id, REASON)
    envelope = publisher.parcels[-1].envelope
    assert answer.get_json()["id"] == str(envelope.message_id)
    assert client.get(path, headers=owner).get_json()["reversal"] is None
    run_envelope(shop.handlers, envelope, shop.engine)
    shown = client.get(path, headers=owner).get_json()
    assert (shown["reversal"]["state"], shown["reversal"]["reason"]) == ("asked", REASON)
    assert shown["reversal"]["requested_at"] == "2026-01-15T09:00:00Z"
    again = client.post(f"{path}/reverse", json={"reason": REASON}, headers=owner)
    assert again.status_code == 409
    assert "asked already" in again.get_json()["detail"]
    receipt = shop.payment(payment_id).receipt
    told = result(envelope.message_id, 0, sent_back(receipt))
    tell(shop, envelope.message_id, told)
    (listed,) = client.get("/api/v1/payments", headers=owner).get_json()["items"]
    assert (listed["reversal"]["state"], listed["reversed_at"]) == ("done", "2026-01-15T09:00:00Z")


def test_held_money_is_asked_back_by_its_receipt(
    market: Shop, client: FlaskClient, publisher: FakePublisher, keys: Keys
) -> None:
    market.run(confirmation(receipt=RECEIPT, msisdn="2547 ***** 001"))
    answer = client.post(
        f"/api/v1/receipts/{RECEIPT.lower()}/reverse",
        json={"reason": REASON},
        headers=keys.headers("owner"),
    )
    assert (answer.status_code, answer.get_json()["receipt"]) == (202, RECEIPT)
    assert isinstance(publisher.sent[-1], ReverseReceiptJob)


def test_whoever_may_not_or_asks_in_vain_is_told(
    shop: Shop, client: FlaskClient, publisher: FakePublisher, keys: Keys
) -> None:
    completed, pending = f"payments/{shop.completed()}", f"payments/{shop.prompted()}"
    good = {"reason": REASON}
    for path, role, body, status in (
        (completed, "operator", good, 403),
        (completed, None, good, 401),
        (completed, "owner", {}, 422),
        (completed, "owner", {"reason": "x"}, 422),
        (completed, "owner", {"reason": "a\u0000b"}, 422),
        (pending, "owner", good, 409),
        (f"payments/{new_id()}", "owner", good, 404),
        ("receipts/UAF0000000", "owner", good, 404),
        ("receipts/UAF0000000", "operator", good, 403),
    ):
        headers = keys.headers(role) if role else {}
        answer = client.post(f"/api/v1/{path}/reverse", json=body, headers=headers)
        assert answer.status_code == status, (path, role, body)
    assert publisher.sent == []


def test_without_an_initiator_an_owner_hears_which_settings_are_missing(
    shop: Shop, config: Config, engine: Engine, publisher: FakePublisher, keys: Keys
) -> None:
    app = create_app(
        replace(config, initiator=None), publisher=publisher, engine=engine, clock=lambda: NOON
    )
    answer = app.test_client().post(
        f"/api/v1/payments/{shop.completed()}/reverse",
        json={"reason": REASON},
        headers=keys.headers("owner"),
    )
    assert answer.status_code == 409
    assert "DARAJA_INITIATOR_NAME" in answer.get_json()["detail"]
