"""What is kept and told of logins, and what is counted of packets."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine

from hotspot.testing.handling import NOON, FakePublisher
from radius_service.config import Config
from radius_service.counters import Counters
from radius_service.counting import CountKeeper
from radius_service.journal import Lately
from radius_service.web import create_app

from .world import Database, Running, asks, until

GRANT, OTHER = UUID(int=1), UUID(int=2)


def test_a_grant_is_news_once_a_minute() -> None:
    lately = Lately()
    assert lately.is_news(GRANT, NOON)
    assert not lately.is_news(GRANT, NOON + timedelta(seconds=59))
    assert lately.is_news(OTHER, NOON + timedelta(seconds=59))
    assert lately.is_news(GRANT, NOON + timedelta(seconds=60))


def test_what_was_told_is_remembered_within_bounds() -> None:
    lately = Lately(most=3)
    for number in range(5):
        assert lately.is_news(UUID(int=number), NOON)
    assert not lately.is_news(UUID(int=4), NOON)
    assert lately.is_news(UUID(int=0), NOON), "the oldest was not forgotten"


def test_a_device_that_logs_in_over_and_over_is_told_of_once_and_kept_each_time(
    radius: Database, running: Running
) -> None:
    radius.give()
    for _ in range(3):
        asks(running)
    until(lambda: len(radius.rows("SELECT * FROM radpostauth")) == 3)
    until(lambda: "LoginAccepted" in running.told)
    assert running.told.count("LoginAccepted") == 1


def test_counts_of_several_processes_add_up(radius: Database) -> None:
    for _ in range(2):
        counters = Counters()
        keeper = CountKeeper(radius.engine, counters)
        for name, how_many in (("accepted", 3), ("unknown_nas", 1)):
            counters.add(name, how_many)
        keeper.add()
        counters.add("accepted")
        keeper.add()
        keeper.add()  # nothing is new
    assert dict(radius.rows("SELECT name, count FROM radius_counts")) == {
        "accepted": 8,
        "unknown_nas": 2,
    }


@pytest.fixture
def nowhere(radius: Database) -> Engine:
    """A database that is away."""
    return create_engine(radius.engine.url.set(port=1), connect_args={"connect_timeout": 1})


def test_counts_wait_while_the_database_is_away(radius: Database, nowhere: Engine) -> None:
    counters = Counters()
    counters.add("accepted")
    keeper = CountKeeper(nowhere, counters)
    keeper.add()
    keeper._engine = radius.engine
    keeper.add()
    assert radius.row("SELECT count FROM radius_counts").count == 1


def test_the_web_process_shows_what_was_counted(
    config: Config, radius: Database, nowhere: Engine
) -> None:
    radius.execute("INSERT INTO radius_counts VALUES ('unknown_nas', 7)")
    shown = metrics_of(config, radius.engine)
    assert 'radius_packets_total{outcome="unknown_nas"} 7.0' in shown
    assert "radius_packets_total{" not in metrics_of(config, nowhere)


def test_the_web_process_shows_who_is_online_and_who_has_no_time_left(
    config: Config, radius: Database
) -> None:
    radius.give()
    radius.execute(
        "UPDATE sessions SET status = 'online',"
        " ends_at = now() - interval '2 minutes', seen_at = now() - interval '20 minutes'"
    )
    radius.execute("INSERT INTO alarms VALUES ('service_without_time', 'radius', now())")

    shown = metrics_of(config, radius.engine)

    assert "hotspot_sessions_online 1.0" in shown
    assert re.search(r"^hotspot_sessions_silent_seconds 120\d[.]", shown, re.MULTILINE)
    assert 'hotspot_promise_broken{promise="service_without_time"} 1.0' in shown
    assert 'hotspot_alarm{alarm="service_without_time",subject="radius"} 1.0' in shown


def metrics_of(config: Config, engine: Engine) -> str:
    app = create_app(config, publisher=FakePublisher(), engine=engine)
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    return answer.text
