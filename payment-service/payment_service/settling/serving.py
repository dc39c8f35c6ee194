"""Asking for the access that a payment bought. Whoever is asked twice gives it once."""

from uuid import UUID

from sqlalchemy import func, select

from hotspot.bus.work import Work
from hotspot.contract.access import HotspotUserProvisionRequested, SubscriptionReconnectionRequested
from hotspot.contract.packages import PackageTerms
from payment_service.models import Access, AnyRow, Payment, Subscription
from payment_service.packages import terms


def ask_for_access(payment: AnyRow, receipt: str, work: Work) -> None:
    """Ask for a user and a grant; or, for a subscription that is cut off, for its reconnection.

    `payment` has id, phone, package, mac and router_id.
    """
    sold = terms.from_json(payment.package)
    subscription_id = _cut_off(payment.phone, sold, work)
    about = {
        "payment_id": payment.id,
        "package": sold,
        "receipt": receipt,
        # When it was confirmed, not when M-Pesa moved the money: the time that was bought
        # must not run while a late callback is on its way.
        "paid_at": work.now,
        "mac": payment.mac,
        "router_id": payment.router_id,
    }
    if subscription_id is None:
        wish = HotspotUserProvisionRequested(phone=payment.phone, **about)
        work.send(wish, correlation_id=payment.id)
    else:
        again = SubscriptionReconnectionRequested(subscription_id=subscription_id, **about)
        work.send(again, correlation_id=payment.id)


def ask_again(payment_id: UUID, work: Work) -> None:
    """Ask once more for the access of a completed payment, on the device that holds it now."""
    payment = work.session.execute(
        select(
            Payment.id,
            Payment.phone,
            Payment.package,
            Payment.receipt,
            func.coalesce(Access.mac, Payment.mac).label("mac"),
            Payment.router_id,
        )
        .join(Access, Access.payment_id == Payment.id, isouter=True)
        .where(Payment.id == payment_id)
    ).one()
    ask_for_access(payment, payment.receipt or "", work)


def _cut_off(phone: str | None, sold: PackageTerms, work: Work) -> UUID | None:
    """The subscription of this phone that is in grace or suspended, where one was bought."""
    if phone is None or sold.kind != "subscription":
        return None
    return work.session.scalar(
        select(Subscription.id).where(
            Subscription.phone == phone, Subscription.state.in_(("grace", "suspended"))
        )
    )
