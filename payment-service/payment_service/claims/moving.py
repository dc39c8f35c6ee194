"""Access that goes to another device: by a voucher, or by a claim."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from hotspot.bus.work import Work
from hotspot.contract.access import MoveAccessJob
from payment_service.models import Access, Payment, change


@dataclass(frozen=True, kw_only=True)
class Device:
    """The device that a guest holds now, as far as the router's login page told about it."""

    mac: str | None = None
    router_id: str | None = None
    link_login_only: str | None = None


def move_access(
    payment_id: UUID, device: Device, work: Work, *, moved_at: datetime, by_sms: bool
) -> None:
    """Have a payment's access moved, where another device holds it or an SMS is wanted.

    Its page leads to the login of the router that the guest is at now.
    """
    held_by = (
        select(func.coalesce(Access.mac, Payment.mac))
        .join(Payment, Payment.id == Access.payment_id)
        .where(Access.payment_id == payment_id)
        .with_for_update(of=Access)
    )
    is_elsewhere = device.mac is not None and work.session.scalar(held_by) != device.mac
    told = {"mac": device.mac, "link_login_only": device.link_login_only}
    known = {name: value for name, value in told.items() if value is not None}
    if known:
        work.session.execute(change(Access).where(Access.payment_id == payment_id).values(known))
    if is_elsewhere or by_sms:
        work.send(
            MoveAccessJob(
                payment_id=payment_id,
                moved_at=moved_at,
                mac=device.mac,
                router_id=device.router_id,
                by_sms=by_sms,
            )
        )
