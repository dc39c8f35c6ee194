"""Redeeming vouchers: each of a batch gives its access once, whoever types its code at once."""

from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Work
from hotspot.contract.access import HotspotUserProvisionRequested
from hotspot.contract.vouchers import RedeemVoucherJob, VoucherRedeemed
from payment_service.access import PROVISIONING
from payment_service.claims.moving import Device, move_access
from payment_service.models import (
    COMPLETED,
    FAILED,
    Access,
    AnyRow,
    Payment,
    Voucher,
    VoucherBatch,
    change,
)
from payment_service.packages import terms
from payment_service.vouchers.redeeming import Give, Guest, Refusal, Show, decide, find, over

log = structlog.get_logger()


def redeem_voucher(job: RedeemVoucherJob, work: Work) -> None:
    """Give a voucher's access, once; or show it to the guest who has it, on this device."""
    locked = select(Voucher.id).where(Voucher.id == job.voucher_id).with_for_update()
    if work.session.scalar(locked) is None:
        raise Reject(f"there is no voucher {job.voucher_id}")
    voucher = find(work.session, Voucher.id == job.voucher_id)
    assert voucher is not None
    # As the guest typed it: a voucher must not expire while the job waits.
    outcome = _outcome(voucher, job)
    log.info("voucher typed", voucher_id=str(job.voucher_id), outcome=type(outcome).__name__)
    if isinstance(outcome, Give):
        _give(voucher, job, work)
    elif isinstance(outcome, Show):
        _show(voucher, job, work)
    elif job.payment_id != voucher.payment_id:
        _refuse(voucher, job, outcome, work)


def _outcome(voucher: AnyRow, job: RedeemVoucherJob) -> Give | Show | Refusal:
    """What is to be done under the id that the guest's page watches."""
    guest = Guest(phone=job.phone, mac=job.mac)
    if job.payment_id in (voucher.payment_id, voucher.redeemed_payment_id):
        return over(voucher, job.redeemed_at) or Show(payment_id=job.payment_id)
    outcome = decide(voucher, guest, job.redeemed_at)
    if isinstance(outcome, Show):
        return Refusal(
            code="voucher_used",
            reason="This voucher was used just now. Type it once more to see its access.",
        )
    return outcome


def _give(voucher: AnyRow, job: RedeemVoucherJob, work: Work) -> None:
    _record_payment(voucher, job, work)
    work.session.execute(
        change(Voucher)
        .where(Voucher.id == voucher.id, Voucher.redeemed_at.is_(None))
        .values(redeemed_at=job.redeemed_at, redeemed_payment_id=job.payment_id)
    )
    work.session.execute(
        insert(Access).values(payment_id=job.payment_id, state=PROVISIONING, changed_at=work.now)
    )
    ask_for_access(job.payment_id, work)
    work.send(
        VoucherRedeemed(
            voucher_id=voucher.id,
            payment_id=job.payment_id,
            package_id=terms.from_json(voucher.package).package_id,
            redeemed_at=job.redeemed_at,
            router_id=job.router_id,
        )
    )


def ask_for_access(payment_id: UUID, work: Work) -> None:
    """Ask for a redeemed voucher's access, or ask again. Raises Reject for any other payment."""
    wanted = (
        select(
            Payment.phone,
            Payment.package,
            Payment.completed_at,
            Payment.mac,
            Payment.router_id,
            Voucher.serial,
            VoucherBatch.number,
        )
        .join(Voucher, Voucher.id == Payment.voucher_id)
        .join(VoucherBatch, VoucherBatch.id == Voucher.batch_id)
        .where(Payment.id == payment_id, Payment.status == COMPLETED)
    )
    row = work.session.execute(wanted).one_or_none()
    if row is None:
        raise Reject(f"payment {payment_id} is no redeemed voucher")
    work.send(
        HotspotUserProvisionRequested(
            payment_id=payment_id,
            phone=row.phone,
            package=terms.from_json(row.package),
            receipt="",
            # Not when the code was typed: the time must not run while the job waited.
            paid_at=row.completed_at,
            mac=row.mac,
            router_id=row.router_id,
            username=None if row.phone else username_of(row.number, row.serial),
        )
    )


def username_of(batch_number: int, serial: int) -> str:
    """The user of a voucher without a phone: short to type, and nobody else's."""
    return f"v-{batch_number}-{serial}"


def _show(voucher: AnyRow, job: RedeemVoucherJob, work: Work) -> None:
    device = Device(mac=job.mac, router_id=job.router_id, link_login_only=job.link_login_only)
    move_access(job.payment_id, device, work, moved_at=job.redeemed_at, by_sms=False)
    if voucher.payment_id is not None:
        work.session.execute(
            change(Voucher)
            .where(Voucher.id == voucher.id)
            .values(redeemed_at=job.redeemed_at, redeemed_payment_id=job.payment_id)
        )


def _refuse(voucher: AnyRow, job: RedeemVoucherJob, why: Refusal, work: Work) -> None:
    """Another guest was faster: the page, which was told 202, must not wait for ever."""
    refused = _row_of(voucher, job) | {
        "status": FAILED,
        "failure_code": why.code,
        "failure_reason": why.reason,
        "failed_at": work.now,
    }
    work.session.execute(insert(Payment).values(refused).on_conflict_do_nothing())


def _record_payment(voucher: AnyRow, job: RedeemVoucherJob, work: Work) -> None:
    """No money came, but access is given: that is a completed payment.

    One that was refused before is completed, for the right to it was older than it seemed.
    """
    completed = {
        "status": COMPLETED,
        "paid_amount": 0,
        "completed_at": work.now,
        "confirmed_by": "voucher",
        "failure_code": None,
        "failure_reason": None,
        "failed_at": None,
    }
    work.session.execute(
        insert(Payment)
        .values(_row_of(voucher, job) | completed)
        .on_conflict_do_update(
            index_elements=[Payment.id], set_=completed, where=Payment.status != COMPLETED
        )
    )


def _row_of(voucher: AnyRow, job: RedeemVoucherJob) -> dict[str, object]:
    return {
        "id": job.payment_id,
        "source": "voucher",
        "voucher_id": voucher.id,
        "phone": job.phone,
        "package": voucher.package,
        "price": terms.from_json(voucher.package).price.amount,
        "mac": job.mac,
        "ip": job.ip,
        "router_id": job.router_id,
        "link_login_only": job.link_login_only,
        "requested_at": job.redeemed_at,
        "prompt_state": "none",
        "prompt_attempt": 0,
    }
