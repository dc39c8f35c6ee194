"""Messages about access: one short function each."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject, Retry
from hotspot.bus.work import Work
from hotspot.contract.access import (
    CreateHotspotUserJob,
    EndAccessJob,
    HotspotUserCreated,
    MoveAccessJob,
    MoveGrantJob,
    RadiusUserAuthorized,
    ReconnectSubscriptionJob,
    RevokeGrantJob,
)
from hotspot.contract.sessions import SessionExpired
from hotspot.vault import Vault
from provisioning_service import grace, grants, subscriptions
from provisioning_service.grants import Purchase
from provisioning_service.models import Grant, HotspotUser, Subscription, TakenBack
from provisioning_service.telling import (
    cached,
    credentials_sms,
    let_in,
    tell_again,
    tell_renewed,
    tell_suspended,
)
from provisioning_service.users import lock_user, user_of_phone, user_of_username

log = structlog.get_logger()

# By then, whoever was giving access at the moment when it was to end has committed.
LOOK_AGAIN_AFTER: Final = timedelta(minutes=2)


class AccessNotGivenYet(Retry):
    """The payment's access is to be moved, and its grant is still on the way."""


def create_hotspot_user(job: CreateHotspotUserJob, work: Work, *, vault: Vault) -> None:
    """Give the buyer a user and a grant, and ask RADIUS to let them in."""
    if job.phone is not None:
        user = user_of_phone(work.session, job.phone, vault=vault, at=work.now)
    else:
        user = user_of_username(work.session, job.username or "", vault=vault, at=work.now)
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
    """Bring a paid subscription back: active, known to RADIUS, reconnected, logged.

    Reconnected: the device that was online last is named in the grant, so that its router lets it
    in by its MAC address, and nobody has to type anything.
    """
    subscription = work.session.get(Subscription, job.subscription_id)
    if subscription is None:
        raise Reject(f"there is no subscription {job.subscription_id}")
    user = lock_user(work.session, subscription.user_id)
    work.session.refresh(subscription)
    purchase = Purchase(
        payment_id=job.payment_id,
        package=job.package or subscription.package,
        paid_at=job.paid_at,
        receipt=job.receipt or None,
        mac=job.mac,
        router_id=job.router_id,
    )
    grant = give_access(user, purchase, work)
    if grant is not None:
        log.info(
            "subscription reconnected",
            subscription_id=str(subscription.id),
            payment_id=str(job.payment_id),
            mac=grant.mac,
            until=grant.ends_at.isoformat(),
        )


def give_access(user: HotspotUser, purchase: Purchase, work: Work) -> Grant | None:
    """The grant of a payment, given once to a locked user; None where its money went back.

    Asked again, it repeats what may have been lost on the way, and gives nothing anew. The SMS
    and HotspotUserCreated are not repeated: they left, or leave, when the grant becomes ready.
    """
    if work.session.get(TakenBack, purchase.payment_id) is not None:
        log.warning("no access: the money went back", payment_id=str(purchase.payment_id))
        return None
    grant = grants.grant_of_payment(work.session, purchase.payment_id)
    if grant is None:
        return _new_access(user, purchase, work)
    if grant.user_id != user.id:
        raise Reject(f"payment {purchase.payment_id} gave access to another user already")
    if grant.state == "authorizing":
        work.send(grants.authorization(user, grant))
    else:
        work.send(cached(user, grant))
    return grant


def announce_access(event: RadiusUserAuthorized, work: Work) -> None:
    """The login works: tell the buyer's page, the buyer's phone and everyone else. Only once."""
    grant = grants.make_ready(work.session, event.grant_id, at=work.now)
    if grant is None:
        if work.session.get(Grant, event.grant_id) is None:
            raise Reject(f"RADIUS authorized a grant that was never given: {event.grant_id}")
        return
    if grant.kind == grants.GRACE or grant.ended_at is not None:
        return  # nobody bought it, or nobody may have it any more
    user = work.session.get_one(HotspotUser, grant.user_id)
    work.send(cached(user, grant))
    sms = credentials_sms(user, grant)
    if sms is not None:
        work.send(sms)
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


def move_access(job: MoveAccessJob, work: Work) -> None:
    """Tie a payment's access to the device that its buyer holds now; tell the credentials again."""
    found = grants.grant_of_payment(work.session, job.payment_id)
    if found is None:
        if work.session.get(TakenBack, job.payment_id) is not None:
            return
        raise AccessNotGivenYet(f"payment {job.payment_id} has no grant yet")
    user = lock_user(work.session, found.user_id)
    grant = grants.as_it_is_now(work.session, found)
    if grant.ended_at is not None or grant.ends_at <= work.now:
        log.info("access not moved: it is over", payment_id=str(job.payment_id))
        return
    moved = job.mac is not None and grants.move(
        grant, mac=job.mac, router_id=job.router_id, at=job.moved_at
    )
    if grant.state == "authorizing":
        # Nothing is told before the login works; then all of it is.
        work.send(grants.authorization(user, grant))
    if moved and grant.mac is not None:
        work.send(
            MoveGrantJob(
                grant_id=grant.id, username=user.username, mac=grant.mac, moved_at=job.moved_at
            )
        )
    if grant.state == "ready":
        work.send(cached(user, grant))
        sms = credentials_sms(user, grant, again=True) if job.by_sms else None
        if sms is not None:
            work.send(sms)


def end_access(job: EndAccessJob, work: Work) -> None:
    """Take a payment's access away, whether it is in use, waits, or is yet to be given."""
    noted = insert(TakenBack).values(
        payment_id=job.payment_id, reason=job.reason, ended_at=job.ended_at
    )
    is_news = work.session.scalar(noted.on_conflict_do_nothing().returning(TakenBack.payment_id))
    found = grants.grant_of_payment(work.session, job.payment_id)
    if found is None:
        if is_news is not None:
            work.send(job, after=LOOK_AGAIN_AFTER)
        return
    user = lock_user(work.session, found.user_id)
    grant = grants.as_it_is_now(work.session, found)
    if grant.ended_at is not None or grant.ends_at <= work.now:
        return
    grant.ended_at = work.now
    left = grants.standing(work.session, user.id, at=work.now)
    with grants.revising(left) as moved:
        grants.lay_in_a_row(left, at=work.now)
    tell_again(moved, user, work)
    work.send(RevokeGrantJob(grant_id=grant.id, username=user.username, revoked_at=work.now))
    _set_paid_time_back(user, left, work)
    log.info("access ended", payment_id=str(job.payment_id), reason=job.reason)


def _new_access(user: HotspotUser, purchase: Purchase, work: Work) -> Grant:
    if purchase.package.kind == "subscription" and user.phone is not None:
        renewal = subscriptions.renew(work.session, user, purchase, at=work.now)
        tell_renewed(renewal, user, work)
        return renewal.grant
    grant = grants.extend(work.session, user, purchase, at=work.now)
    work.send(grants.authorization(user, grant))
    let_in(user, work)
    return grant


def _set_paid_time_back(user: HotspotUser, left: Sequence[Grant], work: Work) -> None:
    """A subscriber has less paid time than before. Without any, it is suspended at once.

    No grace: that is for who was paid up to the end.
    """
    subscription = subscriptions.of_user(work.session, user)
    if subscription is None:
        return
    until = subscriptions.paid_until(work.session, user) or subscription.created_at
    if until == subscription.paid_until:
        return
    for message in grace.take_back(work.session, subscription, user, at=work.now):
        work.send(message)
    subscription.paid_until = until
    if subscription.state != subscriptions.SUSPENDED and until <= work.now:
        subscriptions.enter(subscription, subscriptions.SUSPENDED, at=work.now)
        tell_suspended(subscription, user, "reversed", work, has_other_access=bool(left))
    else:
        work.send(subscriptions.changed(subscription, user, at=work.now))
