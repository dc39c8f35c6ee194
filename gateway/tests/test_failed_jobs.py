"""One list of the failed jobs of all services, also while some of them are down."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gateway.config import Config
from gateway.live import Hub
from gateway.web import create_app
from hotspot.bus import ledger
from hotspot.bus.ledger import Failure
from hotspot.contract.operations import (
    FlushFailedJobsJob,
    RetryFailedJobsJob,
    UpdateDashboardStatsJob,
)
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, envelope_for

if TYPE_CHECKING:
    from .upstream import Upstream

PATH = "/api/v1/failed-jobs"
DOWN = ["notification", "provisioning", "radius", "router", "scheduler"]


def job(job_id: UUID, service: str = "payment") -> dict[str, Any]:
    """A failed job as a service shows it."""
    return {
        "id": str(job_id),
        "service": service,
        "message": "ProcessPaymentJob",
        "queue": "payments",
        "reason": "it broke",
        "exception": "ValueError",
        "attempts": 3,
        "failures": 1,
        "correlation_id": str(job_id),
        "first_failed_at": "2026-01-15T09:00:00Z",
        "last_failed_at": "2026-01-15T09:00:00Z",
        "retried_at": None,
        "payload": "{}",
        "traceback": "",
        "causation_id": None,
    }


def fail_here(engine: Engine) -> UUID:
    """A failed job of the gateway itself; answers its id."""
    envelope = envelope_for(UpdateDashboardStatsJob())
    failure = Failure(
        queue="dashboard", reason="it broke", exception="E", traceback="", failed_at=NOON
    )
    with Session(engine) as session:
        ledger.record_failure(session, envelope, failure)
        session.commit()
    return envelope.message_id


@pytest.fixture
def all_up(
    config: Config, publisher: FakePublisher, engine: Engine, hub: Hub, upstream: "Upstream"
) -> Iterator[FlaskClient]:
    """A gateway whose only service is payment-service, which is up."""
    alone = replace(config, services={"payment": upstream.url})
    app = create_app(alone, publisher=publisher, engine=engine, hub=hub)
    with app.test_client() as client:
        yield client


def test_the_list_merges_all_services_newest_first_and_names_who_is_down(
    client: FlaskClient, viewer: dict[str, str], upstream: "Upstream", engine: Engine
) -> None:
    oldest = new_id()
    own = fail_here(engine)
    newest = new_id()
    upstream.answer(PATH, {"items": [job(newest), job(oldest)], "next": None})
    shown = client.get(PATH, headers=viewer).get_json()
    assert [one["id"] for one in shown["items"]] == [str(newest), str(own), str(oldest)]
    assert [one["service"] for one in shown["items"]] == ["payment", "gateway", "payment"]
    assert (shown["next"], shown["unavailable"]) == (None, DOWN)
    assert upstream.seen[0].headers["authorization"] == viewer["Authorization"]


def test_pages_follow_one_another_over_all_services(
    all_up: FlaskClient, viewer: dict[str, str], upstream: "Upstream", engine: Engine
) -> None:
    first, own, last = new_id(), fail_here(engine), new_id()
    upstream.answer(PATH, {"items": [job(last), job(first)], "next": None})
    page = all_up.get(f"{PATH}?limit=2", headers=viewer).get_json()
    assert [one["id"] for one in page["items"]] == [str(last), str(own)]
    upstream.answer(PATH, {"items": [job(first)], "next": None})
    page = all_up.get(f"{PATH}?limit=2&cursor={page['next']}", headers=viewer).get_json()
    assert [one["id"] for one in page["items"]] == [str(first)]
    assert page["next"] is None
    assert upstream.seen[0].target == f"{PATH}?limit=2"
    assert upstream.seen[1].target.startswith(f"{PATH}?limit=2&cursor=")


def test_there_is_more_when_a_service_says_so(
    all_up: FlaskClient, viewer: dict[str, str], upstream: "Upstream"
) -> None:
    upstream.answer(PATH, {"items": [job(new_id())], "next": "more"})
    assert all_up.get(f"{PATH}?limit=1", headers=viewer).get_json()["next"]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=%21"])
def test_a_page_that_cannot_be_is_refused(
    client: FlaskClient, viewer: dict[str, str], query: str
) -> None:
    answer = client.get(f"{PATH}?{query}", headers=viewer)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {query.split("=", maxsplit=1)[0]}


@pytest.mark.parametrize("body", ["nonsense", {"items": []}, []])
def test_a_service_that_answers_nonsense_counts_as_unavailable(
    all_up: FlaskClient, viewer: dict[str, str], upstream: "Upstream", body: object
) -> None:
    upstream.answer(PATH, body)
    assert all_up.get(PATH, headers=viewer).get_json()["unavailable"] == ["payment"]


def test_one_job_is_found_wherever_it_is(
    client: FlaskClient, viewer: dict[str, str], upstream: "Upstream", engine: Engine
) -> None:
    theirs, own = new_id(), fail_here(engine)
    upstream.answer(f"{PATH}/{theirs}", job(theirs))
    assert client.get(f"{PATH}/{theirs}", headers=viewer).get_json()["service"] == "payment"
    shown = client.get(f"{PATH}/{own}", headers=viewer).get_json()
    assert (shown["service"], shown["payload"]) == ("gateway", "{}")


def test_a_job_that_nobody_has_is_unknown_only_when_all_have_answered(
    client: FlaskClient, all_up: FlaskClient, viewer: dict[str, str], upstream: "Upstream"
) -> None:
    unknown = new_id()
    upstream.answer(f"{PATH}/{unknown}", {}, status=404)
    assert all_up.get(f"{PATH}/{unknown}", headers=viewer).status_code == 404
    answer = client.get(f"{PATH}/{unknown}", headers=viewer)
    assert answer.status_code == 503
    assert ", ".join(DOWN) in answer.get_json()["detail"]


def test_a_retry_is_sent_to_the_service_that_owns_the_job(
    client: FlaskClient,
    operator: dict[str, str],
    upstream: "Upstream",
    publisher: FakePublisher,
    engine: Engine,
) -> None:
    theirs, own = new_id(), fail_here(engine)
    upstream.answer(f"{PATH}/{theirs}", job(theirs))
    answer = client.post(f"{PATH}/{theirs}/retry", headers=operator)
    assert (answer.status_code, answer.get_json()["service"]) == (202, "payment")
    assert client.post(f"{PATH}/{own}/retry", headers=operator).status_code == 202
    assert client.delete(f"{PATH}/{own}", headers=operator).status_code == 202
    assert publisher.sent == [
        RetryFailedJobsJob(service="payment", message_ids=(theirs,)),
        RetryFailedJobsJob(service="gateway", message_ids=(own,)),
        FlushFailedJobsJob(service="gateway", message_ids=(own,)),
    ]


def test_all_are_retried_or_flushed_also_at_services_that_are_down(
    client: FlaskClient, operator: dict[str, str], publisher: FakePublisher, config: Config
) -> None:
    everyone = [*config.services, "gateway"]
    assert client.post(f"{PATH}/retry", headers=operator).status_code == 202
    assert publisher.sent == [RetryFailedJobsJob(service=name) for name in everyone]
    publisher.parcels.clear()
    answer = client.delete(PATH, headers=operator)
    assert [one["service"] for one in answer.get_json()["items"]] == everyone
    assert publisher.sent == [FlushFailedJobsJob(service=name) for name in everyone]


def test_an_order_that_the_broker_does_not_take_is_refused(
    client: FlaskClient, operator: dict[str, str], publisher: FakePublisher
) -> None:
    publisher.away = True
    assert client.post(f"{PATH}/retry", headers=operator).status_code == 503
