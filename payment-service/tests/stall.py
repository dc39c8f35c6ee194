"""A stall that sells vouchers, in a test: batches, and guests who type codes."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.bus.work import Work
from hotspot.contract.message import Message
from hotspot.contract.vouchers import CreateVoucherBatchJob, RedeemVoucherJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for
from payment_service.models import Voucher
from payment_service.vouchers.redeeming import Guest, redemption_id

from .shop import Shop, package

MAC, OTHER_MAC = "02:00:5E:10:00:01", "02:00:5E:10:00:02"


@dataclass(frozen=True, kw_only=True)
class Stall:
    """Vouchers of a shop."""

    shop: Shop

    def batch(self, count: int = 1, **fields: Any) -> UUID:
        """A batch that was made to its end."""
        job = batch_job(count, **fields)
        waiting: list[Message] = [job]
        while waiting:
            sent = self.shop.run(waiting.pop())
            waiting += [one for one in sent if isinstance(one, CreateVoucherBatchJob)]
        return job.batch_id

    def vouchers(self, batch_id: UUID) -> Sequence[Any]:
        """Its rows, by serial number."""
        wanted = select(Voucher.__table__).where(Voucher.batch_id == batch_id)
        with self.shop.engine.connect() as connection:
            return connection.execute(wanted.order_by(Voucher.serial)).all()

    def at_once(self, jobs: Sequence[Message]) -> list[str]:
        """Handle jobs together, each in a worker of its own; answers the names of all sent."""
        sent: list[str] = []
        ready = threading.Barrier(len(jobs))

        def handle(job: Message) -> None:
            ready.wait()
            with Session(self.shop.engine) as session:
                work = Work(
                    session=session, now=NOON, envelope=envelope_for(job), service="payment"
                )
                self.shop.handlers[type(job)](job, work)  # type: ignore[operator]
                session.commit()
            sent.extend(parcel.envelope.name for parcel in work.sent)

        threads = [threading.Thread(target=handle, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(sent)

    def voucher(self, **fields: Any) -> Any:
        """The row of the one voucher of a new batch."""
        (voucher,) = self.vouchers(self.batch(1, **fields))
        return voucher


def batch_job(count: int, **fields: Any) -> CreateVoucherBatchJob:
    """An operator's order of hours."""
    values = {
        "batch_id": new_id(),
        "package": package(),
        "requested_by": "otieno",
        "requested_at": NOON,
    }
    return CreateVoucherBatchJob(count=count, **{**values, **fields})


def redeem_job(voucher_id: UUID, **fields: Any) -> RedeemVoucherJob:
    """A guest typed a code; the page watches what the route would have it watch."""
    who = Guest(phone=fields.get("phone"), mac=fields.get("mac"))
    values = {"payment_id": redemption_id(voucher_id, who), "redeemed_at": NOON}
    return RedeemVoucherJob(voucher_id=voucher_id, **{**values, **fields})
