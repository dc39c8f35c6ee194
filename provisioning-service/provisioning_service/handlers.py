"""Messages about access: one short function each."""

from datetime import timedelta

import structlog

from hotspot.bus.outcome import Reject
from hotspot.bus.upkeep import prune_bus
from hotspot.bus.work import Work
from hotspot.contract.access import (
    AccountSuspended,
    CheckExpiredSubscriptionsJob,
    CreateHotspotUserJob,
    HotspotUserCreated,
    ProcessGracePeriodJob,
    RadiusUserAuthorized,
    ReconnectSubscriptionJob,
)
from hotspot.contract.operations import RotateLogs
from hotspot.contract.payments import CacheCredentialsJob
from hotspot.contract.sessions import SessionExpired
from hotspot.contract.sms import SendCredentialsSMSJob
from hotspot.vault import Vault
from provisioning_service import grants, subscriptions
from provisioning_service.grants import Purchase
from provisioning_service.models import Grant, HotspotUser, Subscription
from provisioning_service.users import lock_user, user_of_phone

log = structlog.get_logger()


def create_hotspot_user(job: CreateHotspotUserJob, work: Work, *, vault: Vault) -> None:
    """Give the buyer a user and a grant, and ask RADIUS to let them in."""
    user = user_of_phone(work.session, job.phone, vault=vault, at=work.now)
    purchase = Purchase(
        payment_id=job.payment_id,
        package=job.package,
        paid_at=job.paid_at,
        receipt=job.receipt,
        mac=job.mac,
        router_id=job.router_id,
    )
    give_access(user, purchase, work)


def reconnect_subscription(job: ReconnectSubscriptionJob, work: Work) -> None:
    """Bring a paid subscription back: active, with a grant, and known to RADIUS again."""
    subscription = work.session.get(Subscription, job.subscription_id)
    if subscription is None:
        raise Reject(f"there is no subscription {job.subscription_id}")
    user = lock_user(work.session, work.session.get_one(HotspotUser, subscription.user_id))
    grant = give_access(
        user,
        Purchase(payment_id=job.payment_id, package=subscription.package, paid_at=job.paid_at),
        work,
    )
    log.info(
        "subscription reconnected",
        subscription_id=str(subscription.id),
        payment_id=str(job.payment_id),
        until=grant.ends_at.isoformat(),
    )


def give_access(user: HotspotUser, purchase: Purchase, work: Work) -> Grant:
    """The grant of a payment, given once to a locked user.

    Asked again, it repeats what may have been lost on the way, and gives nothing anew. The SMS
    and HotspotUserCreated are not repeated: they left, or leave, when the grant becomes ready.
    """
    grant = grants.grant_of_payment(work.session, purchase.payment_id)
    if grant is None:
        grant = grants.extend(work.session, user, purchase, at=work.now)
        if purchase.package.kind == "subscription":
            _renew(user, grant, work)
    if grant.user_id != user.id:
        raise Reject(f"payment {purchase.payment_id} gave access to another phone already")
    if grant.state == "authorizing":
        work.send(grants.authorization(user, grant))
    else:
        work.send(_cached(user, grant))
    return grant


def announce_access(event: RadiusUserAuthorized, work: Work) -> None:
    """The login works: tell the buyer's page, the buyer's phone and everyone else. Only once."""
    grant = grants.make_ready(work.session, event.grant_id, at=work.now)
    if grant is None:
        if work.session.get(Grant, event.grant_id) is None:
            raise Reject(f"RADIUS authorized a grant that was never given: {event.grant_id}")
        return
    user = work.session.get_one(HotspotUser, grant.user_id)
    work.send(_cached(user, grant))
    work.send(
        SendCredentialsSMSJob(
            payment_id=grant.payment_id,
            user_id=user.id,
            phone=user.phone,
            username=user.username,
            sealed_password=user.sealed_password,
            package_name=grant.package.name,
            until=grant.ends_at,
        )
    )
    work.send(
        HotspotUserCreated(
            user_id=user.id,
            username=user.username,
            phone=user.phone,
            grant_id=grant.id,
            payment_id=grant.payment_id,
            starts_at=grant.starts_at,
            until=grant.ends_at,
            returning=user.created_at < grant.created_at,
        )
    )


def end_grant(event: SessionExpired, work: Work) -> None:
    """The paid time or data is used up: the next grant need not wait for this one's end."""
    if grants.end(work.session, event.grant_id, at=event.expired_at):
        log.info("grant ended", grant_id=str(event.grant_id))


def check_expired_subscriptions(_job: CheckExpiredSubscriptionsJob, work: Work) -> None:
    """Subscriptions whose paid time is over get their grace."""
    lapsed = subscriptions.lapse(work.session, at=work.now)
    log.info("subscriptions checked", lapsed=lapsed)


def process_grace_period(_job: ProcessGracePeriodJob, work: Work, *, grace: timedelta) -> None:
    """Subscriptions that nobody paid in their grace are suspended."""
    overdue = subscriptions.suspend_overdue(work.session, grace=grace, at=work.now)
    for subscription in overdue:
        work.send(
            AccountSuspended(
                subscription_id=subscription.id,
                user_id=subscription.user_id,
                phone=work.session.get_one(HotspotUser, subscription.user_id).phone,
                suspended_at=work.now,
            )
        )
    log.info("grace periods processed", suspended=len(overdue))


def rotate_logs(_job: RotateLogs, work: Work) -> None:
    """Forget what was handled long ago."""
    prune_bus(work)


def _renew(user: HotspotUser, grant: Grant, work: Work) -> None:
    renewal = subscriptions.renew(work.session, user, grant, at=work.now)
    for fact in subscriptions.facts_of(renewal, user, at=work.now):
        work.send(fact)


def _cached(user: HotspotUser, grant: Grant) -> CacheCredentialsJob:
    return CacheCredentialsJob(
        payment_id=grant.payment_id,
        user_id=user.id,
        grant_id=grant.id,
        username=user.username,
        sealed_password=user.sealed_password,
        until=grant.ends_at,
    )
