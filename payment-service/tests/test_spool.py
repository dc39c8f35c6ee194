"""The spool is bounded, and people hear of it while there is still room."""

import os
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine

from hotspot.bus.envelope import Parcel
from hotspot.contract.operations import AlarmCleared, AlarmRaised
from hotspot.ids import new_id
from hotspot.testing.brokers import wait_for
from hotspot.testing.handling import FakePublisher
from hotspot.vault import Vault
from payment_service.callbacks.intake import Intake
from payment_service.callbacks.spool import Spool, SpoolFull, fill
from payment_service.config import Config
from payment_service.mpesa.callback_urls import callback_url
from payment_service.web import create_app

from .shop import names, success
from .test_callback_route import callback


@pytest.fixture
def broker() -> FakePublisher:
    return FakePublisher(away=True)


def intake(folder: Path, broker: FakePublisher, *, most: int = 4) -> Intake:
    return Intake(broker, Spool(folder, most=most), pause=0.01)


def take(taking: Intake, count: int) -> list[Parcel]:
    parcels = [callback(new_id()) for _ in range(count)]
    for parcel in parcels:
        taking.take(parcel)
    return parcels


def test_a_spool_that_is_half_full_is_an_alarm_as_soon_as_it_can_be_told(
    tmp_path: Path, broker: FakePublisher
) -> None:
    parcels = take(intake(tmp_path, broker), 3)
    assert broker.sent == []
    broker.away = False
    wait_for(lambda: len(broker.parcels) == 5)
    raised, *callbacks, cleared = broker.sent
    assert isinstance(raised, AlarmRaised)
    assert (raised.alarm, raised.subject) == ("callback_spool", "payment")
    assert "2 of 4 callbacks" in raised.said
    assert len(callbacks) == len(parcels)
    assert isinstance(cleared, AlarmCleared)
    wait_for(lambda: not list(tmp_path.iterdir()))


def test_a_spool_with_room_is_no_alarm(tmp_path: Path, broker: FakePublisher) -> None:
    take(intake(tmp_path, broker), 1)
    broker.away = False
    wait_for(lambda: not list(tmp_path.iterdir()))
    assert names(broker.sent) == ["RecordStkCallbackJob"]


def test_the_alarm_of_a_process_that_died_is_told_and_cleared_by_the_next(
    tmp_path: Path, broker: FakePublisher
) -> None:
    spool = Spool(tmp_path, most=1)
    spool.keep(callback(new_id()).envelope)
    for marker in ("alarm.due", "alarm.told"):
        (tmp_path / marker).write_text("1 of 1")
        broker = FakePublisher()
        intake(tmp_path, broker).drain_later()
        wait_for(lambda: not list(tmp_path.iterdir()))
        assert names(broker.sent)[-1] == "AlarmCleared"


def test_what_one_process_keeps_counts_for_another(tmp_path: Path) -> None:
    ours = Spool(tmp_path, most=2)
    for _ in range(2):
        Spool(tmp_path, most=2).keep(callback(new_id()).envelope)
    assert fill(tmp_path, 2).waiting == 2
    wait_for(lambda: not ours.has_room())
    with pytest.raises(SpoolFull):
        ours.keep(callback(new_id()).envelope)


def test_what_a_process_died_over_is_removed_and_was_told_to_nobody(tmp_path: Path) -> None:
    left, fresh = tmp_path / "left.part", tmp_path / "fresh.part"
    for part in (left, fresh):
        part.write_bytes(b"half")
    os.utime(left, (0, 0))
    assert Spool(tmp_path, most=2).is_empty()
    assert list(tmp_path.iterdir()) == [fresh]


def test_a_spool_that_cannot_be_written_is_named_before_it_is_needed(
    config: Config, engine: Engine, broker: FakePublisher, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    nowhere = replace(config, spool_dir=tmp_path / "file" / "spool")
    client = create_app(nowhere, publisher=broker, engine=engine).test_client()
    missing = client.get("/health/ready").get_json()["missing"]
    assert "a callback spool that can be written" in missing


def test_a_full_spool_is_named_where_health_is_asked(
    config: Config, engine: Engine, broker: FakePublisher, vault: Vault
) -> None:
    client = create_app(
        replace(config, spool_most=1), publisher=broker, engine=engine
    ).test_client()
    path = callback_url("", vault, UUID(int=1))
    assert client.post(path, data=success()).status_code == 200
    missing = client.get("/health/ready").get_json()["missing"]
    assert missing == ["broker", "room in the callback spool"]
    assert client.post(path, data=success()).status_code == 503
    metrics = client.get("/metrics").text
    assert "payment_spooled_callbacks 1.0" in metrics
    assert "payment_spool_most 1.0" in metrics
    assert "payment_callbacks_refused_total" in metrics
    broker.away = False
    wait_for(lambda: client.get("/health/ready").status_code == 200)
