"""Delivery reports come late, twice, out of order, and about messages that nobody knows."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers
from hotspot.contract.sms import RecordDeliveryReportJob, SmsDelivered, SmsFailed
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for, run, run_envelope
from hotspot.vault import Vault
from notification_service.handlers import ReportCameFirst
from notification_service.models import DeliveryReport, Sms

from .fakes import PHONE, credentials

KNOWN: dict[str, Any] = json.loads((Path(__file__).parent / "samples.json").read_text())[
    "africastalking"
]["delivery_report"]
LATER = NOON + timedelta(hours=20)


def report(
    status: str, *, about: str = "ATXid_1", reason: str | None = None, at: datetime = LATER
) -> RecordDeliveryReportJob:
    return RecordDeliveryReportJob(
        provider="africastalking",
        provider_message_id=about,
        status=status,
        received_at=at,
        failure_reason=reason,
        phone=f"+{PHONE}",
    )


def state(engine: Engine) -> str:
    with Session(engine) as session:
        return session.scalars(select(Sms)).one().state


def reports(engine: Engine) -> list[tuple[str, bool]]:
    """Status of each report, and whether it was about a known message."""
    with Session(engine) as session:
        found = session.scalars(select(DeliveryReport).order_by(DeliveryReport.id)).all()
        return [(one.status, one.sms_id is not None) for one in found]


@pytest.fixture
def sent(engine: Engine, handlers: Handlers, vault: Vault) -> Sms:
    """A message that the gateway took as ATXid_1."""
    payment_id = new_id()
    run(handlers, credentials(vault, payment_id=payment_id), engine, correlation_id=payment_id)
    with Session(engine) as session:
        return session.scalars(select(Sms)).one()


def test_a_delivered_message_says_so_on_the_payments_timeline(
    engine: Engine, handlers: Handlers, sent: Sms
) -> None:
    (told,) = run(handlers, report("Success"), engine)

    assert told == SmsDelivered(
        sms_id=sent.id, phone=PHONE, delivered_at=LATER, payment_id=sent.payment_id
    )
    assert state(engine) == "delivered"
    assert sent.correlation_id == sent.payment_id


@pytest.mark.parametrize("status", ["Failed", "Rejected"])
@pytest.mark.parametrize("reason", [*KNOWN["failure_reasons"], None])
def test_a_lost_message_is_failed_with_the_gateways_reason(
    engine: Engine, handlers: Handlers, sent: Sms, status: str, reason: str | None
) -> None:
    (told,) = run(handlers, report(status, reason=reason), engine)

    assert isinstance(told, SmsFailed)
    assert told.reason == (reason or status)
    assert state(engine) == "failed"


@pytest.mark.parametrize(
    "status", [*sorted(set(KNOWN["statuses"]) - set(KNOWN["final"])), "SomethingNew"]
)
def test_a_report_that_is_not_final_is_kept_and_changes_nothing(
    engine: Engine, handlers: Handlers, sent: Sms, status: str
) -> None:
    assert run(handlers, report(status), engine) == []

    assert state(engine) == "sent"
    assert reports(engine) == [(status, True)]


@pytest.mark.parametrize(
    ("statuses", "ends_as"),
    [
        (["Success", "Success"], "delivered"),
        (["Success", "Buffered"], "delivered"),
        (["Success", "Failed"], "delivered"),
        (["Failed", "Success"], "delivered"),
        (["Failed", "Sent"], "failed"),
        (["Failed", "Rejected"], "failed"),
    ],
)
def test_reports_in_any_order_end_alike(
    engine: Engine, handlers: Handlers, sent: Sms, statuses: list[str], ends_as: str
) -> None:
    told = [message for status in statuses for message in run(handlers, report(status), engine)]

    assert state(engine) == ends_as
    assert len([one for one in told if isinstance(one, SmsDelivered)]) <= 1
    assert len([one for one in told if isinstance(one, SmsFailed)]) <= 1
    assert reports(engine) == [(status, True) for status in statuses]


def test_a_report_that_comes_before_the_gateways_reply_waits_for_it(
    engine: Engine, handlers: Handlers, vault: Vault
) -> None:
    envelope = envelope_for(report("Success"))
    with pytest.raises(ReportCameFirst):
        run_envelope(handlers, envelope, engine)

    run(handlers, credentials(vault), engine)
    (told,) = run_envelope(handlers, envelope.again(), engine)

    assert isinstance(told, SmsDelivered)
    assert state(engine) == "delivered"


def test_a_report_about_no_known_message_is_kept_in_the_end(
    engine: Engine, handlers: Handlers
) -> None:
    stranger = report("Success", about="ATXid_unknown")

    assert run(handlers, stranger, engine, attempt=3) == []

    assert reports(engine) == [("Success", False)]
