"""A voucher gives its access once; the guest who has it sees it again, on any device."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hotspot.bus.outcome import Reject
from hotspot.contract.access import CreateHotspotUserJob, MoveAccessJob
from hotspot.contract.payments import ProcessPaymentJob
from hotspot.contract.vouchers import CancelVouchersJob, VoucherRedeemed
from hotspot.ids import new_id
from hotspot.testing.handling import NOON
from payment_service.models import Payment, Voucher
from payment_service.vouchers.redeeming import Give, Guest, Refusal, Show, decide, find

from .shop import PHONE, Shop
from .stall import MAC, OTHER_MAC, Stall, redeem_job

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def stall(shop: Shop) -> Stall:
    """A shop that sells vouchers."""
    return Stall(shop=shop)


def outcome(shop: Shop, voucher: Any, now: datetime = LATER, **guest: Any) -> Any:
    """What the route would decide for a guest who types this voucher's code."""
    with shop.engine.connect() as connection:
        found = find(connection, Voucher.id == voucher.id)
    assert found is not None
    return decide(found, Guest(**guest), now)


def test_a_voucher_gives_its_access_without_money_or_phone(shop: Shop, stall: Stall) -> None:
    voucher = stall.voucher()
    job = redeem_job(voucher.id, mac=MAC, ip="10.5.50.21", router_id="lobby")
    asked, redeemed = shop.run(job)
    assert isinstance(asked, CreateHotspotUserJob)
    assert isinstance(redeemed, VoucherRedeemed)
    assert (asked.phone, asked.username) == (None, "v-1-1")
    assert (asked.payment_id, asked.mac, asked.receipt) == (job.payment_id, MAC, "")
    assert redeemed.voucher_id == voucher.id
    payment = shop.payment(job.payment_id)
    assert (payment.status, payment.source, payment.confirmed_by) == (
        "completed",
        "voucher",
        "voucher",
    )
    assert (payment.price, payment.paid_amount, payment.receipt) == (2000, 0, None)
    assert (payment.package, payment.voucher_id) == (voucher.package, voucher.id)
    assert shop.access(job.payment_id).state == "provisioning"
    (used,) = stall.vouchers(voucher.batch_id)
    assert (used.redeemed_at, used.redeemed_payment_id) == (NOON, job.payment_id)


def test_with_a_phone_the_access_is_that_of_the_phones_user(shop: Shop, stall: Stall) -> None:
    asked, _ = shop.run(redeem_job(stall.voucher().id, phone=PHONE))
    assert isinstance(asked, CreateHotspotUserJob)
    assert (asked.phone, asked.username) == (PHONE, None)


def test_many_guests_with_one_voucher_at_once(shop: Shop, stall: Stall) -> None:
    voucher = stall.voucher()
    jobs = [redeem_job(voucher.id, mac=f"02:00:5E:10:00:{number:02X}") for number in range(6)]
    assert stall.at_once(jobs) == ["HotspotUserProvisionRequested", "VoucherRedeemed"]
    with shop.engine.connect() as connection:
        ended = connection.execute(select(Payment.status, Payment.failure_code)).all()
    assert sorted(status for status, _ in ended) == ["completed"] + ["failed"] * 5
    assert {code for _, code in ended} == {None, "voucher_used"}


def test_two_taps_on_the_button_are_one_redemption(shop: Shop, stall: Stall) -> None:
    voucher = stall.voucher()
    taps = [outcome(shop, voucher, mac=MAC) for _ in range(2)]
    assert taps[0] == taps[1]
    assert isinstance(taps[0], Give)
    shop.run(redeem_job(voucher.id, mac=MAC))
    assert shop.run(redeem_job(voucher.id, mac=MAC)) == []
    assert shop.count(Payment) == 1
    by_key = [outcome(shop, stall.voucher(), key=key) for key in ("a", "a")]
    assert all(isinstance(tap, Give) for tap in by_key)
    assert outcome(shop, stall.voucher()) != outcome(shop, stall.voucher())


@pytest.mark.parametrize("again", [{"mac": MAC}, {"phone": PHONE}, {"phone": PHONE, "mac": "x"}])
def test_the_guest_who_has_it_sees_it_again(
    shop: Shop, stall: Stall, again: dict[str, Any]
) -> None:
    voucher = stall.voucher()
    job = redeem_job(voucher.id, phone=PHONE, mac=MAC)
    shop.run(job)
    assert outcome(shop, voucher, **again) == Show(payment_id=job.payment_id)


@pytest.mark.parametrize("other", [{}, {"mac": OTHER_MAC}, {"phone": "254712000001"}, {"key": "k"}])
def test_anyone_else_is_told_that_it_was_used(
    shop: Shop, stall: Stall, other: dict[str, Any]
) -> None:
    voucher = stall.voucher()
    shop.run(redeem_job(voucher.id))  # of whom nothing is known: nobody can be the same
    refused = outcome(shop, voucher, **other)
    assert isinstance(refused, Refusal)
    assert refused.reason == "This voucher was used already, on 15 January 2026 at 12:00."


def test_the_page_of_the_one_who_was_slower_learns_why(shop: Shop, stall: Stall) -> None:
    voucher = stall.voucher()
    shop.run(redeem_job(voucher.id, mac=MAC))
    slower = redeem_job(voucher.id, mac=OTHER_MAC)
    assert shop.run(slower) == []
    payment = shop.payment(slower.payment_id)
    assert (payment.status, payment.failure_code) == ("failed", "voucher_used")
    assert shop.access(slower.payment_id) is None


def test_its_access_moves_to_another_device_of_the_same_guest(shop: Shop, stall: Stall) -> None:
    voucher = stall.voucher()
    first = redeem_job(voucher.id, phone=PHONE, mac=MAC)
    shop.run(first)
    again = redeem_job(
        voucher.id,
        payment_id=first.payment_id,
        phone=PHONE,
        mac=OTHER_MAC,
        link_login_only="http://10.9.0.1/login",
    )
    (moved,) = shop.run(again)
    assert isinstance(moved, MoveAccessJob)
    assert (moved.payment_id, moved.mac, moved.by_sms) == (first.payment_id, OTHER_MAC, False)
    access = shop.access(first.payment_id)
    assert (access.mac, access.link_login_only) == (OTHER_MAC, "http://10.9.0.1/login")
    assert shop.run(again) == [], "it is there already"


def test_the_proof_of_a_payment_moves_its_access_to_whoever_holds_it(
    shop: Shop, stall: Stall
) -> None:
    payment_id = shop.completed()
    shop.run(ProcessPaymentJob(payment_id=payment_id))
    proof = shop.voucher(payment_id)
    assert outcome(shop, proof) == Show(payment_id=payment_id)
    (moved,) = shop.run(redeem_job(proof.id, payment_id=payment_id, mac=MAC))
    assert isinstance(moved, MoveAccessJob)
    assert shop.voucher(payment_id).redeemed_payment_id == payment_id
    assert outcome(shop, proof, mac=OTHER_MAC) == Show(payment_id=payment_id)
    shop.cache_credentials(payment_id, LATER)
    assert outcome(shop, proof).code == "voucher_used_up"
    shop.cache_credentials(payment_id, LATER + timedelta(hours=1))
    shop.engine_run("UPDATE payments SET reversed_at = now() WHERE id = :id", id=payment_id)
    assert outcome(shop, proof).code == "voucher_reversed"
    assert shop.run(redeem_job(proof.id, payment_id=payment_id, mac=OTHER_MAC)) == []
    assert shop.payment(payment_id).status == "completed"


def test_a_voucher_expires_by_the_time_at_which_it_was_typed(shop: Shop, stall: Stall) -> None:
    first, second = stall.vouchers(stall.batch(2, expires_at=LATER))
    refused = outcome(shop, first, now=LATER)
    assert isinstance(refused, Refusal)
    assert refused.code == "voucher_expired"
    assert "15 January 2026 at 12:05" in refused.reason
    in_time = redeem_job(first.id, redeemed_at=LATER - timedelta(seconds=1))
    assert len(shop.run(in_time, now=LATER + timedelta(hours=1))) == 2
    too_late = redeem_job(second.id, mac=MAC, redeemed_at=LATER)
    assert shop.run(too_late) == []
    assert shop.payment(too_late.payment_id).failure_code == "voucher_expired"
    overtaken = redeem_job(second.id, mac=MAC, redeemed_at=NOON)
    assert len(shop.run(overtaken)) == 2
    assert shop.payment(overtaken.payment_id).status == "completed"


def test_a_cancelled_voucher_gives_nothing(shop: Shop, stall: Stall) -> None:
    voucher = stall.voucher()
    shop.run(CancelVouchersJob(requested_by="x", requested_at=NOON, voucher_id=voucher.id))
    assert outcome(shop, voucher).code == "voucher_cancelled"
    job = redeem_job(voucher.id)
    assert shop.run(job) == []
    assert shop.payment(job.payment_id).failure_code == "voucher_cancelled"


def test_when_its_time_is_over_nothing_is_left_to_show(shop: Shop, stall: Stall) -> None:
    voucher = stall.voucher()
    job = redeem_job(voucher.id, mac=MAC)
    shop.run(job)
    shop.cache_credentials(job.payment_id, LATER)
    assert isinstance(outcome(shop, voucher, now=NOON, mac=MAC), Show)
    assert outcome(shop, voucher, now=LATER, mac=MAC).code == "voucher_used_up"


def test_a_voucher_that_never_was_is_given_up(shop: Shop) -> None:
    with pytest.raises(Reject):
        shop.run(redeem_job(new_id()))
