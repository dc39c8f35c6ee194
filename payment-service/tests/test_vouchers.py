"""Vouchers for shops are made once each, whatever happens to the job that makes them."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from hotspot.contract.vouchers import (
    CancelVouchersJob,
    CreateVoucherBatchJob,
    VoucherBatchProgressed,
)
from hotspot.testing.handling import NOON
from payment_service.models import Voucher, VoucherBatch
from payment_service.vouchers import codes as vouchers
from payment_service.vouchers.batches import AT_ONCE
from payment_service.vouchers.codes import codes_in, new_code

from .shop import Shop
from .stall import Stall, batch_job, redeem_job


@pytest.fixture
def stall(shop: Shop) -> Stall:
    """A shop that sells vouchers."""
    return Stall(shop=shop)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("4KCX9-DM7RH-PWT3V", ("4KCX9-DM7RH-PWT3V",)),
        (" 4kcx9 dm7rh pwt3v\n", ("4KCX9-DM7RH-PWT3V",)),
        ("4kcx9dm7rhpwt3v", ("4KCX9-DM7RH-PWT3V",)),
        ("4KCX9\N{EN DASH}0M7RH\N{EN DASH}PWT3U", ("4KCX9-DM7RH-PWT3V",)),  # 0 for D, U for V
        ("O6Q09-DM7RH-PWT3V", ("DGDD9-DM7RH-PWT3V",)),
        ("4KQC-X9DM-7RHA", ("4KQC-X9DM-7RHA",)),  # as codes were once
        ("4KCX9-DM7RH", ()),
        ("0712345678", ()),
        ("", ()),
    ],
)
def test_a_code_is_read_as_it_was_meant(typed: str, meant: tuple[str, ...]) -> None:
    assert codes_in(typed) == meant


def test_every_code_is_read_as_itself() -> None:
    for code in {new_code() for _ in range(500)}:
        assert codes_in(code) == codes_in(code.lower().replace("-", " ")) == (code,)


def test_a_batch_is_made_piece_by_piece(shop: Shop, stall: Stall) -> None:
    job = batch_job(2 * AT_ONCE + 1, expires_at=NOON + timedelta(days=30))
    told = []
    following: list[CreateVoucherBatchJob] = [job]
    while following:
        progress, *following = shop.run(following[0])  # type: ignore[assignment]
        assert isinstance(progress, VoucherBatchProgressed)
        told.append((progress.made, progress.count))
    assert told == [(AT_ONCE, job.count), (2 * AT_ONCE, job.count), (job.count, job.count)]
    made = stall.vouchers(job.batch_id)
    assert [voucher.serial for voucher in made] == list(range(1, job.count + 1))
    assert len({voucher.code for voucher in made}) == job.count
    assert {voucher.expires_at for voucher in made} == {job.expires_at}


def test_a_job_that_comes_again_makes_nothing_again(shop: Shop, stall: Stall) -> None:
    job = batch_job(3)
    shop.run(job)
    assert shop.run(job) == []  # under another message id: somebody sent it again
    assert len(stall.vouchers(job.batch_id)) == 3


def test_jobs_that_run_at_once_make_each_voucher_once(shop: Shop, stall: Stall) -> None:
    job = batch_job(40)
    assert stall.at_once([job] * 4) == ["VoucherBatchProgressed"]
    assert [one.serial for one in stall.vouchers(job.batch_id)] == list(range(1, 41))
    assert shop.count(VoucherBatch) == 1


def test_a_code_that_is_taken_is_made_anew(shop: Shop, stall: Stall) -> None:
    batch_id = stall.batch(1)
    (taken,) = stall.vouchers(batch_id)
    codes = iter([taken.code, "A", "A", "B"])
    with Session(shop.engine) as session:
        vouchers.issue_batch(
            session,
            batch_id=batch_id,
            serials=(2, 3),
            package=taken.package,
            expires_at=None,
            now=NOON,
            code=lambda: next(codes),
        )
        session.commit()
    assert {one.code for one in stall.vouchers(batch_id)} == {taken.code, "A", "B"}


def test_a_cancelled_batch_is_worthless_but_for_what_was_used(shop: Shop, stall: Stall) -> None:
    batch_id = stall.batch(3)
    used = stall.vouchers(batch_id)[0]
    shop.run(redeem_job(used.id))
    cancelling = CancelVouchersJob(requested_by="otieno", requested_at=NOON, batch_id=batch_id)
    shop.run(cancelling)
    assert [one.cancelled_at for one in stall.vouchers(batch_id)] == [None, NOON, NOON]


def test_a_batch_that_is_cancelled_while_it_is_made_ends_there(shop: Shop, stall: Stall) -> None:
    job = batch_job(AT_ONCE + 1)
    _, following = shop.run(job)
    shop.run(CancelVouchersJob(requested_by="otieno", requested_at=NOON, batch_id=job.batch_id))
    assert shop.run(following) == []
    made = stall.vouchers(job.batch_id)
    assert len(made) == AT_ONCE
    assert all(voucher.cancelled_at for voucher in made)


def test_one_voucher_can_be_cancelled_and_proofs_of_payments_cannot(
    shop: Shop, stall: Stall
) -> None:
    lost, kept = stall.vouchers(stall.batch(2))
    payment_id = shop.completed()
    with Session(shop.engine) as session:
        proof = vouchers.issue(session, payment_id=payment_id, package=lost.package, now=NOON)
        session.commit()
    for voucher_id in (lost.id, proof):
        shop.run(CancelVouchersJob(requested_by="otieno", requested_at=NOON, voucher_id=voucher_id))
    assert [one.cancelled_at for one in stall.vouchers(lost.batch_id)] == [NOON, None]
    assert shop.voucher(payment_id).cancelled_at is None
    assert shop.count(Voucher) == 3
    assert kept.cancelled_at is None
