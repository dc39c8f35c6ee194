"""A guest shows a receipt: served once, moved, or told clearly why not; strangers learn nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hotspot.contract.access import CreateHotspotUserJob, MoveAccessJob
from hotspot.contract.message import Message
from hotspot.contract.payments import (
    AskAboutPaymentJob,
    AskAboutReceiptJob,
    ClaimPaymentJob,
    PaymentCompleted,
)
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, envelope_for, run_envelope
from payment_service.claims.claiming import claim_payment, receipt_in
from payment_service.claims.receipts_asked import GUEST_WAITS
from payment_service.models import COMPLETED, MpesaMessage, Payment, ReceiptClaim
from payment_service.mpesa.api import Answered, NotYet

from .later import money, result, tell
from .shop import PHONE, PRICE, STRANGER, SUCCESS_MESSAGES, Shop, names, success
from .test_credit import confirmation
from .test_settlement import at_once, work_in

OTHER = "254712000001"
RECEIPT = "UAF9KD20QX"
MAC, NEW_MAC = "01:23:45:67:89:AB", "01:23:45:67:89:FF"


def claim(shop: Shop, receipt: str = RECEIPT, phone: str = PHONE, **more: Any) -> ClaimPaymentJob:
    values = {"payment_id": new_id(), "claimed_at": NOON, "mac": NEW_MAC, **more}
    return ClaimPaymentJob(receipt=receipt, phone=phone, **values)


def ask(shop: Shop, job: ClaimPaymentJob, **more: Any) -> UUID:
    """M-Pesa is asked about the receipt of a claim; answers the id of the question."""
    shop.run(AskAboutReceiptJob(payment_id=job.payment_id, receipt=job.receipt), **more)
    return shop.requests.asked[-1][0]


def asked(shop: Shop, **more: Any) -> tuple[ClaimPaymentJob, UUID]:
    """A claim of an unknown receipt, and the question that it led to."""
    job = claim(shop, **more)
    assert names(shop.run(job)) == ["AskAboutReceiptJob"]
    return job, ask(shop, job)


def claims(shop: Shop) -> list[Any]:
    with shop.engine.connect() as connection:
        return list(connection.execute(select(ReceiptClaim.__table__)).all())


def outcome(shop: Shop) -> str | None:
    """The failure of the last claim; "found" where it has a payment, None while it is open."""
    row = claims(shop)[-1]
    return "found" if row.found_payment_id else row.failure_code


def problems(shop: Shop) -> list[Any]:
    with shop.engine.connect() as connection:
        wanted = select(MpesaMessage.problem).where(MpesaMessage.kind == "result")
        return list(connection.scalars(wanted.order_by(MpesaMessage.id)))


# What people type


@pytest.mark.parametrize(
    "typed",
    [
        "UAF9KD20QX",
        "uaf9kd20qx",
        " UAF9 KD20 QX ",
        "UAF9-KD20-QX",
        "UAF9KD20QX\nConfirmed.",
        "UAF9KD20QX Confirmed. Ksh20.00 sent to HOTSPOT for account 1HOUR on 15/1/26",
    ],
)
def test_a_receipt_is_read_as_people_type_it(typed: str) -> None:
    assert receipt_in(typed) == "UAF9KD20QX"


@pytest.mark.parametrize("typed", ["", "12", "UAF9KD2", "A1" * 20, "UAF9KD20Q!", "é" * 10])
def test_what_is_no_receipt_is_none(typed: str) -> None:
    assert receipt_in(typed) is None


# Receipts that are in the books


def test_a_guest_with_another_device_gets_the_access_moved_and_the_sms_again(shop: Shop) -> None:
    payment_id = shop.completed()
    shop.cache_credentials(payment_id, NOON + timedelta(hours=1))
    receipt = shop.payment(payment_id).receipt
    job = claim(shop, receipt, payment_id=payment_id, link_login_only="http://10.5.50.1/login")
    assert shop.run(job) == [
        MoveAccessJob(payment_id=payment_id, moved_at=NOON, mac=NEW_MAC, by_sms=True)
    ]
    assert shop.access(payment_id).mac == NEW_MAC
    assert outcome(shop) == "found"
    assert shop.requests.asked == []


def test_an_access_that_never_came_is_asked_for_again(shop: Shop) -> None:
    payment_id = shop.completed()
    job = claim(shop, shop.payment(payment_id).receipt, payment_id=payment_id)
    assert names(shop.run(job)) == ["CreateHotspotUserJob", "MoveAccessJob"]


@pytest.mark.parametrize("over", ["time", "reversed"])
def test_what_is_over_is_not_given_again(shop: Shop, over: str) -> None:
    payment_id = shop.completed()
    shop.cache_credentials(payment_id, NOON)
    if over == "reversed":
        shop.engine_run("UPDATE payments SET reversed_at = now()")
    job = claim(shop, shop.payment(payment_id).receipt, payment_id=payment_id)
    assert shop.run(job) == []
    assert outcome(shop) == "found"


def test_money_that_was_nobodys_serves_the_guest_whose_number_fits_its_payer_once(
    market: Shop,
) -> None:
    market.run(confirmation(receipt=RECEIPT, msisdn="2547 ***** 678"))
    assert market.receipt(RECEIPT).held
    job = claim(market)
    sent = market.run(job)
    assert names(sent) == SUCCESS_MESSAGES
    (wanted,) = (one for one in sent if isinstance(one, CreateHotspotUserJob))
    assert (wanted.payment_id, wanted.phone, wanted.mac) == (job.payment_id, PHONE, NEW_MAC)
    row = market.payment(job.payment_id)
    assert (row.status, row.source, row.receipt, row.phone) == (COMPLETED, "claim", RECEIPT, PHONE)
    assert names(market.run(claim(market))) == ["CreateHotspotUserJob", "MoveAccessJob"]
    assert market.count(Payment) == 1


def test_money_of_another_payer_is_put_to_mpesa_as_if_it_were_unknown(market: Shop) -> None:
    market.run(confirmation(receipt=RECEIPT, msisdn="2547 ***** 001"))
    assert names(market.run(claim(market))) == ["AskAboutReceiptJob"]


# Receipts that are unknown here


def test_a_receipt_that_mpesa_knows_as_the_guests_is_served_under_the_pages_id(
    market: Shop,
) -> None:
    job, question = asked(market)
    sent = tell(market, question, result(question, 0, money(RECEIPT)))
    assert names(sent) == SUCCESS_MESSAGES
    completed = sent[0]
    assert isinstance(completed, PaymentCompleted)
    assert (completed.payment_id, completed.receipt, completed.amount) == (
        job.payment_id,
        RECEIPT,
        PRICE,
    )
    assert outcome(market) == "found"
    again = tell(market, question, result(question, 0, money(RECEIPT)))
    assert again == []
    assert market.receipt(RECEIPT).payer_name == "JOHN DOE"


def test_a_prompt_whose_callback_was_lost_is_completed_by_its_receipt(market: Shop) -> None:
    payment_id = market.prompted()
    _, question = asked(market, mac=None)
    assert names(tell(market, question, result(question, 0, money(RECEIPT)))) == SUCCESS_MESSAGES
    assert market.payment(payment_id).receipt == RECEIPT
    assert claims(market)[0].found_payment_id == payment_id
    assert market.count(Payment) == 1
    late = success(receipt=RECEIPT)
    assert market.call_back(payment_id, late) == []


def test_a_payment_that_a_query_confirmed_without_a_receipt_is_the_one(market: Shop) -> None:
    payment_id = market.prompted()
    market.mpesa.answer_all(Answered(result_code="0"))
    assert names(market.run(AskAboutPaymentJob(payment_id=payment_id, asked=0))) == SUCCESS_MESSAGES
    _, question = asked(market)
    told = tell(market, question, result(question, 0, money(RECEIPT)))
    assert names(told) == ["CreateHotspotUserJob", "MoveAccessJob"]
    assert market.payment(payment_id).receipt == RECEIPT
    assert market.count(Payment) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"CreditPartyName": "600000 - SOMEBODY ELSE"},
        {"TransactionStatus": "Reversed"},
        {"TransactionStatus": "Declined"},
        # What was sent back has a receipt of its own, which its guest knows from an SMS.
        {"DebitPartyName": "174379 - HOTSPOT", "CreditPartyName": f"{PHONE} - JOHN DOE"},
        {"DebitPartyName": "174379 - HOTSPOT"},
    ],
)
def test_what_is_no_completed_payment_to_us_gives_nothing(
    market: Shop, changes: dict[str, object]
) -> None:
    _, question = asked(market)
    assert tell(market, question, result(question, 0, money(RECEIPT, **changes))) == []
    assert outcome(market) == "receipt_not_found"
    assert market.receipt(RECEIPT) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"CreditPartyName": None},
        {"DebitPartyName": "JOHN DOE"},
        {"DebitPartyName": "SHOP 5 - JOHN DOE"},
        {"Amount": "twenty"},
        {"Amount": 0},
        {"ReceiptNo": "UAF9KD20QY"},
        {"ReceiptNo": None},
    ],
)
def test_an_answer_that_is_not_clear_is_for_a_person(
    market: Shop, changes: dict[str, object]
) -> None:
    _, question = asked(market)
    assert tell(market, question, result(question, 0, money(RECEIPT, **changes))) == []
    assert outcome(market) == "claim_unclear"
    assert problems(market) == ["unclear: as it says"]


@pytest.mark.parametrize("payer", ["254712000001 - JANE", "2547 ***** 001 - JANE"])
def test_a_stranger_gets_nothing_and_the_money_still_goes_to_its_payer(
    market: Shop, payer: str
) -> None:
    job, question = asked(market)
    sent = tell(market, question, result(question, 0, money(RECEIPT, DebitPartyName=payer)))
    assert outcome(market) == "receipt_not_found"
    assert market.payment(job.payment_id) is None
    served = [one for one in sent if isinstance(one, CreateHotspotUserJob)]
    assert all(one.phone == OTHER and one.mac is None for one in served)
    receipt = market.receipt(RECEIPT)
    assert bool(served) == (payer.startswith(OTHER)) == (receipt.held is None)


def test_a_guest_who_claims_the_receipt_of_another_hears_what_a_guest_hears_who_made_one_up(
    market: Shop,
) -> None:
    payment_id = market.completed()
    _, question = asked(market, receipt=market.payment(payment_id).receipt, phone=OTHER)
    known = money(market.payment(payment_id).receipt)
    assert tell(market, question, result(question, 0, known)) == []
    first = claims(market)[-1]
    _, question = asked(market, receipt="UAF0000000", phone=OTHER)
    tell(market, question, result(question, 2032))
    second = claims(market)[-1]
    assert first.failure_code == second.failure_code == "receipt_not_found"
    assert first.failure_reason == second.failure_reason


def test_what_mpesa_does_not_know_is_asked_once_more_and_a_success_still_wins(
    market: Shop,
) -> None:
    job, question = asked(market)
    tell(market, question, result(question, "2032"))
    assert outcome(market) == "receipt_not_found"
    later = NOON + timedelta(seconds=31)
    second = ask(market, job, now=later)
    assert second != question
    assert names(tell(market, second, result(second, 0, money(RECEIPT)))) == SUCCESS_MESSAGES
    assert outcome(market) == "found"


def test_two_noes_are_enough(market: Shop) -> None:
    job, question = asked(market)
    tell(market, question, result(question, 2032))
    second = ask(market, job, now=NOON + timedelta(seconds=31))
    tell(market, second, result(second, 2032))
    assert ask(market, job, now=NOON + timedelta(minutes=5)) == second


@pytest.mark.parametrize("code", [2001, "21", 8006, "SFC_IC0003"])
def test_a_wrong_initiator_ends_the_claim_and_raises_an_alarm_once(
    shop: Shop, code: object
) -> None:
    job, question = asked(shop)
    assert names(tell(shop, question, result(question, code))) == ["AlarmRaised"]
    assert outcome(shop) == "claim_unavailable"
    assert ask(shop, job, now=NOON + timedelta(minutes=1)) == question
    _, question = asked(shop)
    assert tell(shop, question, result(question, code)) == []
    _, question = asked(shop)
    assert names(tell(shop, question, result(question, 2032))) == ["AlarmCleared"]


def test_without_an_initiator_a_guest_hears_that_at_once(shop: Shop) -> None:
    shop.requests.may_ask = False
    job = claim(shop)
    shop.run(job)
    assert shop.run(AskAboutReceiptJob(payment_id=job.payment_id, receipt=job.receipt)) == []
    assert outcome(shop) == "claim_unavailable"
    assert shop.requests.asked == []


def test_a_request_that_daraja_refuses_ends_the_claim_and_raises_the_alarm(shop: Shop) -> None:
    shop.requests.answers.append(NotYet(reason="Bad Request - Invalid Initiator"))
    job = claim(shop)
    shop.run(job)
    sent = shop.run(AskAboutReceiptJob(payment_id=job.payment_id, receipt=job.receipt))
    assert names(sent) == ["AskAboutReceiptJob", "AlarmRaised"]
    assert outcome(shop) == "claim_unavailable"


def test_claims_of_one_receipt_at_once_serve_once(market: Shop) -> None:
    market.run(confirmation(receipt=RECEIPT, msisdn="2547 ***** 678"))

    def show_receipt() -> list[str]:
        job = claim(market)
        with Session(market.engine) as session:
            work = work_in(session, job)
            claim_payment(job, work)
            session.commit()
        return [parcel.envelope.name for parcel in work.sent]

    sent = at_once([show_receipt] * 8)
    assert sent.count("PaymentCompleted") == 1
    assert market.count(Payment) == 1
    assert {row.found_payment_id for row in claims(market)} == {market.receipt(RECEIPT).payment_id}


# Results that are lost, late, double, first, forged


class PowerCut(BaseException):
    """The process is gone: no handler of ours sees this."""


def test_a_worker_that_dies_while_it_asks_leaves_a_job_that_comes_again(market: Shop) -> None:
    job = claim(market)
    market.run(job)
    envelope = envelope_for(AskAboutReceiptJob(payment_id=job.payment_id, receipt=RECEIPT))
    market.requests.answers.append(PowerCut())
    with pytest.raises(PowerCut):
        run_envelope(market.handlers, envelope, market.engine)
    run_envelope(market.handlers, envelope, market.engine, redelivered=True)
    assert len(market.requests.asked) == 1
    with market.engine.connect() as connection:
        waiting = connection.scalar(text("SELECT count(*) FROM outbox"))
    assert waiting
    question = ask(market, job, now=NOON + timedelta(seconds=30))
    assert names(tell(market, question, result(question, 0, money(RECEIPT)))) == SUCCESS_MESSAGES


def test_a_result_that_is_lost_is_asked_for_again_at_a_pace_and_given_up(shop: Shop) -> None:
    job, _ = asked(shop)
    again = AskAboutReceiptJob(payment_id=job.payment_id, receipt=job.receipt)
    moment = NOON
    while outcome(shop) is None:
        moment += timedelta(seconds=30)
        shop.run(again, now=moment)
    assert outcome(shop) == "claim_unanswered"
    assert moment - NOON > GUEST_WAITS
    assert 4 <= len(shop.requests.asked) <= 7
    assert len({question for question, _ in shop.requests.asked}) == len(shop.requests.asked)


def test_a_result_after_all_still_serves(market: Shop) -> None:
    job, question = asked(market)
    late = NOON + GUEST_WAITS + timedelta(minutes=1)
    assert ask(market, job, now=late) == question
    assert outcome(market) == "claim_unanswered"
    assert names(tell(market, question, result(question, 0, money(RECEIPT)))) == SUCCESS_MESSAGES
    assert outcome(market) == "found"


def test_a_daraja_that_is_down_is_asked_again(market: Shop) -> None:
    market.requests.answers.append(NotYet(reason="connection refused", daraja_is_down=True))
    job, _ = asked(market)
    assert outcome(market) is None
    moment = NOON + timedelta(minutes=2)
    question = ask(market, job, now=moment)
    assert names(tell(market, question, result(question, 0, money(RECEIPT)))) == SUCCESS_MESSAGES


@pytest.mark.parametrize("code", [17, "26", 999])
def test_a_code_that_says_nothing_of_the_receipt_leaves_the_claim_open(
    shop: Shop, code: object
) -> None:
    job, question = asked(shop)
    tell(shop, question, result(question, code))
    assert outcome(shop) is None
    assert ask(shop, job) != question


def test_a_question_that_timed_out_at_mpesa_is_asked_again(shop: Shop) -> None:
    job, question = asked(shop)
    assert tell(shop, question, "{}", timed_out=True) == []
    assert ask(shop, job, now=NOON + timedelta(seconds=31)) != question


def test_a_result_may_come_before_the_reply(market: Shop) -> None:
    sent: list[Message] = []

    def at_once(question: UUID) -> None:
        sent.extend(tell(market, question, result(question, 0, money(RECEIPT))))

    market.requests.meanwhile = at_once
    asked(market)
    assert names(sent) == SUCCESS_MESSAGES
    assert outcome(market) == "found"


def test_from_an_unknown_source_money_counts_once_it_is_said_twice(market: Shop) -> None:
    job, first = asked(market)
    body = result(first, 0, money(RECEIPT))
    assert tell(market, first, body, source=STRANGER) == [
        AskAboutReceiptJob(payment_id=job.payment_id, receipt=RECEIPT)
    ]
    assert market.receipt(RECEIPT) is None
    second = ask(market, job)
    assert second != first
    sent = tell(market, second, result(second, 0, money(RECEIPT)), source=STRANGER)
    assert names(sent) == SUCCESS_MESSAGES


def test_a_forged_result_that_mpesa_does_not_repeat_gives_nothing(market: Shop) -> None:
    job, first = asked(market)
    forged = result(first, 0, money(RECEIPT, Amount=1000))
    tell(market, first, forged, source=STRANGER)
    second = ask(market, job)
    told = tell(market, second, result(second, 0, money(RECEIPT)), source=STRANGER)
    assert "PaymentCompleted" not in names(told)
    assert market.receipt(RECEIPT) is None


def test_a_result_of_another_conversation_or_of_no_request_changes_nothing(market: Shop) -> None:
    job, question = asked(market)
    other = result(new_id(), 0, money(RECEIPT))
    for answered in (question, new_id(), job.payment_id):
        assert tell(market, answered, other) == []
    assert tell(market, question, "[]") == []
    assert tell(market, question, "{}") == []
    assert outcome(market) is None
    assert problems(market) == [
        "names another conversation than its request",
        "answers no request of ours",
        "answers no request of ours",
        "no Result",
        "no Result",
    ]


# What an unknown source told of


@pytest.mark.parametrize("is_true", [True, False])
def test_money_that_an_unknown_source_told_of_is_its_payers_once_mpesa_says_so(
    market: Shop, is_true: bool
) -> None:
    heard = replace(confirmation(receipt=RECEIPT, account=OTHER), source_address=STRANGER)
    (job,) = market.run(heard)
    assert isinstance(job, AskAboutReceiptJob)
    market.run(job)
    ((question, _),) = market.requests.asked
    body = result(question, 0, money(RECEIPT)) if is_true else result(question, 2032)
    sent = tell(market, question, body)
    if is_true:
        assert names(sent) == SUCCESS_MESSAGES
        # Not to the number that a stranger could have written there.
        assert market.payment(job.payment_id).phone == PHONE
    else:
        assert sent == []
        market.run(job, now=NOON + timedelta(minutes=5))
        assert len(market.requests.asked) == 1


# Over HTTP


Claiming = Callable[..., Any]


@pytest.fixture
def post(client: FlaskClient) -> Claiming:
    """POST /api/v1/payments/claim."""

    def ask_for(**fields: Any) -> Any:
        body = {"receipt": RECEIPT, "phone": "0712 345 678", "mac": "", **fields}
        return client.post("/api/v1/payments/claim", json=body)

    return ask_for


def see(client: FlaskClient, accepted: Any) -> Any:
    body = accepted.get_json()
    headers = {"Authorization": f"Bearer {body['claim_token']}"}
    return client.get(accepted.headers["Location"], headers=headers).get_json()


def sent_claim(publisher: FakePublisher) -> ClaimPaymentJob:
    job = publisher.sent[-1]
    assert isinstance(job, ClaimPaymentJob)
    return job


def test_the_page_of_a_claim_reads_pending_until_mpesa_answers(
    post: Claiming, client: FlaskClient, publisher: FakePublisher, market: Shop
) -> None:
    answer = post(receipt="uaf9 kd20 qx", link_login_only="http://10.5.50.1/login")
    assert answer.status_code == 202
    assert set(answer.get_json()) == {"id", "status", "claim_token"}
    job = sent_claim(publisher)
    assert (job.receipt, job.phone, job.mac) == (RECEIPT, PHONE, None)
    assert str(job.payment_id) == answer.get_json()["id"]
    before = see(client, answer)
    assert (before["status"], before["price"], before["package_id"]) == ("pending", None, None)
    assert before["phone"] == "2547*****678"
    market.run(job)
    assert see(client, answer)["status"] == "pending"
    question = ask(market, job)
    tell(market, question, result(question, 2032))
    failed = see(client, answer)
    assert failed["status"] == "failed"
    assert failed["failure"]["code"] == "receipt_not_found"
    second = ask(market, job, now=NOON + timedelta(seconds=31))
    tell(market, second, result(second, 0, money(RECEIPT)))
    served = see(client, answer)
    assert (served["status"], served["receipt"], served["failure"]) == ("completed", RECEIPT, None)
    assert served["price"] == {"amount": 2000, "currency": "KES"}
    assert served["access"]["login_url"] == "http://10.5.50.1/login"


def test_the_page_of_a_claim_shows_the_payment_that_the_receipt_turns_out_to_belong_to(
    post: Claiming, client: FlaskClient, publisher: FakePublisher, market: Shop
) -> None:
    payment_id = market.prompted()
    answer = post()
    job = sent_claim(publisher)
    assert job.payment_id != payment_id
    market.run(job)
    question = ask(market, job)
    tell(market, question, result(question, 0, money(RECEIPT)))
    shown = see(client, answer)
    assert (shown["id"], shown["status"]) == (str(payment_id), "completed")


def test_a_claim_answers_alike_whether_the_receipt_is_known_or_not(
    post: Claiming, client: FlaskClient, publisher: FakePublisher, shop: Shop
) -> None:
    payment_id = shop.completed()
    receipt = shop.payment(payment_id).receipt
    own, strange, unknown = post(receipt=receipt), post(receipt=receipt, phone=OTHER), post()
    assert own.get_json()["id"] == str(payment_id)
    assert see(client, own)["status"] == "completed"
    assert str(payment_id) not in {strange.get_json()["id"], unknown.get_json()["id"]}
    for answer in (strange, unknown):
        body = see(client, answer)
        assert (answer.get_json()["status"], body["status"], body["receipt"]) == (
            "pending",
            "pending",
            None,
        )


@pytest.mark.parametrize(
    "fields",
    [{"receipt": "12"}, {"receipt": None}, {"receipt": "x" * 501}, {"phone": "12"}, {"mac": "x"}],
)
def test_a_claim_that_makes_no_sense_is_refused(
    post: Claiming, publisher: FakePublisher, fields: dict[str, object]
) -> None:
    answer = post(**fields)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == set(fields)
    assert publisher.sent == []


def test_a_failed_claim_is_logged_without_the_whole_number(
    market: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    _, question = asked(market)
    capsys.readouterr()
    tell(market, question, result(question, 2032))
    logged = capsys.readouterr().out
    assert "claim failed" in logged
    assert "2547*****678" in logged
    assert PHONE not in logged
