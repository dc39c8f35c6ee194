"""One job, one SMS: also when jobs come again, workers die and gateways do not answer."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.operations import JobFailed
from hotspot.contract.payments import PaymentCompleted
from hotspot.contract.sms import ResendSMSJob, SendTextSMSJob, SmsFailed, SmsSent
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for, run, run_envelope
from hotspot.vault import Vault
from notification_service.gateways import Accepted, GatewayNotReached, NoClearAnswer, Refused
from notification_service.models import Sms
from notification_service.sending import AnotherAttemptIsUnderWay

from .fakes import PASSWORD, PHONE, FakeGateway, WorkerKilled, credentials


def messages(engine: Engine) -> list[Sms]:
    with Session(engine) as session:
        return list(session.scalars(select(Sms).order_by(Sms.id)))


def only_message(engine: Engine) -> Sms:
    (sms,) = messages(engine)
    return sms


def only_failure(sent: list[Message]) -> SmsFailed:
    (message,) = sent
    assert isinstance(message, SmsFailed)
    return message


def test_the_credentials_go_out_once_and_are_recorded(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    gateway.answers = [Accepted(provider_message_id="ATXid_7", cost=Money(amount=80))]
    job = credentials(vault)

    (sent,) = run(handlers, job, engine)

    ((phone, said),) = gateway.sent
    assert phone == PHONE
    assert "0712345678" in said
    assert PASSWORD in said
    sms = only_message(engine)
    assert (sms.state, sms.kind, sms.payment_id) == ("sent", "credentials", job.payment_id)
    assert (sms.provider_message_id, sms.cost_amount, sms.cost_currency) == ("ATXid_7", 80, "KES")
    assert sent == SmsSent(
        sms_id=sms.id,
        phone=PHONE,
        provider="africastalking",
        sent_at=NOON,
        payment_id=job.payment_id,
    )


def test_the_password_lies_in_the_database_sealed_only(
    engine: Engine, handlers: Handlers, vault: Vault
) -> None:
    run(handlers, credentials(vault), engine)

    with engine.connect() as connection:
        (row,) = connection.execute(text("SELECT messages::text FROM messages")).scalars()
    assert PASSWORD not in row
    assert PASSWORD in vault.open(only_message(engine).sealed_text)


def test_a_message_is_written_down_before_it_is_sent(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    seen: list[str] = []
    gateway.during = lambda: seen.append(only_message(engine).state)

    run(handlers, credentials(vault), engine)

    assert seen == ["sending"]


def test_the_receipt_is_in_the_text_when_it_is_known(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    job = credentials(vault)
    completed = PaymentCompleted(
        payment_id=job.payment_id,
        phone=PHONE,
        package_id=new_id(),
        receipt="SKL61H7QOP",
        amount=Money.shillings(20),
        completed_at=NOON,
    )

    assert run(handlers, completed, engine) == []
    run(handlers, job, engine)

    assert "SKL61H7QOP" in gateway.sent[0][1]


def test_another_job_for_the_same_payment_sends_nothing(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    job = credentials(vault)
    run(handlers, job, engine)

    assert run(handlers, job, engine) == []

    assert len(gateway.sent) == 1
    assert only_message(engine).state == "sent"


def test_a_refused_message_is_failed_with_the_reason(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    gateway.answers = [Refused(reason="403 InvalidPhoneNumber")]

    failed = only_failure(run(handlers, credentials(vault), engine))

    assert failed.reason == "403 InvalidPhoneNumber"
    assert (only_message(engine).state, only_message(engine).failed_at) == ("failed", NOON)


def test_what_was_certainly_not_sent_is_sent_on_the_next_attempt(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    gateway.answers = [GatewayNotReached("refused")]
    envelope = envelope_for(credentials(vault))

    with pytest.raises(GatewayNotReached):
        run_envelope(handlers, envelope, engine)
    assert only_message(engine).state == "sending"
    (sent,) = run_envelope(handlers, envelope.again(), engine)

    assert isinstance(sent, SmsSent)
    assert len(gateway.sent) == 2
    assert only_message(engine).state == "sent"


def test_a_worker_killed_while_sending_leaves_it_unclear_and_nobody_sends_again(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    gateway.answers = [WorkerKilled()]
    envelope = envelope_for(credentials(vault))
    with pytest.raises(WorkerKilled):
        run_envelope(handlers, envelope, engine)

    failed = only_failure(run_envelope(handlers, envelope, engine, redelivered=True))
    repeated = run_envelope(handlers, envelope, engine, redelivered=True)

    assert failed.reason.startswith("unclear whether it was sent")
    assert repeated == []
    assert len(gateway.sent) == 1
    assert only_message(engine).state == "unclear"


def test_a_gateway_that_does_not_answer_leaves_it_unclear(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    gateway.answers = [NoClearAnswer("the SMS gateway did not answer: ReadTimeout")]

    failed = only_failure(run(handlers, credentials(vault), engine))

    assert "ReadTimeout" in failed.reason
    assert len(gateway.sent) == 1
    assert only_message(engine).state == "unclear"


def test_the_answer_counts_though_another_worker_had_left_it_unclear(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    """The connection to the broker breaks while the gateway works: the job is given out again."""
    envelope = envelope_for(credentials(vault))
    meanwhile: list[Message] = []
    gateway.during = lambda: meanwhile.extend(
        run_envelope(handlers, envelope, engine, redelivered=True)
    )

    (sent,) = run_envelope(handlers, envelope, engine)

    assert [type(message) for message in meanwhile] == [SmsFailed]
    assert isinstance(sent, SmsSent)
    assert len(gateway.sent) == 1
    assert only_message(engine).state == "sent"


def test_an_old_copy_of_an_attempt_does_not_send_beside_a_newer_one(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    gateway.answers = [GatewayNotReached("refused"), WorkerKilled()]
    first = envelope_for(credentials(vault))
    with pytest.raises(GatewayNotReached):
        run_envelope(handlers, first, engine)
    with pytest.raises(WorkerKilled):
        run_envelope(handlers, first.again(), engine)

    with pytest.raises(AnotherAttemptIsUnderWay):
        run_envelope(handlers, first, engine)

    assert len(gateway.sent) == 2


def test_a_job_that_was_given_up_marks_its_message_and_an_operators_retry_sends_it(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    gateway.answers = [GatewayNotReached("refused")] * 3
    envelope = envelope_for(credentials(vault))
    for attempt in (1, 2, 3):
        with pytest.raises(GatewayNotReached):
            run_envelope(handlers, replace(envelope, attempt=attempt), engine)

    given_up = JobFailed(
        service="notification",
        message_id=envelope.message_id,
        message=envelope.name,
        queue="hotspot-sms",
        reason="no connection to the SMS gateway",
        attempts=3,
        failed_at=NOON,
    )
    failed = only_failure(run(handlers, given_up, engine))
    assert failed.reason == "no connection to the SMS gateway"
    assert only_message(engine).state == "failed"

    (sent,) = run_envelope(handlers, replace(envelope, was_failed=True), engine)

    assert isinstance(sent, SmsSent)
    assert only_message(engine).state == "sent"
    assert run(handlers, given_up, engine) == []
    assert only_message(engine).state == "sent"


def test_failed_jobs_of_other_services_concern_no_message(
    engine: Engine, handlers: Handlers
) -> None:
    event = JobFailed(
        service="payment",
        message_id=new_id(),
        message="PromptPhoneJob",
        queue="payments.mpesa",
        reason="down",
        attempts=3,
        failed_at=NOON,
    )

    assert run(handlers, event, engine) == []


def test_a_resent_message_is_a_new_one_with_the_same_words(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    gateway.answers = [NoClearAnswer("no answer")]
    run(handlers, credentials(vault), engine)
    first, later = only_message(engine), NOON + timedelta(minutes=5)
    job = ResendSMSJob(sms_id=first.id, as_sms_id=new_id())

    (sent,) = run(handlers, job, engine, now=later)

    again = next(sms for sms in messages(engine) if sms.id == job.as_sms_id)
    assert isinstance(sent, SmsSent)
    assert sent.sms_id == again.id
    assert (again.state, again.resend_of, again.payment_id) == ("sent", first.id, first.payment_id)
    assert gateway.sent[0] == gateway.sent[1]
    unchanged = next(sms for sms in messages(engine) if sms.id == first.id)
    assert unchanged.state == "unclear"


def test_a_buyer_who_lost_the_sms_gets_it_again(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    payment_id = new_id()
    run(handlers, credentials(vault, payment_id=payment_id), engine)
    first = only_message(engine)

    for _ in range(2):
        run(handlers, credentials(vault, payment_id=payment_id, again=True), engine)

    assert len(gateway.sent) == 3
    assert {sms.resend_of for sms in messages(engine)} == {None, first.id}


def test_asked_again_before_the_first_one_was_written_it_goes_once(
    engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault
) -> None:
    payment_id = new_id()
    run(handlers, credentials(vault, payment_id=payment_id, again=True), engine)

    run(handlers, credentials(vault, payment_id=payment_id), engine)

    assert len(gateway.sent) == 1


def test_a_message_that_never_was_cannot_be_resent(engine: Engine, handlers: Handlers) -> None:
    with pytest.raises(Reject, match="no message"):
        run(handlers, ResendSMSJob(sms_id=new_id(), as_sms_id=new_id()), engine)


def test_a_text_without_secrets_is_sent_as_it_is(
    engine: Engine, handlers: Handlers, gateway: FakeGateway
) -> None:
    job = SendTextSMSJob(kind="account_suspended", phone=PHONE, text="Your WiFi is suspended.")

    run(handlers, job, engine)

    assert gateway.sent == [(PHONE, "Your WiFi is suspended.")]
    assert only_message(engine).text == "Your WiFi is suspended."
