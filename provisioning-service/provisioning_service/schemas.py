"""HTTP queries and bodies. No body has a password."""

from datetime import UTC

from marshmallow import Schema, fields, validate

from hotspot.web.fields import Phone


class UsersQuery(Schema):
    """Which users."""

    phone = Phone()
    since = fields.AwareDateTime(default_timezone=UTC)


class SubscriptionsQuery(Schema):
    """Which subscriptions."""

    phone = Phone()
    status = fields.String(validate=validate.OneOf(["active", "grace", "suspended"]))
    since = fields.AwareDateTime(default_timezone=UTC)


class GrantSchema(Schema):
    """Access that a payment gave: `provisioning`, `ready` or `ended`.

    Of the kind `grace`: days lent to a subscription, which nobody has paid for.
    """

    id = fields.UUID(required=True)
    payment_id = fields.UUID(required=True, allow_none=True)
    kind = fields.String(required=True, validate=validate.OneOf(["paid", "grace"]))
    package_id = fields.UUID(required=True)
    package_name = fields.String(required=True)
    state = fields.String(required=True)
    starts_at = fields.String(required=True)
    ends_at = fields.String(required=True)
    ended_at = fields.String(required=True, allow_none=True)
    data_bytes = fields.Integer(required=True, allow_none=True)
    receipt = fields.String(required=True, allow_none=True)


class UserSchema(Schema):
    """A hotspot user. Without a phone: who used a voucher without telling a number."""

    id = fields.UUID(required=True)
    phone = fields.String(required=True, allow_none=True)
    username = fields.String(required=True)
    created_at = fields.String(required=True)


class UserInFullSchema(UserSchema):
    """With the newest grants."""

    grants = fields.List(fields.Nested(GrantSchema), required=True)


class UsersSchema(Schema):
    """A page of users."""

    items = fields.List(fields.Nested(UserSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class NewSubscriptionSchema(Schema):
    """Who is subscribed to what."""

    phone = Phone(required=True)
    package_id = fields.UUID(required=True)


class SubscriptionAcceptedSchema(Schema):
    """The subscription that an order was taken for."""

    id = fields.UUID(required=True)


class SubscriptionSchema(Schema):
    """Recurring access of one user."""

    id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    phone = fields.String(required=True)
    package_id = fields.UUID(required=True)
    package_name = fields.String(required=True)
    status = fields.String(required=True)
    paid_until = fields.String(required=True)
    grace_until = fields.String(required=True, allow_none=True)
    created_at = fields.String(required=True)
    changed_at = fields.String(required=True)


class SubscriptionsSchema(Schema):
    """A page of subscriptions."""

    items = fields.List(fields.Nested(SubscriptionSchema), required=True)
    next = fields.String(required=True, allow_none=True)
