"""What the rest of the system hears when access or a subscription changes."""

from collections.abc import Sequence
from typing import Literal

from hotspot.bus.work import Work
from hotspot.contract.access import (
    AccountSuspended,
    AccountUnsuspended,
    ReleaseRadiusUserJob,
    SubscriptionPaid,
    SuspendRadiusUserJob,
)
from hotspot.contract.payments import CacheCredentialsJob
from hotspot.contract.sms import SendCredentialsSMSJob
from provisioning_service import subscriptions
from provisioning_service.grants import authorization
from provisioning_service.models import Grant, HotspotUser, Subscription
from provisioning_service.subscriptions import SUSPENDED, Renewal, changed, phone_of


def tell_renewed(renewal: Renewal, user: HotspotUser, work: Work) -> None:
    """A subscription was paid. RADIUS hears of the new time before the old one changes."""
    subscription = renewal.subscription
    work.send(authorization(user, renewal.grant))
    tell_again(renewal.revised, user, work)
    for message in renewal.ended:
        work.send(message)
    if renewal.was == SUSPENDED:
        tell_released(subscription, user, work)
    work.send(
        SubscriptionPaid(
            subscription_id=subscription.id,
            user_id=user.id,
            phone=phone_of(user),
            package_name=subscription.package.name,
            paid_until=subscription.paid_until,
            price=subscription.package.price,
        )
    )
    work.send(changed(subscription, user, at=work.now))


def tell_again(revised: Sequence[Grant], user: HotspotUser, work: Work) -> None:
    """The terms of these grants changed: RADIUS and the buyer's page hear the new ones."""
    for grant in revised:
        work.send(authorization(user, grant))
        if grant.state == "ready":
            work.send(cached(user, grant))


def tell_suspended(
    subscription: Subscription,
    user: HotspotUser,
    reason: Literal["unpaid", "operator", "reversed"],
    work: Work,
    *,
    has_other_access: bool,
) -> None:
    """A subscription is suspended. Who has paid for something else keeps that."""
    if not has_other_access:
        work.send(
            SuspendRadiusUserJob(
                user_id=user.id, username=user.username, reason="suspended", changed_at=work.now
            )
        )
    work.send(
        AccountSuspended(
            subscription_id=subscription.id,
            user_id=user.id,
            phone=phone_of(user),
            suspended_at=work.now,
            reason=reason,
        )
    )
    work.send(changed(subscription, user, at=work.now))


def tell_released(subscription: Subscription, user: HotspotUser, work: Work) -> None:
    """A subscription is suspended no longer."""
    work.send(released(user, work))
    work.send(
        AccountUnsuspended(
            subscription_id=subscription.id,
            user_id=user.id,
            phone=phone_of(user),
            unsuspended_at=work.now,
        )
    )


def let_in(user: HotspotUser, work: Work) -> None:
    """Whoever has paid for anything is let in, though the subscription be suspended.

    Where an operator suspended it and paid time is left, that goes on too: RADIUS refuses a user,
    or does not.
    """
    subscription = subscriptions.of_user(work.session, user)
    if subscription is None or subscription.state != SUSPENDED:
        return
    if subscription.paid_until > work.now:
        subscriptions.enter(subscription, subscriptions.ACTIVE, at=work.now)
        tell_released(subscription, user, work)
        work.send(changed(subscription, user, at=work.now))
    else:
        work.send(released(user, work))


def released(user: HotspotUser, work: Work) -> ReleaseRadiusUserJob:
    """RADIUS refuses this user no longer."""
    return ReleaseRadiusUserJob(user_id=user.id, username=user.username, changed_at=work.now)


def cached(user: HotspotUser, grant: Grant) -> CacheCredentialsJob:
    """The login works: for the buyer's page."""
    return CacheCredentialsJob(
        payment_id=grant.payment_id,
        user_id=user.id,
        grant_id=grant.id,
        username=user.username,
        sealed_password=user.sealed_password,
        until=grant.ends_at,
    )


def credentials_sms(
    user: HotspotUser, grant: Grant, *, again: bool = False
) -> SendCredentialsSMSJob | None:
    """The login works: for the buyer's phone. None for a user without one."""
    if user.phone is None:
        return None
    return SendCredentialsSMSJob(
        payment_id=grant.payment_id,
        user_id=user.id,
        phone=user.phone,
        username=user.username,
        sealed_password=user.sealed_password,
        package_name=grant.package.name,
        until=grant.ends_at,
        again=again,
    )
