"""What the buyer's page may use: ready, online, and ready again while the time runs."""

from datetime import timedelta
from uuid import UUID

import pytest

from hotspot.bus.outcome import Reject
from hotspot.contract.message import Message
from hotspot.contract.operations import MeasureServiceJob, PruneHistoryJob, ServiceMeasured
from hotspot.contract.payments import CacheCredentialsJob, ProcessPaymentJob, VoucherIssued
from hotspot.contract.sessions import SessionEnded, SessionStarted
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for
from payment_service.callbacks.spool import Spool
from payment_service.config import Config
from payment_service.models import Voucher
from payment_service.vouchers.codes import ALPHABET, new_code

from .shop import Shop, names

LATER = NOON + timedelta(hours=1)


def started(payment_id: UUID, session_id: UUID) -> SessionStarted:
    return SessionStarted(
        session_id=session_id,
        user_id=new_id(),
        username="0712345678",
        grant_id=new_id(),
        payment_id=payment_id,
        nas="10.5.50.1",
        started_at=NOON,
    )


def ended(payment_id: UUID, session_id: UUID) -> SessionEnded:
    return SessionEnded(
        session_id=session_id,
        user_id=new_id(),
        username="0712345678",
        grant_id=new_id(),
        payment_id=payment_id,
        ended_at=NOON,
        cause="User-Request",
        bytes_in=1,
        bytes_out=2,
    )


@pytest.fixture
def bought(shop: Shop) -> UUID:
    """A payment whose login works for an hour from noon."""
    payment_id = shop.completed()
    shop.cache_credentials(payment_id, LATER)
    return payment_id


def test_credentials_make_the_access_ready(shop: Shop, bought: UUID) -> None:
    row = shop.access(bought)
    assert (row.state, row.username, row.until) == ("ready", "0712345678", LATER)
    assert shop.vault.open(row.sealed_password) == "kifaru42"


def test_nobody_gets_credentials_for_a_payment_that_is_not_completed(shop: Shop) -> None:
    job = CacheCredentialsJob(
        payment_id=shop.prompted(),
        user_id=new_id(),
        grant_id=new_id(),
        username="0712345678",
        sealed_password="x",
        until=LATER,
    )
    with pytest.raises(Reject):
        shop.run(job)


def test_a_session_makes_it_online_and_its_end_ready_again(shop: Shop, bought: UUID) -> None:
    session_id = new_id()
    assert shop.run(started(bought, session_id)) == []
    assert shop.access(bought).state == "online"
    assert shop.run(ended(bought, session_id)) == []
    assert shop.access(bought).state == "ready"


def test_a_session_that_ends_with_the_time_ends_the_access(shop: Shop, bought: UUID) -> None:
    session_id = new_id()
    shop.run(started(bought, session_id))
    shop.run(ended(bought, session_id), now=LATER)
    assert shop.access(bought).state == "ended"


def test_one_of_two_devices_leaving_leaves_the_other_online(shop: Shop, bought: UUID) -> None:
    phone, laptop = new_id(), new_id()
    shop.run(started(bought, phone))
    shop.run(started(bought, laptop))
    shop.run(ended(bought, laptop))
    assert shop.access(bought).state == "online"


def test_news_of_a_session_may_come_in_any_order(shop: Shop, bought: UUID) -> None:
    session_id = new_id()
    shop.run(ended(bought, session_id))
    shop.run(started(bought, session_id))
    assert shop.access(bought).state == "ready"


def test_a_guest_may_be_online_before_the_credentials_are_cached(shop: Shop) -> None:
    payment_id, session_id = shop.completed(), new_id()
    shop.run(started(payment_id, session_id))
    shop.cache_credentials(payment_id, LATER)
    assert shop.access(payment_id).state == "online"
    shop.run(ended(payment_id, session_id))
    assert shop.access(payment_id).state == "ready"


def test_without_credentials_it_is_not_ready(shop: Shop) -> None:
    payment_id, session_id = shop.completed(), new_id()
    shop.run(started(payment_id, session_id))
    shop.run(ended(payment_id, session_id))
    assert shop.access(payment_id).state == "provisioning"


@pytest.mark.parametrize("news", [started, ended])
def test_sessions_of_nothing_that_was_sold_here_are_passed_over(shop: Shop, news: object) -> None:
    message = news(new_id(), new_id())  # type: ignore[operator]
    assert isinstance(message, Message)
    assert shop.run(message) == []


def test_a_completed_payment_has_one_voucher(shop: Shop) -> None:
    payment_id = shop.completed()
    (issued,) = shop.run(ProcessPaymentJob(payment_id=payment_id))
    assert isinstance(issued, VoucherIssued)
    assert shop.run(ProcessPaymentJob(payment_id=payment_id)) == []
    assert shop.voucher(payment_id).id == issued.voucher_id
    assert shop.count(Voucher) == 1


def test_a_payment_that_is_not_completed_has_no_voucher(shop: Shop) -> None:
    with pytest.raises(Reject):
        shop.run(ProcessPaymentJob(payment_id=shop.prompted()))


def test_voucher_codes_are_long_and_have_no_look_alikes() -> None:
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000
    for code in codes:
        assert len(code.replace("-", "")) == 15  # of 20 letters: 64 bits
        assert set(code) <= {*ALPHABET, "-"}
    assert not set(ALPHABET) & set("012568BILOQSUZ")


def test_what_is_too_old_is_forgotten(shop: Shop) -> None:
    assert names(shop.run(PruneHistoryJob(service="payment", begun_at=NOON))) == ["HistoryPruned"]


def test_the_service_measures_its_spool_too(shop: Shop, config: Config) -> None:
    spool = Spool(config.spool_dir, most=config.spool_most)
    for _ in range(2):
        spool.keep(envelope_for(ProcessPaymentJob(payment_id=new_id())))
    (measured,) = shop.run(MeasureServiceJob())
    assert isinstance(measured, ServiceMeasured)
    assert (measured.spool, measured.spool_most) == (2, 100)
