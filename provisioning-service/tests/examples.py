"""Messages as payment-service and radius-service send them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from hotspot.contract.access import (
    AuthorizeRadiusUserJob,
    CreateHotspotUserJob,
    RadiusUserAuthorized,
)
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
) -> PackageTerms:
    """A package as it is sold."""
    return PackageTerms(
        package_id=new_id(),
        name=name,
        kind=kind,
        price=Money.shillings(20),
        duration_seconds=seconds,
        down_kbps=5000,
        up_kbps=2000,
        data_bytes=2 * 10**9,
        devices=2,
    )


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
