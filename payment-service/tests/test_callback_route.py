"""M-Pesa's door: known tokens are kept and answered, whatever they bring and whatever is down."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.transport import BrokerAway, Unroutable
from hotspot.contract.payments import RecordStkCallbackJob
from hotspot.ids import new_id
from hotspot.testing.brokers import wait_for
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.vault import Vault
from payment_service.callbacks.intake import Intake
from payment_service.callbacks.spool import Spool, SpoolFull
from payment_service.config import Config
from payment_service.mpesa.callback_urls import callback_url, payment_of
from payment_service.web import create_app

from .shop import success

ACCEPTED = {"ResultCode": 0, "ResultDesc": "Accepted"}


@pytest.fixture
def payment_id() -> UUID:
    return new_id()


@pytest.fixture
def path(vault: Vault, payment_id: UUID) -> str:
    """The address that M-Pesa was given for the payment."""
    return callback_url("", vault, payment_id)


def callback(payment_id: UUID) -> Parcel:
    job = RecordStkCallbackJob(
        payment_id=payment_id, body=success(), source_address="", received_at=NOON
    )
    envelope = enclose(job, sender="payment", now=NOON, correlation_id=payment_id)
    return Parcel.of(job, envelope)


def test_a_callback_is_published_as_it_came(
    client: FlaskClient, publisher: FakePublisher, path: str, payment_id: UUID
) -> None:
    body = success()
    answer = client.post(path, data=body)
    assert (answer.status_code, answer.get_json()) == (200, ACCEPTED)
    (job,) = publisher.sent
    assert isinstance(job, RecordStkCallbackJob)
    assert (job.payment_id, job.body, job.received_at) == (payment_id, body, NOON)
    assert job.source_address == "127.0.0.1"
    assert publisher.parcels[0].envelope.correlation_id == payment_id


@pytest.mark.parametrize("body", [b"{}", b"[]", b"5", b'"?"', b"null", b"\xef\xbb\xbf{}"])
def test_any_json_is_kept(
    client: FlaskClient, publisher: FakePublisher, path: str, body: bytes
) -> None:
    assert client.post(path, data=body).status_code == 200
    assert len(publisher.sent) == 1


def test_names_that_are_not_utf_8_are_kept(
    client: FlaskClient, publisher: FakePublisher, path: str
) -> None:
    assert client.post(path, data='{"Name": "José"}'.encode("latin-1")).status_code == 200
    (job,) = publisher.sent
    assert isinstance(job, RecordStkCallbackJob)
    assert "José" in job.body


@pytest.mark.parametrize("body", [b"", b"paid!", b"{", b"[" * 60_000, b"a=1&b=2"])
def test_what_is_not_json_is_400(
    client: FlaskClient, publisher: FakePublisher, path: str, body: bytes
) -> None:
    answer = client.post(path, data=body)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert publisher.sent == []


def test_what_is_larger_than_64_kib_is_413(
    client: FlaskClient, publisher: FakePublisher, path: str
) -> None:
    fits = b'"' + b"x" * (64 * 1024 - 2) + b'"'
    assert client.post(path, data=fits).status_code == 200
    assert client.post(path, data=fits + b" ").status_code == 413
    assert len(publisher.sent) == 1


def test_a_large_body_that_does_not_tell_its_length_is_413_too(
    client: FlaskClient, publisher: FakePublisher, path: str
) -> None:
    class Endless:
        """Counts what is read of it."""

        def __init__(self) -> None:
            self.given = 0

        def read(self, size: int = -1) -> bytes:
            assert size >= 0
            self.given += size
            return b" " * size

        def readinto(self, buffer: bytearray) -> int:
            self.given += len(buffer)
            buffer[:] = b" " * len(buffer)
            return len(buffer)

    endless = Endless()
    environ: dict[str, Any] = {"wsgi.input": endless, "wsgi.input_terminated": True}
    answer = client.post(path, environ_overrides=environ, headers={"Content-Length": ""})
    assert answer.status_code == 413
    assert endless.given <= 2 * 64 * 1024
    assert publisher.sent == []


@pytest.mark.parametrize(
    "token", ["x", "0" * 68, "AAAA", "%00", "%F0%9F%98%80", "a" * 5000, "..", "e" * 46]
)
def test_an_unknown_token_is_404(client: FlaskClient, publisher: FakePublisher, token: str) -> None:
    assert client.post(f"/callbacks/stk/{token}", data=success()).status_code == 404
    assert publisher.sent == []


def test_a_token_of_another_door_is_404(
    client: FlaskClient, vault: Vault, payment_id: UUID
) -> None:
    token = vault.token("delivery-report", payment_id)
    assert client.post(f"/callbacks/stk/{token}", data=success()).status_code == 404


def test_addresses_spell_no_word_that_safaricom_refuses(vault: Vault) -> None:
    for _ in range(200):
        payment_id = new_id()
        token = callback_url("", vault, payment_id).removeprefix("/callbacks/stk/")
        assert set(token) <= set("0123456789abcdef")
        assert payment_of(vault, token) == payment_id
        assert payment_of(vault, vault.token("stk-callback", payment_id)) == payment_id


def test_while_the_broker_is_away_callbacks_are_kept_on_disk_and_sent_later(
    client: FlaskClient, publisher: FakePublisher, path: str, config: Config
) -> None:
    publisher.away = True
    assert client.post(path, data=success()).get_json() == ACCEPTED
    (file,) = config.spool_dir.glob("*.jsonl")
    publisher.away = False
    wait_for(lambda: publisher.parcels)
    assert f"{publisher.parcels[0].envelope.message_id}.1.jsonl" == file.name
    wait_for(lambda: not list(config.spool_dir.iterdir()))


def test_what_a_dead_process_left_on_disk_is_sent_by_the_next(
    config: Config, engine: Engine, publisher: FakePublisher, payment_id: UUID
) -> None:
    left = callback(payment_id)
    Spool(config.spool_dir, most=10).keep(left.envelope)
    create_app(config, publisher=publisher, engine=engine)
    wait_for(lambda: publisher.parcels)
    assert publisher.parcels == [left]


class Hanging:
    """A broker that takes messages and confirms them when it is told to, or never."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.taken: list[Parcel] = []
        self.by: list[str] = []

    def publish(self, parcels: Sequence[Parcel]) -> None:
        self.by.append(threading.current_thread().name)
        self.taken.extend(parcels)
        if not self.answers.wait(5):
            raise BrokerAway("RabbitMQ did not confirm in time")

    def is_up(self) -> bool:
        return True


def test_while_the_broker_hangs_callbacks_go_to_disk_under_the_same_id(
    tmp_path: Path, payment_id: UUID
) -> None:
    broker, spool = Hanging(), Spool(tmp_path, most=10)
    intake = Intake(broker, spool, confirm_within=0.01, pause=0.01)
    first, second = callback(payment_id), callback(payment_id)
    intake.take(first)
    intake.take(second)
    kept = {one.envelope.message_id for batch in spool.batches() for one in batch.parcels}
    assert kept == {first.envelope.message_id, second.envelope.message_id}
    broker.answers.set()
    wait_for(spool.is_empty)
    # Perhaps twice, which is harmless: the inbox knows the id.
    assert {parcel.envelope.message_id for parcel in broker.taken} == {
        first.envelope.message_id,
        second.envelope.message_id,
    }


def test_after_a_broker_that_hangs_the_next_callbacks_do_not_wait_for_it(
    tmp_path: Path, payment_id: UUID
) -> None:
    broker = Hanging()
    intake = Intake(broker, Spool(tmp_path, most=10), confirm_within=0.01, pause=0.01)
    intake.take(callback(payment_id))
    intake.take(callback(payment_id))
    assert broker.by.count("callback publish") == 1
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    broker.answers.set()


def test_a_topology_that_is_wrong_loses_no_callback(tmp_path: Path, payment_id: UUID) -> None:
    class Unbound(FakePublisher):
        def publish(self, parcels: Sequence[Parcel]) -> None:
            raise Unroutable("no queue takes this")

    intake = Intake(Unbound(), Spool(tmp_path, most=10), pause=60)
    intake.take(callback(payment_id))
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


def test_the_spool_is_bounded_and_says_when_it_is_full(tmp_path: Path, payment_id: UUID) -> None:
    spool = Spool(tmp_path, most=2)
    for _ in range(2):
        spool.keep(callback(payment_id).envelope)
    with pytest.raises(SpoolFull):
        spool.keep(callback(payment_id).envelope)
    spool.forget(next(spool.batches()))
    spool.keep(callback(payment_id).envelope)


def test_a_spool_knows_what_it_holds_from_before(tmp_path: Path, payment_id: UUID) -> None:
    Spool(tmp_path, most=1).keep(callback(payment_id).envelope)
    with pytest.raises(SpoolFull):
        Spool(tmp_path, most=1).keep(callback(payment_id).envelope)


def test_a_disk_that_fails_is_not_passed_over(tmp_path: Path, payment_id: UUID) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        Spool(tmp_path / "file", most=1).keep(callback(payment_id).envelope)


def test_many_callbacks_at_once_are_all_on_disk_in_few_files(
    tmp_path: Path, payment_id: UUID
) -> None:
    spool = Spool(tmp_path, most=100)
    parcels = [callback(payment_id) for _ in range(40)]
    threads = [threading.Thread(target=spool.keep, args=(one.envelope,)) for one in parcels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [parcel for batch in spool.batches() for parcel in batch.parcels]
    assert {parcel.envelope.message_id for parcel in kept} == {
        parcel.envelope.message_id for parcel in parcels
    }


def test_a_callback_that_can_be_kept_nowhere_is_not_acknowledged(
    config: Config, engine: Engine, publisher: FakePublisher, path: str, payment_id: UUID
) -> None:
    from dataclasses import replace

    publisher.away = True
    app = create_app(replace(config, spool_most=1), publisher=publisher, engine=engine)
    client = app.test_client()
    assert client.post(path, data=success()).status_code == 200
    answer = client.post(path, data=success())
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    publisher.away = False


# What a web process does: import much, patch for gevent, then serve in greenlets.
IN_GREENLETS = """
import sys, uuid
from datetime import UTC, datetime
from pathlib import Path
from hotspot.bus.envelope import enclose
from hotspot.contract.payments import RecordStkCallbackJob
from payment_service.callbacks.spool import Spool
from gevent import monkey
monkey.patch_all(ssl=False)
import gevent
spool = Spool(Path(sys.argv[1]), most=100)
now = datetime.now(UTC)
def keep():
    job = RecordStkCallbackJob(
        payment_id=uuid.uuid4(), body="{}", source_address="", received_at=now
    )
    spool.keep(enclose(job, sender="payment", now=now))
gevent.joinall([gevent.spawn(keep) for _ in range(30)], timeout=20, raise_error=True)
print(sum(len(batch.parcels) for batch in spool.batches()), len(list(spool.batches())))
"""


def test_greenlets_share_the_disk_without_stopping_one_another(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_GREENLETS, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kept, files = map(int, done.stdout.split())
    assert kept == 30
    assert files < 30


def test_spooled_callbacks_come_in_order_and_broken_ones_are_set_aside(
    tmp_path: Path, payment_id: UUID
) -> None:
    spool = Spool(tmp_path, most=10)
    parcels = [callback(payment_id) for _ in range(3)]
    for parcel in reversed(parcels):
        spool.keep(parcel.envelope)
    last = tmp_path / f"{parcels[2].envelope.message_id}.1.jsonl"
    last.write_bytes(last.read_bytes() + b'{"message_id": "half writ')
    batches = list(spool.batches())
    assert [parcel for batch in batches for parcel in batch.parcels] == parcels
    for batch in batches:
        spool.forget(batch)
    assert [file.suffix for file in tmp_path.iterdir()] == [".broken"]
