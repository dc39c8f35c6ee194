"""What operators see of the schedule, of figures and of maintenance."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers
from hotspot.contract.operations import HistoryPruned, Pruned, RotateLogs
from hotspot.testing.handling import NOON, FakePublisher, run
from hotspot.testing.identity import Keys
from scheduler_service import metrics, runs
from scheduler_service.models import JOBS, Alarm

MINUTE = timedelta(minutes=1)


@pytest.fixture
def viewer(keys: Keys) -> dict[str, str]:
    """Somebody who may read."""
    return keys.headers("viewer")


def test_the_schedule_shows_last_and_next_runs(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    night = datetime(2026, 1, 15, 0, 0, tzinfo=UTC)
    with engine.begin() as connection:
        runs.record(connection, "RotateLogs", night, now=night, by="host:1")
        runs.note_published(connection, runs.to_publish(connection), night)
        row = {
            "id": "RotateLogs",
            "next_run_time": (night + timedelta(days=1)).timestamp(),
            "job_state": b"",
        }
        connection.execute(insert(JOBS), [row])

    items = client.get("/api/v1/schedules", headers=viewer).get_json()["items"]

    shown = {item["job"]: item for item in items}
    assert len(shown) == 11
    assert shown["RotateLogs"] == {
        "job": "RotateLogs",
        "does": "Rotate log files and prune history, in every service that keeps any.",
        "period_seconds": 86_400,
        "daily_at": "03:00",
        "timezone": "Africa/Nairobi",
        "last_run": {
            "due_at": "2026-01-15T00:00:00Z",
            "published_at": "2026-01-15T00:00:00Z",
            "by": "host:1",
        },
        "next_run_at": "2026-01-16T00:00:00Z",
    }
    assert shown["CheckRoutersJob"]["period_seconds"] == 120
    assert shown["CheckRoutersJob"]["last_run"] is None


def test_an_operator_runs_a_job_now(
    client: FlaskClient, keys: Keys, publisher: FakePublisher
) -> None:
    answer = client.post("/api/v1/schedules/RotateLogs/run", headers=keys.headers("operator"))

    assert answer.status_code == 202
    (parcel,) = publisher.parcels
    assert publisher.sent == [RotateLogs()]
    assert answer.get_json() == {
        "job": "RotateLogs",
        "dispatched": str(parcel.envelope.message_id),
    }


def test_only_what_is_in_the_schedule_is_run_and_only_by_operators(
    client: FlaskClient, keys: Keys, publisher: FakePublisher
) -> None:
    path = "/api/v1/schedules/{}/run"

    for job, role, status in (
        ("ProcessPaymentJob", "owner", 404),
        ("%2e%2e", "owner", 404),
        ("RotateLogs", "support", 403),
    ):
        assert client.post(path.format(job), headers=keys.headers(role)).status_code == status
    assert client.post(path.format("RotateLogs")).status_code == 401
    assert publisher.parcels == []


def test_a_broker_that_is_away_is_said_so(
    client: FlaskClient, keys: Keys, publisher: FakePublisher
) -> None:
    publisher.away = True

    answer = client.post("/api/v1/schedules/RotateLogs/run", headers=keys.headers("operator"))

    assert answer.status_code == 503


def test_a_figure_is_shown_over_time(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    with Session(engine) as session, session.begin():
        for minute, value in ((0, 2.0), (1, 4.0), (2, 9.0)):
            metrics.keep(session, {"host.load": value}, NOON + (minute - 5) * MINUTE)

    answer = client.get("/api/v1/metrics?name=host.load&step=120", headers=viewer).get_json()

    assert answer == {
        "name": "host.load",
        "step": 120,
        "items": [
            {"at": "2026-01-15T08:54:00Z", "avg": 2.0, "max": 2.0},
            {"at": "2026-01-15T08:56:00Z", "avg": 6.5, "max": 9.0},
        ],
        "next": None,
    }


@pytest.mark.parametrize(
    "query",
    [
        "",
        "name=",
        "name=a%00b",
        "name=caf%C3%A9",
        "name=x&since=0001-01-01T00:00:00%2B23:59",
        "name=x&step=30",
        "name=x&step=fast",
        "name=x&since=yesterday",
        "name=x&since=2025-12-20T00:00:00Z",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    client: FlaskClient, viewer: dict[str, str], query: str
) -> None:
    assert client.get(f"/api/v1/metrics?{query}", headers=viewer).status_code == 422


def test_the_latest_figures_come_with_what_is_wrong(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    assert client.get("/api/v1/metrics/latest", headers=viewer).get_json()["at"] is None
    with Session(engine) as session, session.begin():
        metrics.keep(session, {"b": 2, "a": 1.5}, NOON)
        for subject, raised_at in (("payments", NOON), ("dashboard", None)):
            session.add(
                Alarm(alarm="queue_waits", subject=subject, checks=1, said="!", raised_at=raised_at)
            )

    answer = client.get("/api/v1/metrics/latest", headers=viewer).get_json()

    assert answer["items"] == [{"name": "a", "value": 1.5}, {"name": "b", "value": 2.0}]
    assert answer["alarms"] == [
        {
            "alarm": "queue_waits",
            "subject": "payments",
            "said": "!",
            "raised_at": "2026-01-15T09:00:00Z",
        }
    ]


def test_maintenance_is_listed_newest_first_in_pages(
    client: FlaskClient, viewer: dict[str, str], engine: Engine, handlers: Handlers
) -> None:
    for service in ("payment", "gateway"):
        event = HistoryPruned(
            service=service, begun_at=NOON, ended_at=NOON, gone=(Pruned(what="inbox", rows=3),)
        )
        run(handlers, event, engine)

    first = client.get("/api/v1/maintenance?limit=1", headers=viewer).get_json()
    second = client.get(
        f"/api/v1/maintenance?limit=1&cursor={first['next']}", headers=viewer
    ).get_json()

    shown = [*first["items"], *second["items"]]
    assert [(one["service"], one["what"], one["done"]) for one in shown] == [
        ("gateway", "history", {"inbox": 3}),
        ("payment", "history", {"inbox": 3}),
    ]
    assert second["next"] is None


@pytest.mark.parametrize("path", ["schedules", "metrics?name=x", "metrics/latest", "maintenance"])
def test_nobody_reads_without_a_token(client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/v1/{path}").status_code == 401
