"""Messages about access: users, grants and subscriptions."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from hotspot.contract.message import Message, message
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms


@message("HotspotUserProvisionRequested", version=1)
class HotspotUserProvisionRequested(Message):
    """A confirmed payment or a voucher asks for access. Handled as CreateHotspotUserJob.

    Without a phone (a voucher from a shop), `username` names the user.
    """

    payment_id: UUID
    phone: str | None
    package: PackageTerms
    receipt: str
    paid_at: datetime
    mac: str | None = None
    router_id: str | None = None
    username: str | None = None


@message("CreateHotspotUserJob", version=1)
class CreateHotspotUserJob(Message):
    """Give the buyer a user and a grant, and let them in."""

    payment_id: UUID
    phone: str | None
    package: PackageTerms
    receipt: str
    paid_at: datetime
    mac: str | None = None
    router_id: str | None = None
    username: str | None = None


@message("SubscriptionReconnectionRequested", version=1)
class SubscriptionReconnectionRequested(Message):
    """A subscription was paid while disconnected. Handled as ReconnectSubscriptionJob.

    `package` as it was sold; where it is missing, the package that the subscription has.
    """

    subscription_id: UUID
    payment_id: UUID
    paid_at: datetime
    package: PackageTerms | None = None
    receipt: str = ""
    mac: str | None = None
    router_id: str | None = None


@message("ReconnectSubscriptionJob", version=1)
class ReconnectSubscriptionJob(Message):
    """Bring a paid subscription back online."""

    subscription_id: UUID
    payment_id: UUID
    paid_at: datetime
    package: PackageTerms | None = None
    receipt: str = ""
    mac: str | None = None
    router_id: str | None = None


@message("AuthorizeRadiusUserJob", version=1)
class AuthorizeRadiusUserJob(Message):
    """Let RADIUS know a user's password and one grant: its rows, and the session record.

    The grant runs from `starts_at` until `ends_at`; `data_bytes` caps what may be used in it.
    The password is sealed (`hotspot.vault`). A higher `revision` replaces the grant's terms.
    """

    user_id: UUID
    username: str
    sealed_password: str
    phone: str | None
    grant_id: UUID
    payment_id: UUID
    starts_at: datetime
    ends_at: datetime
    down_kbps: int
    up_kbps: int
    devices: int
    data_bytes: int | None = None
    mac: str | None = None
    router_id: str | None = None
    revision: int = 0


@message("RadiusUserAuthorized", version=1)
class RadiusUserAuthorized(Message):
    """RADIUS lets this user in from now on: the login works."""

    user_id: UUID
    username: str
    grant_id: UUID
    payment_id: UUID
    authorized_at: datetime


@message("HotspotUserCreated", version=1)
class HotspotUserCreated(Message):
    """A buyer can log in: the user exists, the grant runs, the credentials are on their way."""

    user_id: UUID
    username: str
    phone: str | None
    grant_id: UUID
    payment_id: UUID
    starts_at: datetime
    until: datetime
    returning: bool


@message("SubscriptionPaid", version=1)
class SubscriptionPaid(Message):
    """A subscription began or was renewed: it is paid until `paid_until`.

    `price`: what its package cost this time.
    """

    subscription_id: UUID
    user_id: UUID
    phone: str
    package_name: str
    paid_until: datetime
    price: Money | None = None


@message("AccountSuspended", version=1)
class AccountSuspended(Message):
    """A subscription ran out of grace, was suspended by an operator, or its money went back."""

    subscription_id: UUID
    user_id: UUID
    phone: str
    suspended_at: datetime
    reason: Literal["unpaid", "operator", "reversed"] = "unpaid"


@message("AccountUnsuspended", version=1)
class AccountUnsuspended(Message):
    """A suspended subscription was paid or released."""

    subscription_id: UUID
    user_id: UUID
    phone: str
    unsuspended_at: datetime


@message("CheckExpiredSubscriptionsJob", version=1)
class CheckExpiredSubscriptionsJob(Message):
    """Move subscriptions whose paid time ended into grace."""


@message("ProcessGracePeriodJob", version=1)
class ProcessGracePeriodJob(Message):
    """Suspend subscriptions whose grace ended."""


@message("MoveAccessJob", version=1)
class MoveAccessJob(Message):
    """Give a payment's access to the device that its buyer holds now; tell the credentials again.

    `by_sms`: the buyer lost the SMS. Without a `mac` no device is named, and none is sent off.
    """

    payment_id: UUID
    moved_at: datetime
    mac: str | None = None
    router_id: str | None = None
    by_sms: bool = True


@message("EndAccessJob", version=1)
class EndAccessJob(Message):
    """Take a payment's access away: its money went back."""

    payment_id: UUID
    reason: Literal["reversed"]
    ended_at: datetime


@message("MoveGrantJob", version=1)
class MoveGrantJob(Message):
    """Tie a grant to another device, and send off the one that it was tied to."""

    grant_id: UUID
    username: str
    mac: str
    moved_at: datetime


@message("RevokeGrantJob", version=1)
class RevokeGrantJob(Message):
    """End a grant before its time, and send off who is online by it."""

    grant_id: UUID
    username: str
    revoked_at: datetime


@message("SuspendRadiusUserJob", version=1)
class SuspendRadiusUserJob(Message):
    """Refuse a user's logins, with the reason, and send them off. The newest order counts."""

    user_id: UUID
    username: str
    reason: Literal["suspended"]
    changed_at: datetime


@message("ReleaseRadiusUserJob", version=1)
class ReleaseRadiusUserJob(Message):
    """Let a suspended user log in again. The newest order counts."""

    user_id: UUID
    username: str
    changed_at: datetime


@message("CreateSubscriptionJob", version=1)
class CreateSubscriptionJob(Message):
    """An operator subscribes a customer: it runs once it is paid."""

    subscription_id: UUID
    phone: str
    package: PackageTerms
    requested_by: str
    requested_at: datetime


@message("SuspendSubscriptionJob", version=1)
class SuspendSubscriptionJob(Message):
    """An operator suspends a subscription."""

    subscription_id: UUID
    requested_by: str
    requested_at: datetime


@message("UnsuspendSubscriptionJob", version=1)
class UnsuspendSubscriptionJob(Message):
    """An operator lets a suspended subscription go on."""

    subscription_id: UUID
    requested_by: str
    requested_at: datetime


@message("SubscriptionChanged", version=1)
class SubscriptionChanged(Message):
    """A subscription began, or its state, its package or its paid time changed."""

    subscription_id: UUID
    user_id: UUID
    phone: str
    package_id: UUID
    state: Literal["active", "grace", "suspended"]
    paid_until: datetime
    changed_at: datetime
