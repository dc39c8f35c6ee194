"""What waits in the queues, as far as RabbitMQ says."""

import base64
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from gateway.queues import queues
from hotspot.bus.management import QueueState
from hotspot.testing.databases import Databases
from hotspot.web.problem import Problem

if TYPE_CHECKING:
    from .upstream import Upstream

STATE = {
    "name": "payments",
    "messages_ready": 3,
    "messages_unacknowledged": 1,
    "consumers": 2,
    "message_stats": {"ack_details": {"rate": 1.5}},
}


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Engine:
    """One database for all of them: nothing here depends on its rows."""
    return databases.fresh("gateway")


def with_password(url: str) -> str:
    return url.replace("http://", "http://me:secret@")


def test_each_queue_is_shown_by_name(upstream: "Upstream") -> None:
    upstream.answer("/api/queues/%2F", [STATE, {"name": "dashboard"}])
    assert queues(with_password(upstream.url), "amqp://me:secret@127.0.0.1/") == [
        QueueState(name="dashboard", ready=0, unacked=0, consumers=0, rate=0.0),
        QueueState(name="payments", ready=3, unacked=1, consumers=2, rate=1.5),
    ]
    expected = base64.b64encode(b"me:secret").decode()
    assert upstream.seen[0].headers["authorization"] == f"Basic {expected}"


@pytest.mark.parametrize(
    ("amqp_url", "path"),
    [
        ("amqp://127.0.0.1", "/api/queues/%2F"),
        ("amqp://127.0.0.1/hotspot", "/api/queues/hotspot"),
        ("amqp://127.0.0.1/a%2Fb", "/api/queues/a%2Fb"),
    ],
)
def test_only_our_virtual_host_is_asked_for(upstream: "Upstream", amqp_url: str, path: str) -> None:
    upstream.answer(path, [])
    assert queues(upstream.url, amqp_url) == []


@pytest.mark.parametrize(
    "body", [{"error": "x"}, ["x"], [{}], "x", [{"name": "a", "consumers": []}]]
)
def test_an_answer_that_makes_no_sense_is_no_answer(upstream: "Upstream", body: object) -> None:
    upstream.answer("/api/queues/%2F", body)
    with pytest.raises(Problem) as raised:
        queues(upstream.url, "amqp://127.0.0.1")
    assert raised.value.status == 503


def test_what_is_refused_or_down_is_said_without_the_password(
    upstream: "Upstream", nobody: str
) -> None:
    upstream.answer("/api/queues/%2F", {}, status=401)
    for url in (upstream.url, nobody):
        with pytest.raises(Problem) as raised:
            queues(with_password(url), "amqp://127.0.0.1")
        assert raised.value.status == 503
        assert "secret" not in raised.value.detail


def test_without_a_management_url_the_route_says_so(
    client: FlaskClient, viewer: dict[str, str]
) -> None:
    answer = client.get("/api/v1/queues", headers=viewer)
    assert answer.status_code == 503
    assert "RABBITMQ_MANAGEMENT_URL" in answer.get_json()["detail"]
