"""Messages as payment-service and radius-service send them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from hotspot.contract.access import (
    AuthorizeRadiusUserJob,
    CreateHotspotUserJob,
    RadiusUserAuthorized,
)
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms
from hotspot.ids import new_id
from hotspot.testing.handling import NOON

PHONE = "254712345678"
HOUR = 3600
DAY = 24 * HOUR


def package(
    kind: Literal["hotspot", "subscription"] = "hotspot",
    seconds: int = HOUR,
    name: str = "1 hour",
    shillings: int = 20,
    down_kbps: int = 5000,
) -> PackageTerms:
    """A package as it is sold."""
    return PackageTerms(
        package_id=new_id(),
        name=name,
        kind=kind,
        price=Money.shillings(shillings),
        duration_seconds=seconds,
        down_kbps=down_kbps,
        up_kbps=2000,
        data_bytes=2 * 10**9,
        devices=2,
    )


# What subscribers pay for, time after time.
HOME = package("subscription", 30 * DAY, "Home 5 Mbps", shillings=1500)
FAST = package("subscription", 30 * DAY, "Fast 10 Mbps", shillings=3000, down_kbps=10_000)


def month(
    terms: PackageTerms = HOME, *, phone: str = PHONE, payment_id: UUID | None = None
) -> CreateHotspotUserJob:
    """A month of a subscription, paid."""
    return bought(phone=phone, terms=terms, payment_id=payment_id)


M = TypeVar("M", bound=Message)


def only(kind: type[M], sent: Iterable[Message]) -> M:
    """The one message of a kind among those that were sent."""
    (found,) = (message for message in sent if isinstance(message, kind))
    return found


def all_of(kind: type[M], sent: Iterable[Message]) -> list[M]:
    """The messages of a kind among those that were sent."""
    return [message for message in sent if isinstance(message, kind)]


def names(sent: Iterable[Message]) -> list[str]:
    """What was sent, by name."""
    return [message.NAME for message in sent]


def bought(
    *,
    phone: str = PHONE,
    payment_id: UUID | None = None,
    terms: PackageTerms | None = None,
    paid_at: datetime = NOON,
) -> CreateHotspotUserJob:
    """A confirmed payment asks for access."""
    return CreateHotspotUserJob(
        payment_id=payment_id or new_id(),
        phone=phone,
        package=terms or package(),
        receipt="SKL61H7QOP",
        paid_at=paid_at,
        mac="AA:BB:CC:DD:EE:FF",
        router_id="router-1",
    )


def authorized(job: AuthorizeRadiusUserJob, at: datetime = NOON) -> RadiusUserAuthorized:
    """RADIUS answers that the login works."""
    return RadiusUserAuthorized(
        user_id=job.user_id,
        username=job.username,
        grant_id=job.grant_id,
        payment_id=job.payment_id,
        authorized_at=at,
    )
