"""After a restore: what radius-service and payment-service may have forgotten."""

from sqlalchemy import select

from hotspot.bus.work import Work
from provisioning_service.grants import authorization
from provisioning_service.models import Grant, HotspotUser, Subscription
from provisioning_service.subscriptions import changed


def ask_again(work: Work) -> None:
    """Have RADIUS let in everyone whose time is not over, and tell each subscription anew."""
    standing = (
        select(Grant, HotspotUser)
        .join(HotspotUser, HotspotUser.id == Grant.user_id)
        .where(Grant.ended_at.is_(None), Grant.ends_at > work.now)
        .order_by(Grant.id)
    )
    for grant, user in work.session.execute(standing).all():
        work.send(authorization(user, grant), correlation_id=grant.payment_id)
    recurring = (
        select(Subscription, HotspotUser)
        .join(HotspotUser, HotspotUser.id == Subscription.user_id)
        .order_by(Subscription.id)
    )
    for subscription, user in work.session.execute(recurring).all():
        work.send(changed(subscription, user, at=work.now))
