"""Payments that heard nothing are asked about, until M-Pesa says how they ended."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from hotspot.bus.envelope import Parcel
from hotspot.contract.operations import AlarmCleared, AlarmRaised
from hotspot.contract.payments import AskAboutPaymentJob, PromptPhoneJob, ReconcilePaymentsJob
from hotspot.contract.topology import delay_of, queue_of
from hotspot.testing.handling import NOON, envelope_for, run_envelope
from payment_service.mpesa.api import Answered, NotYet, OutcomeUnknown, TryLater
from payment_service.prompts.asking import GIVEN_UP_AFTER, PACE

from .shop import CHECKOUT, SUCCESS_MESSAGES, Shop, failure, names, success

DOWN = NotYet(reason="HTTP 503", daraja_is_down=True)
PENDING = NotYet(reason="still under processing")


def ask(payment_id: UUID, asked: int = 0) -> AskAboutPaymentJob:
    return AskAboutPaymentJob(payment_id=payment_id, asked=asked)


def at(**after: float) -> datetime:
    return NOON + timedelta(**after)


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


def test_while_nobody_knows_it_is_asked_again_ever_more_slowly(shop: Shop) -> None:
    payment_id = shop.prompted()
    now = at(seconds=25)
    for asked in range(6):
        shop.mpesa.outcomes[CHECKOUT] = PENDING
        assert shop.run(ask(payment_id, asked), now=now) == [ask(payment_id, asked + 1)]
        assert shop.payment(payment_id).status == "pending"
        now += PACE[min(asked, len(PACE) - 1)]
        assert shop.payment(payment_id).next_ask_at >= now
    assert PACE[0] >= timedelta(seconds=20)
    assert list(PACE) == sorted(PACE)


def test_of_two_questions_one_is_asked(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.mpesa.outcomes[CHECKOUT] = PENDING
    assert shop.run(ask(payment_id)) == [ask(payment_id, 1)]
    assert shop.run(ask(payment_id)) == [], "another one with its number came first"
    assert shop.mpesa.queried == [CHECKOUT]


def test_a_payment_is_asked_about_once_in_20_seconds_at_most(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.mpesa.outcomes[CHECKOUT] = PENDING
    shop.run(ask(payment_id))
    assert shop.run(ask(payment_id, 1), now=at(seconds=19)) == [ask(payment_id, 1)]
    assert len(shop.mpesa.queried) == 1
    shop.run(ask(payment_id, 1), now=at(seconds=20))
    assert len(shop.mpesa.queried) == 2


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
    assert shop.run(ask(payment_id), now=later) == []


def test_a_question_waits_in_a_delay_queue_and_then_in_its_own() -> None:
    job = ask(UUID(int=1))
    envelope = envelope_for(job)

    def waiting(wait: timedelta) -> Parcel:
        return Parcel.waiting(envelope, delay=delay_of(wait), queue=queue_of(job).name)

    delayed = waiting(timedelta(seconds=25))
    assert (delayed.exchange, delayed.routing_key) == ("delay.30s", "payments.mpesa")
    assert waiting(timedelta(days=1)).exchange == "delay.600s"


# While M-Pesa is down


def test_while_mpesa_is_down_one_asks_a_minute_and_the_others_are_put_off(shop: Shop) -> None:
    waiting = [shop.prompted(checkout=f"ws_CO_{number}") for number in range(3)]
    shop.mpesa.answer_all(DOWN)
    shop.run(ask(waiting[0]))
    for payment_id in waiting[1:]:
        assert shop.run(ask(payment_id), now=at(seconds=1)) == [ask(payment_id)]
    assert len(shop.mpesa.queried) == 1
    for payment_id in waiting[1:]:
        shop.run(ask(payment_id), now=at(seconds=60))
    assert len(shop.mpesa.queried) == 2, "one tries for all when the pause is over"


def test_once_mpesa_answers_again_all_are_asked_about(shop: Shop) -> None:
    waiting = [shop.prompted(checkout=f"ws_CO_{number}") for number in range(3)]
    shop.mpesa.answer_all(DOWN)
    shop.run(ask(waiting[0]))
    shop.mpesa.answer_all(Answered(result_code="0"))
    for payment_id in waiting[1:]:
        assert names(shop.run(ask(payment_id), now=at(seconds=60))) == SUCCESS_MESSAGES


def test_a_pending_answer_is_no_sign_of_trouble(shop: Shop) -> None:
    first, second = shop.prompted(checkout="ws_CO_1"), shop.prompted(checkout="ws_CO_2")
    shop.mpesa.answer_all(PENDING)
    shop.run(ask(first))
    shop.run(ask(second))
    assert len(shop.mpesa.queried) == 2


def test_mpesa_that_stays_down_is_an_alarm_until_it_answers(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.mpesa.answer_all(DOWN)
    assert "AlarmRaised" not in names(shop.run(ask(payment_id)))
    (_, raised) = shop.run(ask(payment_id, 1), now=at(seconds=60))
    assert isinstance(raised, AlarmRaised)
    assert (raised.alarm, raised.subject) == ("mpesa_down", "queries")
    assert "AlarmRaised" not in names(shop.run(ask(payment_id, 2), now=at(seconds=120)))
    shop.mpesa.answer_all(PENDING)
    (_, cleared) = shop.run(ask(payment_id, 3), now=at(seconds=180))
    assert isinstance(cleared, AlarmCleared)
    assert (cleared.alarm, cleared.subject) == ("mpesa_down", "queries")


@pytest.mark.parametrize("trouble", [TryLater("refused"), OutcomeUnknown("timed out")], ids=str)
def test_prompts_that_cannot_be_shown_are_an_alarm_of_their_own(
    shop: Shop, trouble: Exception
) -> None:
    sent = []
    for minutes in (0, 2):
        shop.mpesa.answers.append(trouble)
        payment_id = shop.request(requested_at=at(minutes=minutes))
        job = PromptPhoneJob(payment_id=payment_id)
        sent += shop.run(job, attempt=3, now=at(minutes=minutes))
    (raised,) = [one for one in sent if isinstance(one, AlarmRaised)]
    assert raised.subject == "prompts"
    assert names(shop.run(PromptPhoneJob(payment_id=shop.request()))) == [
        "AlarmCleared",
        "AskAboutPaymentJob",
    ]


def test_what_nobody_tried_for_long_is_not_said_to_be_down(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.mpesa.answer_all(DOWN)
    shop.run(ask(payment_id))
    shop.run(ask(payment_id, 1), now=at(seconds=60))
    shop.call_back(payment_id, success())
    assert shop.run(ReconcilePaymentsJob(), now=at(minutes=5)) == []
    assert names(shop.run(ReconcilePaymentsJob(), now=at(minutes=15))) == ["AlarmCleared"]


# Reconciliation


def test_a_question_that_was_lost_is_asked_again_once(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.mpesa.outcomes[CHECKOUT] = PENDING
    assert shop.run(ReconcilePaymentsJob(), now=at(seconds=60)) == [], "it may still come"
    again = shop.run(ReconcilePaymentsJob(), now=at(seconds=120))
    assert again == [ask(payment_id)]
    assert shop.run(ReconcilePaymentsJob(), now=at(seconds=180)) == []
    assert shop.run(again[0], now=at(seconds=180)) == [ask(payment_id, 1)]


def test_a_worker_that_died_while_it_asked_leaves_nobody_unasked(shop: Shop) -> None:
    payment_id = shop.prompted()
    envelope = envelope_for(ask(payment_id))
    shop.mpesa.outcomes[CHECKOUT] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run_envelope(shop.handlers, envelope, shop.engine)
    shop.mpesa.outcomes[CHECKOUT] = Answered(result_code="0")
    run_envelope(shop.handlers, envelope, shop.engine, redelivered=True)
    (again,) = shop.run(ReconcilePaymentsJob(), now=at(minutes=2))
    assert names(shop.run(again, now=at(minutes=2))) == SUCCESS_MESSAGES


def test_a_payment_that_nobody_answers_for_ends_after_a_day_and_revives(shop: Shop) -> None:
    payment_id = shop.prompted()
    assert names(shop.run(ReconcilePaymentsJob(), now=at(hours=23.9))) == ["AskAboutPaymentJob"]
    assert names(shop.run(ReconcilePaymentsJob(), now=at(hours=24.1))) == ["PaymentFailed"]
    row = shop.payment(payment_id)
    assert (row.status, row.failure_code) == ("expired", "no_news")
    assert names(shop.call_back(payment_id, success(), now=at(hours=30))) == SUCCESS_MESSAGES


def test_a_prompt_of_which_nobody_knows_ends_before_its_guest_despairs(shop: Shop) -> None:
    payment_id = shop.request()
    shop.mpesa.answers.append(OutcomeUnknown("read timed out"))
    shop.run(PromptPhoneJob(payment_id=payment_id))
    assert shop.run(ReconcilePaymentsJob(), now=at(minutes=9)) == []
    assert names(shop.run(ReconcilePaymentsJob(), now=at(minutes=13))) == ["PaymentFailed"]
    row = shop.payment(payment_id)
    assert (row.status, row.failure_code) == ("expired", "prompt_unclear")
    assert names(shop.call_back(payment_id, success(), now=at(minutes=14))) == SUCCESS_MESSAGES


def test_a_prompt_whose_message_was_lost_ends(shop: Shop) -> None:
    payment_id = shop.request()
    assert names(shop.run(ReconcilePaymentsJob(), now=at(minutes=11))) == ["PaymentFailed"]
    assert shop.payment(payment_id).failure_code == "not_prompted_in_time"
    shop.run(PromptPhoneJob(payment_id=payment_id), now=at(minutes=11))
    assert shop.mpesa.asked == []
