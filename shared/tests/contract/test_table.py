"""The contract is whole, and its messages are what was recorded."""

import json
from collections import Counter
from pathlib import Path

import pytest

from hotspot.contract import table
from hotspot.contract.document import messages_md
from hotspot.contract.examples import FOLDER, example_of, recorded
from hotspot.contract.message import InvalidMessage, Message, dump, load, schema_of
from hotspot.contract.rows import Event, Job
from hotspot.contract.topology import route_of, topology

ROOT = Path(__file__).parents[3]
ALL = [row.message for row in table.MESSAGES]
DOCUMENTED_EXCHANGES = {
    "hotspot-provisioning",
    "subscription-reconnection",
    "payments",
    "hotspot-sms",
    "router-provisioning",
    "dashboard",
    "session-management",
    "subscription-management",
    "router-monitoring",
    "metrics",
    "notifications",
    "maintenance",
    "grace-period",
    "default",
}
DOCUMENTED_JOBS = {
    "CreateHotspotUserJob": ("hotspot-provisioning", 90, 3),
    "ReconnectSubscriptionJob": ("subscription-reconnection", 60, 3),
    "ProcessPaymentJob": ("payments", 60, 3),
    "SendCredentialsSMSJob": ("hotspot-sms", 30, 3),
    "RouterProvisioningJob": ("router-provisioning", 120, 2),
    "UpdateDashboardStatsJob": ("dashboard", 30, 1),
    "CheckExpiredSessionsJob": ("session-management", 60, 3),
    "CheckExpiredSubscriptionsJob": ("subscription-management", 60, 3),
    "CheckRoutersJob": ("router-monitoring", 110, 1),
    "CollectSystemMetricsJob": ("metrics", 30, 1),
    "ProcessGracePeriodJob": ("grace-period", 300, 3),
    "RotateLogs": ("maintenance", 600, 3),
    "SendPaymentRemindersJob": ("notifications", 300, 3),
}
DOCUMENTED_EVENTS = {
    "PaymentCompleted",
    "HotspotUserProvisionRequested",
    "SubscriptionReconnectionRequested",
    "HotspotUserCreated",
    "RouterConnected",
    "RouterStatusUpdated",
    "SessionExpired",
    "AccountSuspended",
    "AccountUnsuspended",
}


def test_every_documented_exchange_is_declared() -> None:
    assert {exchange.name for exchange in topology().exchanges} >= DOCUMENTED_EXCHANGES


def test_every_documented_job_has_its_queue_timeout_and_tries() -> None:
    rows = {row.message.NAME: row for row in table.MESSAGES if isinstance(row, Job)}
    for name, (exchange, timeout, tries) in DOCUMENTED_JOBS.items():
        row = rows[name]
        assert (row.lands_in[0].exchange, row.timeout, row.tries) == (exchange, timeout, tries)


def test_every_documented_event_is_declared() -> None:
    events = {row.message.NAME for row in table.MESSAGES if isinstance(row, Event)}
    assert events >= DOCUMENTED_EVENTS


def test_nothing_is_said_twice() -> None:
    assert [name for name, times in Counter(m.NAME for m in ALL).items() if times > 1] == []
    queues = Counter(queue.name for queue in topology().queues)
    assert [name for name, times in queues.items() if times > 1] == []


def test_every_queue_is_a_quorum_queue_that_loses_nothing() -> None:
    for queue in topology().queues:
        arguments = dict(queue.arguments)
        assert arguments["x-queue-type"] == "quorum"
        if "x-dead-letter-exchange" in arguments:
            assert arguments["x-dead-letter-strategy"] == "at-least-once"


@pytest.mark.parametrize("message", ALL, ids=lambda message: message.NAME)
def test_what_was_recorded_is_still_understood(message: type[Message]) -> None:
    """A field may be added with a default; what else changes needs a new version."""
    payload = recorded(message)
    now = dump(load(message, payload))
    assert {name: now.get(name) for name in payload} == payload, "make a new version"
    assert set(dump(example_of(message))) == set(now)


@pytest.mark.parametrize("message", ALL, ids=lambda message: message.NAME)
def test_a_message_without_its_required_fields_is_refused(message: type[Message]) -> None:
    for name, field in schema_of(message).fields.items():
        payload = recorded(message)
        if field.required:
            del payload[name]
            with pytest.raises(InvalidMessage, match=name):
                load(message, payload)


def test_a_field_of_a_newer_sender_is_ignored() -> None:
    payload = recorded(ALL[0]) | {"something_new": 1}
    assert load(ALL[0], payload) == load(ALL[0], recorded(ALL[0]))


def test_every_message_has_a_route() -> None:
    for message in ALL:
        exchange, key = route_of(load(message, recorded(message)))
        assert exchange
        assert key.startswith(message.NAME)


def test_the_document_is_made_from_the_table() -> None:
    assert (ROOT / "docs/messages.md").read_text() == messages_md()


def test_examples_are_json_that_people_can_read() -> None:
    for path in FOLDER.glob("*.json"):
        text = path.read_text()
        assert json.dumps(json.loads(text), indent=2) + "\n" == text
