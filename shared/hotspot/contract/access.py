"""Messages about access: users, grants and subscriptions."""

from datetime import datetime
from uuid import UUID

from hotspot.contract.message import Message, message
from hotspot.contract.packages import PackageTerms


@message("HotspotUserProvisionRequested", version=1)
class HotspotUserProvisionRequested(Message):
    """A confirmed payment asks for access. Handled as CreateHotspotUserJob."""

    payment_id: UUID
    phone: str
    package: PackageTerms
    receipt: str
    paid_at: datetime
    mac: str | None = None
    router_id: str | None = None


@message("CreateHotspotUserJob", version=1)
class CreateHotspotUserJob(Message):
    """Give the buyer a user and a grant, and let them in."""

    payment_id: UUID
    phone: str
    package: PackageTerms
    receipt: str
    paid_at: datetime
    mac: str | None = None
    router_id: str | None = None


@message("SubscriptionReconnectionRequested", version=1)
class SubscriptionReconnectionRequested(Message):
    """A subscription was paid while disconnected. Handled as ReconnectSubscriptionJob."""

    subscription_id: UUID
    payment_id: UUID
    paid_at: datetime


@message("ReconnectSubscriptionJob", version=1)
class ReconnectSubscriptionJob(Message):
    """Bring a paid subscription back online."""

    subscription_id: UUID
    payment_id: UUID
    paid_at: datetime


@message("AuthorizeRadiusUserJob", version=1)
class AuthorizeRadiusUserJob(Message):
    """Let RADIUS know a user's password and one grant: its rows, and the session record.

    The grant runs from `starts_at` until `ends_at`; `data_bytes` caps what may be used in it.
    The password is sealed (`hotspot.vault`).
    """

    user_id: UUID
    username: str
    sealed_password: str
    phone: str
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
    phone: str
    grant_id: UUID
    payment_id: UUID
    starts_at: datetime
    until: datetime
    returning: bool


@message("SubscriptionPaid", version=1)
class SubscriptionPaid(Message):
    """A subscription began or was renewed: it is paid until `paid_until`."""

    subscription_id: UUID
    user_id: UUID
    phone: str
    package_name: str
    paid_until: datetime


@message("AccountSuspended", version=1)
class AccountSuspended(Message):
    """A subscription ran out of grace."""

    subscription_id: UUID
    user_id: UUID
    phone: str
    suspended_at: datetime


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
