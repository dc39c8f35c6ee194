"""Live events: everyone who listens hears each event once, in order, also after an absence."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gateway import keys as api_keys
from gateway import operators
from gateway.live import Hub, NotListening, frames
from gateway.models import Operator, RecordedEvent
from gateway.operators import Passwords
from gateway.worker import HANDLERS
from hotspot.bus.database import connect
from hotspot.contract.operations import DashboardStatsUpdated
from hotspot.contract.sms import SmsDelivered
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for, run_envelope
from hotspot.testing.identity import Keys


def broadcast(engine: Engine) -> UUID:
    """An event that the gateway's worker hears; answers its id."""
    envelope = envelope_for(SmsDelivered(sms_id=new_id(), phone="254712345678", delivered_at=NOON))
    run_envelope(HANDLERS, envelope, engine)
    return envelope.message_id


def ids_in(told: Iterator[bytes], count: int) -> list[UUID]:
    """The ids of the next events, keep-alives left aside; one piece may hold several."""
    found: list[UUID] = []
    while len(found) < count:
        found += [UUID(one.decode()) for one in re.findall(rb"id: (\S+)\n", next(told))]
    return found


def test_an_event_is_told_with_its_name_its_id_and_what_it_says(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    answer = client.get("/api/v1/events", headers=viewer, buffered=False)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    told = answer.iter_encoded()
    assert next(told) == b"retry: 2000\n\n"
    message_id = broadcast(engine)
    lines = next(told).decode().split("\n")
    assert lines[:2] == [f"id: {message_id}", "event: SmsDelivered"]
    assert json.loads(lines[2].removeprefix("data: "))["phone"] == "254712345678"
    answer.close()


def test_what_was_missed_comes_first(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    first, second, third = (broadcast(engine) for _ in range(3))
    headers = viewer | {"Last-Event-ID": str(first)}
    answer = client.get("/api/v1/events", headers=headers, buffered=False)
    told = answer.iter_encoded()
    assert ids_in(told, 2) == [second, third]
    fourth = broadcast(engine)
    assert ids_in(told, 1) == [fourth]
    answer.close()


def test_who_was_away_too_long_gets_all_that_is_kept(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    kept = [broadcast(engine) for _ in range(2)]
    headers = viewer | {"Last-Event-ID": str(new_id())}
    answer = client.get("/api/v1/events", headers=headers, buffered=False)
    assert ids_in(answer.iter_encoded(), 2) == kept
    answer.close()


def test_an_id_that_is_none_of_ours_is_ignored(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    broadcast(engine)
    headers = viewer | {"Last-Event-ID": "17"}
    answer = client.get("/api/v1/events", headers=headers, buffered=False)
    told = answer.iter_encoded()
    next(told)
    later = broadcast(engine)
    assert ids_in(told, 1) == [later]
    answer.close()


def test_who_comes_back_soon_asks_the_database_nothing(hub: Hub, engine: Engine) -> None:
    first, second = broadcast(engine), broadcast(engine)
    subscription = hub.subscribe()
    away = connect("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    assert ids_in(frames(away, subscription, first, keep_alive=0.05), 1) == [second]


def test_every_listener_hears_every_event(hub: Hub, engine: Engine) -> None:
    listeners = [frames(engine, hub.subscribe(), None, keep_alive=0.05) for _ in range(5)]
    for told in listeners:
        next(told)
    sent = [broadcast(engine) for _ in range(3)]
    assert [ids_in(told, 3) for told in listeners] == [sent] * 5


def test_a_quiet_stream_says_that_it_is_alive(hub: Hub, engine: Engine) -> None:
    told = frames(engine, hub.subscribe(), None, keep_alive=0.01)
    next(told)
    assert next(told) == b": still here\n\n"


def test_a_stream_ends_when_its_token_would(hub: Hub, engine: Engine) -> None:
    told = frames(engine, hub.subscribe(), None, keep_alive=0.01, lives=0.03)
    assert len(list(told)) < 10


def test_who_falls_behind_all_that_is_at_hand_misses_nothing_and_holds_nobody_up(
    engine: Engine,
) -> None:
    hub = Hub(engine, look_every=0.05, room=2)
    slow, quick = (frames(engine, hub.subscribe(), None, keep_alive=0.05) for _ in range(2))
    next(slow)
    next(quick)
    sent = []
    for _ in range(7):
        sent.append(broadcast(engine))
        assert ids_in(quick, 1) == sent[-1:]
    assert ids_in(slow, 7) == sent
    hub.close()


def test_who_may_listen_no_more_hears_nothing_more(
    hub: Hub, engine: Engine, passwords: Passwords
) -> None:
    account = {"email": "o@example.com", "role": "owner", "password": "-" * 12}
    operators.save(engine, **account, now=NOON, passwords=passwords)
    with Session(engine) as session, session.begin():
        key = api_keys.make(session, name="till", role="viewer", by="test", now=NOON).row.id
        operator = str(session.scalars(select(Operator.id)).one())
    with_key, with_token, other = (
        hub.subscribe(subject) for subject in (api_keys.subject_of(key), operator, "another")
    )
    told = [frames(engine, one, None, keep_alive=60) for one in (with_key, with_token)]
    assert [next(one) for one in told] == [b"retry: 2000\n\n"] * 2
    with Session(engine) as session, session.begin():
        api_keys.revoke(session, key, NOON)
    operators.save(engine, **account, now=NOON, passwords=passwords)  # a new password
    assert [list(one) for one in told] == [[], []]
    assert not other.ended


def test_a_stream_ends_with_the_token_that_opened_it(client: FlaskClient, keys: Keys) -> None:
    just_expired = keys.token("viewer", lives=timedelta(seconds=-1))
    headers = {"Authorization": f"Bearer {just_expired}"}
    answer = client.get("/api/v1/events", headers=headers, buffered=False)
    assert list(answer.iter_encoded()) == [b"retry: 2000\n\n"]
    answer.close()


def test_events_are_told_in_the_order_in_which_they_were_committed(engine: Engine) -> None:
    """Two transactions write events; the one that took its number first commits last."""
    from gateway import events

    def write(message: SmsDelivered, session: Session) -> None:
        events.record(session, message, envelope_for(message))
        session.commit()

    one, two = (
        SmsDelivered(sms_id=new_id(), phone="254712345678", delivered_at=NOON) for _ in range(2)
    )
    with Session(engine) as first, Session(engine) as second:
        events.record(first, one, envelope_for(one))
        other = threading.Thread(target=write, args=(two, second))
        other.start()
        other.join(0.1)
        assert other.is_alive()  # it waits for its turn, and has no number yet
        first.commit()
        other.join(5)
    with Session(engine) as session:
        kept = session.scalars(select(RecordedEvent).order_by(RecordedEvent.seq)).all()
    assert [row.payload["sms_id"] for row in kept] == [str(one.sms_id), str(two.sms_id)]


def test_listening_goes_on_after_the_database_was_away(hub: Hub, engine: Engine) -> None:
    told = frames(engine, hub.subscribe(), None, keep_alive=0.05)
    next(told)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    sent = broadcast(engine)
    assert ids_in(told, 1) == [sent]


def test_without_a_database_there_is_nothing_to_listen_to() -> None:
    away = connect("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    hub = Hub(away, look_every=0.01)
    with pytest.raises(NotListening):
        hub.subscribe(patience=0.1)
    hub.close()
    away.dispose()


def test_the_dashboards_own_event_is_broadcast_too(hub: Hub, engine: Engine) -> None:
    told = frames(engine, hub.subscribe(), None, keep_alive=0.05)
    next(told)
    run_envelope(HANDLERS, envelope_for(DashboardStatsUpdated(as_of=NOON)), engine)
    frame = next(frame for frame in told if frame.startswith(b"id: "))
    assert b"event: DashboardStatsUpdated\n" in frame
