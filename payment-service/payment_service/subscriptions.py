"""Subscriptions as provisioning-service tells of them: what a payment may bring back."""

from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Work
from hotspot.contract.access import SubscriptionChanged
from payment_service.models import Subscription


def subscription_changed(event: SubscriptionChanged, work: Work) -> None:
    """Know it as it is now. The newest change counts, whatever order they come in."""
    told = insert(Subscription).values(
        id=event.subscription_id,
        phone=event.phone,
        package_id=event.package_id,
        state=event.state,
        paid_until=event.paid_until,
        changed_at=event.changed_at,
    )
    new = told.excluded
    work.session.execute(
        told.on_conflict_do_update(
            index_elements=[Subscription.id],
            set_={
                "phone": new.phone,
                "package_id": new.package_id,
                "state": new.state,
                "paid_until": new.paid_until,
                "changed_at": new.changed_at,
            },
            where=Subscription.changed_at < new.changed_at,
        )
    )
