"""What Prometheus is told of the queues."""

from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hotspot.testing.handling import NOON
from scheduler_service import metrics
from scheduler_service.models import Alarm

FIGURES = {
    "queue.payments.mpesa.age_seconds": 42.0,
    "queue.payments.mpesa.ready": 3.0,
    "service.radius.failed_jobs": 2.0,
    "host.disk_percent": 71.0,
}


def test_prometheus_is_told_how_long_messages_have_waited(
    client: FlaskClient, engine: Engine
) -> None:
    with Session(engine) as session, session.begin():
        metrics.keep(session, FIGURES, NOON - timedelta(minutes=1))

    shown = client.get("/metrics").text

    assert 'hotspot_queue_age_seconds{queue="payments.mpesa"} 42.0' in shown
    assert 'hotspot_queue_ready{queue="payments.mpesa"} 3.0' in shown
    assert 'queue="payments.mpesa.ready"' not in shown


def test_prometheus_is_told_of_failed_jobs_and_alarms(client: FlaskClient, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        metrics.keep(session, FIGURES, NOON)
        for subject, raised_at in (("payments", NOON), ("dashboard", None)):
            session.add(
                Alarm(alarm="queue_waits", subject=subject, checks=1, said="", raised_at=raised_at)
            )

    shown = client.get("/metrics").text

    assert 'hotspot_failed_jobs{service="radius"} 2.0' in shown
    assert 'hotspot_alarm{alarm="queue_waits",subject="payments"} 1.0' in shown
    assert 'subject="dashboard"' not in shown


def test_what_was_seen_too_long_ago_is_told_no_more(client: FlaskClient, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        metrics.keep(session, FIGURES, NOON - timedelta(minutes=4))

    assert "hotspot_queue_age_seconds" not in client.get("/metrics").text
