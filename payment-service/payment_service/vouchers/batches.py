"""Batches of vouchers: made piece by piece, so that guests' payments never wait for them."""

from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Work
from hotspot.contract.vouchers import (
    CancelVouchersJob,
    CreateVoucherBatchJob,
    VoucherBatchProgressed,
)
from payment_service.models import AnyRow, Voucher, VoucherBatch, change
from payment_service.packages import terms
from payment_service.vouchers import codes as vouchers

log = structlog.get_logger()

AT_ONCE = 500  # vouchers a transaction


def create_voucher_batch(job: CreateVoucherBatchJob, work: Work) -> None:
    """Make the next piece of a batch, and have the piece after that made."""
    batch = _locked(job, work)
    if batch.cancelled_at is not None or batch.made != job.made:
        return  # nobody wants the rest, or another run of this job was here before
    made = min(batch.made + AT_ONCE, batch.wanted)
    vouchers.issue_batch(
        work.session,
        batch_id=batch.id,
        serials=range(batch.made + 1, made + 1),
        package=batch.package,
        expires_at=batch.expires_at,
        now=work.now,
    )
    is_whole = made == batch.wanted
    work.session.execute(
        change(VoucherBatch)
        .where(VoucherBatch.id == batch.id)
        .values(made=made, finished_at=work.now if is_whole else None)
    )
    work.send(VoucherBatchProgressed(batch_id=batch.id, made=made, count=batch.wanted, at=work.now))
    if not is_whole:
        work.send(replace(job, made=made))


def cancel_vouchers(job: CancelVouchersJob, work: Work) -> None:
    """Make vouchers worthless, where they were not used before."""
    if job.batch_id is not None:
        _cancel_batch(job.batch_id, job, work)
        unused = Voucher.batch_id == job.batch_id
    else:
        unused = (Voucher.id == job.voucher_id) & Voucher.batch_id.is_not(None)
    # Locked in one order, as redemptions lock them.
    locked = (
        select(Voucher.id)
        .where(unused, Voucher.redeemed_at.is_(None), Voucher.cancelled_at.is_(None))
        .order_by(Voucher.id)
        .with_for_update()
    )
    ids = work.session.scalars(locked).all()
    work.session.execute(
        change(Voucher)
        .where(Voucher.id.in_(ids))
        .values(cancelled_at=work.now, cancelled_by=job.requested_by)
    )
    log.info("vouchers cancelled", cancelled=len(ids), by=job.requested_by)


def _locked(job: CreateVoucherBatchJob, work: Work) -> AnyRow:
    """The batch, recorded by the first of its jobs, and locked: its pieces are made in turn."""
    work.session.execute(
        insert(VoucherBatch)
        .values(
            id=job.batch_id,
            package=terms.to_json(job.package),
            count=job.count,
            made=0,
            expires_at=job.expires_at,
            requested_by=job.requested_by,
            requested_at=job.requested_at,
        )
        .on_conflict_do_nothing(index_elements=[VoucherBatch.id])
    )
    wanted = select(
        VoucherBatch.id,
        VoucherBatch.package,
        VoucherBatch.count.label("wanted"),
        VoucherBatch.made,
        VoucherBatch.expires_at,
        VoucherBatch.cancelled_at,
    ).where(VoucherBatch.id == job.batch_id)
    return work.session.execute(wanted.with_for_update()).one()


def _cancel_batch(batch_id: UUID, job: CancelVouchersJob, work: Work) -> None:
    work.session.execute(
        change(VoucherBatch)
        .where(VoucherBatch.id == batch_id, VoucherBatch.cancelled_at.is_(None))
        .values(cancelled_at=work.now, cancelled_by=job.requested_by)
    )
