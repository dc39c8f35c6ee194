"""Users and subscriptions, as operators see them. Reading only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy import Row, Select, select

from hotspot.contract.message import utc_text
from hotspot.web.app import db, now
from hotspot.web.auth import needs_role
from hotspot.web.pages import newest_first
from hotspot.web.problem import Problem
from provisioning_service.models import Grant, HotspotUser, Subscription
from provisioning_service.schemas import (
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
        with db() as connection:
            wanted = _subscriptions().where(Subscription.id == subscription_id)
            row = connection.execute(wanted).first()
        if row is None:
            raise Problem(404, "not-found", f"There is no subscription {subscription_id}.")
        return _subscription(row)

    return blueprint


def _users() -> Select[UUID, str, str, datetime]:
    # The columns that are shown, and no others: the sealed password stays in the database.
    return select(HotspotUser.id, HotspotUser.phone, HotspotUser.username, HotspotUser.created_at)


def _subscriptions() -> Select[Any]:
    return select(Subscription.__table__, HotspotUser.phone).join(
        HotspotUser, HotspotUser.id == Subscription.user_id
    )


def _user(row: Row[UUID, str, str, datetime]) -> dict[str, Any]:
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
        "payment_id": row.payment_id,
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
        "created_at": utc_text(row.created_at),
        "changed_at": utc_text(row.changed_at),
    }
