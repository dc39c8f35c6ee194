"""Messages about subscriptions: what comes with time, and what operators order."""

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Work
from hotspot.contract.access import (
    CheckExpiredSubscriptionsJob,
    CreateSubscriptionJob,
    ProcessGracePeriodJob,
    SuspendSubscriptionJob,
    UnsuspendSubscriptionJob,
)
from hotspot.contract.packages import PackageChanged
from hotspot.vault import Vault
from provisioning_service import grace, subscriptions
from provisioning_service.grants import authorization
from provisioning_service.models import HotspotUser, Package, Subscription
from provisioning_service.subscriptions import ACTIVE, GRACE, SUSPENDED, changed, enter
from provisioning_service.telling import tell_released, tell_suspended
from provisioning_service.users import lock_user, user_of_phone

log = structlog.get_logger()

# In one transaction; where there are more, the job asks for another one.
AT_ONCE: Final = 500


def check_expired_subscriptions(
    _job: CheckExpiredSubscriptionsJob, work: Work, *, days: timedelta, most: int = AT_ONCE
) -> None:
    """Those whose paid time is over are in grace, and stay online by what they are lent."""
    due = work.session.execute(subscriptions.ending(at=work.now, most=most)).all()
    for subscription, user in due:
        if subscription.grace_until is None:
            _lend(subscription, user, work, days=days, since_paid=True)
        if subscription.paid_until <= work.now:
            enter(subscription, GRACE, at=work.now)
            work.send(changed(subscription, user, at=work.now))
    if len(due) == most:
        work.send(CheckExpiredSubscriptionsJob())
    log.info("subscriptions checked", due=len(due))


def process_grace_period(_job: ProcessGracePeriodJob, work: Work, *, most: int = AT_ONCE) -> None:
    """Subscriptions that nobody paid in their grace are suspended."""
    due = work.session.execute(subscriptions.overdue(at=work.now, most=most)).all()
    others = subscriptions.with_other_access(
        work.session, [user.id for _, user in due], at=work.now
    )
    for subscription, user in due:
        enter(subscription, SUSPENDED, at=work.now)
        tell_suspended(subscription, user, "unpaid", work, has_other_access=user.id in others)
    if len(due) == most:
        work.send(ProcessGracePeriodJob())
    log.info("grace periods processed", suspended=len(due))


def create_subscription(job: CreateSubscriptionJob, work: Work, *, vault: Vault) -> None:
    """Subscribe a customer who has not paid yet. One subscription a phone."""
    if job.package.kind != "subscription":
        raise Reject(f"{job.package.name} is not a subscription package")
    user = user_of_phone(work.session, job.phone, vault=vault, at=work.now)
    found = subscriptions.of_user(work.session, user)
    if found is None:
        made = subscriptions.begin(
            work.session, job.subscription_id, user, job.package, paid_until=work.now, at=work.now
        )
        work.send(changed(made, user, at=work.now))
        log.info("subscription created", subscription_id=str(made.id), by=job.requested_by)
    elif found.id != job.subscription_id:
        raise Reject(f"this phone has a subscription already: {found.id}")


def suspend_subscription(job: SuspendSubscriptionJob, work: Work) -> None:
    """An operator stops a subscription. Its paid time runs on; a payment, too, releases it."""
    subscription, user = _ordered(job, work)
    if subscription is None or not enter(subscription, SUSPENDED, at=work.now):
        return
    ended = grace.take_back(work.session, subscription, user, at=work.now)
    for message in ended:
        work.send(message)
    tell_suspended(subscription, user, "operator", work, has_other_access=False)
    log.info("subscription suspended", subscription_id=str(subscription.id), by=job.requested_by)


def unsuspend_subscription(job: UnsuspendSubscriptionJob, work: Work, *, days: timedelta) -> None:
    """An operator lets a subscription go on: by its paid time, else by days lent anew."""
    subscription, user = _ordered(job, work)
    if subscription is None or subscription.state != SUSPENDED:
        return
    if subscription.paid_until > work.now:
        enter(subscription, ACTIVE, at=work.now)
    elif _lend(subscription, user, work, days=days, since_paid=False):
        enter(subscription, GRACE, at=work.now)
    else:
        raise Reject("nothing of it is paid, and SUBSCRIPTION_GRACE_DAYS lends nothing")
    tell_released(subscription, user, work)
    work.send(changed(subscription, user, at=work.now))
    log.info("subscription released", subscription_id=str(subscription.id), by=job.requested_by)


def note_package(event: PackageChanged, work: Work) -> None:
    """Keep what is sold now. An older word than what is known changes nothing."""
    row = insert(Package).values(
        id=event.terms.package_id,
        code=event.code,
        terms=event.terms,
        on_sale=event.on_sale,
        changed_at=event.changed_at,
    )
    work.session.execute(
        row.on_conflict_do_update(
            index_elements=[Package.id],
            set_={
                "code": row.excluded.code,
                "terms": row.excluded.terms,
                "on_sale": row.excluded.on_sale,
                "changed_at": row.excluded.changed_at,
            },
            where=Package.changed_at < row.excluded.changed_at,
        )
    )


def _lend(
    subscription: Subscription, user: HotspotUser, work: Work, *, days: timedelta, since_paid: bool
) -> bool:
    since = subscription.paid_until if since_paid else work.now
    lent = grace.lend(work.session, subscription, days=days, since=since, at=work.now)
    if lent is not None:
        work.send(authorization(user, lent))
    return lent is not None


def _ordered(
    job: SuspendSubscriptionJob | UnsuspendSubscriptionJob, work: Work
) -> tuple[Subscription | None, HotspotUser]:
    """The subscription of an operator's order and its user, locked. None: a newer order came."""
    known = work.session.get(Subscription, job.subscription_id)
    if known is None:
        raise Reject(f"there is no subscription {job.subscription_id}")
    user = lock_user(work.session, known.user_id)
    subscription = subscriptions.of_user(work.session, user)
    if subscription is None or (
        subscription.ordered_at is not None and subscription.ordered_at > job.requested_at
    ):
        return None, user
    subscription.ordered_at = job.requested_at
    return subscription, user
