"""What the OpenAPI document says of the gateway's own routes holds."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gateway import events, operators
from gateway import keys as keys_of
from gateway.config import Config
from gateway.live import Hub
from gateway.models import Operator
from gateway.operators import Passwords
from gateway.web import create_app
from hotspot.contract.sms import SmsDelivered
from hotspot.testing.api import EXAMPLE_ID, add_failed_job, check_document, rename_to_example
from hotspot.testing.handling import NOON, FakePublisher, envelope_for
from hotspot.testing.identity import Keys

if TYPE_CHECKING:
    from .upstream import Upstream


@pytest.fixture
def app(
    config: Config, upstream: "Upstream", engine: Engine, hub: Hub, passwords: Passwords
) -> Flask:
    """A gateway to which RabbitMQ answers, and that has no services to ask."""
    upstream.answer("/api/queues/%2F", [{"name": "dashboard"}])
    alone = replace(config, services={}, rabbitmq_management_url=upstream.url)
    return create_app(alone, publisher=FakePublisher(), engine=engine, hub=hub, passwords=passwords)


def test_the_service_is_as_its_document_says(
    app: Flask, keys: Keys, engine: Engine, passwords: Passwords
) -> None:
    for email in ("a@example.com", "b@example.com"):
        operators.save(
            engine, email=email, role="owner", password="-" * 12, now=NOON, passwords=passwords
        )
    with Session(engine, expire_on_commit=False) as session, session.begin():
        first, second = session.scalars(select(Operator.id).order_by(Operator.email))
        made = keys_of.make(session, name="books", role="viewer", by=str(first), now=NOON)
        happened = SmsDelivered(sms_id=EXAMPLE_ID, phone="254712345678", delivered_at=NOON)
        events.record(session, happened, envelope_for(happened, correlation_id=EXAMPLE_ID))
    rename_to_example(engine, second, "operators.id")
    rename_to_example(engine, made.row.id, "api_keys.id")
    add_failed_job(engine, NOON)

    check_document(app, keys.token("owner", subject=str(first)))
