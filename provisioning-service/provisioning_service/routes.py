"""Users and subscriptions, as operators see them, and what they order about them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy import Row, Select, select

from hotspot.contract.access import (
    CreateSubscriptionJob,
    SuspendSubscriptionJob,
    UnsuspendSubscriptionJob,
)
from hotspot.contract.message import utc_text
from hotspot.contract.packages import PackageTerms
from hotspot.ids import new_id
from hotspot.web.app import config_of, db, now, publish
from hotspot.web.auth import caller_of_request, needs_role
from hotspot.web.openapi import refuses
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem, invalid
from provisioning_service.config import Config
from provisioning_service.grants import PAID
from provisioning_service.models import Grant, HotspotUser, Package, Subscription
from provisioning_service.schemas import (
    NewSubscriptionSchema,
    SubscriptionAcceptedSchema,
    SubscriptionSchema,
    SubscriptionsQuery,
    SubscriptionsSchema,
    UserInFullSchema,
    UsersQuery,
    UsersSchema,
)

GRANTS_SHOWN = 50


def users_blueprint() -> Blueprint:
    """/api/v1/users."""
    blueprint = Blueprint("users", __name__, url_prefix="/api/v1/users")

    @blueprint.get("")
    @needs_role("viewer")
    @blueprint.arguments(UsersQuery, location="query")
    @blueprint.response(200, UsersSchema)
    @paged
    def list_users(query: dict[str, Any]) -> dict[str, Any]:
        """Users, newest first."""
        return newest_first(
            _users(),
            by=HotspotUser.id,
            where={
                "phone": HotspotUser.phone.__eq__,
                "since": HotspotUser.created_at.__ge__,
            },
            query=query,
            seen=_user,
        )

    @blueprint.get("/<uuid:user_id>")
    @needs_role("viewer")
    @blueprint.response(200, UserInFullSchema)
    def show_user(user_id: UUID) -> dict[str, Any]:
        """One user, with the newest grants."""
        with db() as connection:
            user = connection.execute(_users().where(HotspotUser.id == user_id)).first()
            if user is None:
                raise Problem(404, "not-found", f"There is no user {user_id}.")
            given = connection.execute(
                select(Grant.__table__)
                .where(Grant.user_id == user_id)
                .order_by(Grant.ends_at.desc())
                .limit(GRANTS_SHOWN)
            ).all()
        return _user(user) | {"grants": [_grant(row, now()) for row in given]}

    return blueprint


def subscriptions_blueprint() -> Blueprint:
    """/api/v1/subscriptions."""
    blueprint = Blueprint("subscriptions", __name__, url_prefix="/api/v1/subscriptions")

    @blueprint.get("")
    @needs_role("viewer")
    @blueprint.arguments(SubscriptionsQuery, location="query")
    @blueprint.response(200, SubscriptionsSchema)
    @paged
    def list_subscriptions(query: dict[str, Any]) -> dict[str, Any]:
        """Subscriptions, newest first."""
        return newest_first(
            _subscriptions(),
            by=Subscription.id,
            where={
                "phone": HotspotUser.phone.__eq__,
                "status": Subscription.state.__eq__,
                "since": Subscription.created_at.__ge__,
            },
            query=query,
            seen=_subscription,
        )

    @blueprint.get("/<uuid:subscription_id>")
    @needs_role("viewer")
    @blueprint.response(200, SubscriptionSchema)
    def show_subscription(subscription_id: UUID) -> dict[str, Any]:
        """One subscription."""
        return _subscription(_subscription_row(subscription_id))

    @blueprint.post("")
    @needs_role("operator")
    @blueprint.arguments(NewSubscriptionSchema)
    @blueprint.response(202, SubscriptionAcceptedSchema)
    @refuses({409: "The phone has a subscription already."})
    def create_subscription(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Subscribe a customer: it runs once it is paid. One subscription a phone."""
        package = _package_to_subscribe(body["package_id"])
        _refuse_second(body["phone"])
        subscription_id = new_id()
        publish(
            CreateSubscriptionJob(
                subscription_id=subscription_id,
                phone=body["phone"],
                package=package,
                requested_by=caller_of_request().subject,
                requested_at=now(),
            )
        )
        place = {"Location": f"/api/v1/subscriptions/{subscription_id}"}
        return {"id": subscription_id}, place

    @blueprint.post("/<uuid:subscription_id>/suspend")
    @needs_role("operator")
    @blueprint.response(202, SubscriptionAcceptedSchema)
    def suspend_subscription(subscription_id: UUID) -> dict[str, Any]:
        """Stop it until it is paid, or unsuspended. Its paid time runs on."""
        _subscription_row(subscription_id)
        publish(
            SuspendSubscriptionJob(
                subscription_id=subscription_id,
                requested_by=caller_of_request().subject,
                requested_at=now(),
            )
        )
        return {"id": subscription_id}

    @blueprint.post("/<uuid:subscription_id>/unsuspend")
    @needs_role("operator")
    @blueprint.response(202, SubscriptionAcceptedSchema)
    @refuses({409: "Nothing of it is paid, and no grace is given."})
    def unsuspend_subscription(subscription_id: UUID) -> dict[str, Any]:
        """Let it go on: by the paid time that is left, else by days of grace, given anew."""
        row = _subscription_row(subscription_id)
        config: Config = config_of()
        if row.paid_until <= now() and not config.grace:
            raise Problem(409, "not-paid", "Nothing of it is paid, and no grace is given.")
        publish(
            UnsuspendSubscriptionJob(
                subscription_id=subscription_id,
                requested_by=caller_of_request().subject,
                requested_at=now(),
            )
        )
        return {"id": subscription_id}

    return blueprint


def _subscription_row(subscription_id: UUID) -> Row[Any]:
    with db() as connection:
        row = connection.execute(_subscriptions().where(Subscription.id == subscription_id)).first()
    if row is None:
        raise Problem(404, "not-found", f"There is no subscription {subscription_id}.")
    return row


def _package_to_subscribe(package_id: UUID) -> PackageTerms:
    with db() as connection:
        wanted = select(Package.terms, Package.on_sale).where(Package.id == package_id)
        found = connection.execute(wanted).first()
    if found is None:
        raise invalid({"package_id": ["there is no such package"]})
    if found.terms.kind != "subscription":
        raise invalid({"package_id": ["is not a subscription package"]})
    if not found.on_sale:
        raise invalid({"package_id": ["is not sold any more"]})
    terms: PackageTerms = found.terms
    return terms


def _refuse_second(phone: str) -> None:
    """Say now what the database would decide later: nobody need look for a failed job."""
    with db() as connection:
        known = connection.scalar(
            select(Subscription.id)
            .join(HotspotUser, HotspotUser.id == Subscription.user_id)
            .where(HotspotUser.phone == phone)
        )
    if known is not None:
        raise Problem(409, "subscribed", f"This phone has a subscription already: {known}.")


def _users() -> Select[UUID, str | None, str, datetime]:
    # The columns that are shown, and no others: the sealed password stays in the database.
    return select(HotspotUser.id, HotspotUser.phone, HotspotUser.username, HotspotUser.created_at)


def _subscriptions() -> Select[Any]:
    return select(Subscription.__table__, HotspotUser.phone).join(
        HotspotUser, HotspotUser.id == Subscription.user_id
    )


def _user(row: Row[UUID, str | None, str, datetime]) -> dict[str, Any]:
    return {
        "id": row.id,
        "phone": row.phone,
        "username": row.username,
        "created_at": utc_text(row.created_at),
    }


def _grant(row: Row[Any], at: datetime) -> dict[str, Any]:
    ended_at = row.ended_at or (row.ends_at if row.ends_at <= at else None)
    state = "ready" if row.state == "ready" else "provisioning"
    return {
        "id": row.id,
        # Lent days are nobody's payment.
        "payment_id": row.payment_id if row.kind == PAID else None,
        "kind": row.kind,
        "package_id": row.package.package_id,
        "package_name": row.package.name,
        "state": "ended" if ended_at else state,
        "starts_at": utc_text(row.starts_at),
        "ends_at": utc_text(row.ends_at),
        "ended_at": utc_text(ended_at) if ended_at else None,
        "data_bytes": row.data_bytes,
        "receipt": row.receipt,
    }


def _subscription(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "user_id": row.user_id,
        "phone": row.phone,
        "package_id": row.package.package_id,
        "package_name": row.package.name,
        "status": row.state,
        "paid_until": utc_text(row.paid_until),
        "grace_until": utc_text(row.grace_until) if row.grace_until else None,
        "created_at": utc_text(row.created_at),
        "changed_at": utc_text(row.changed_at),
    }
