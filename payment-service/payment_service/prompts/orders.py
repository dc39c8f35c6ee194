"""What a guest asks for, and telling the same request from another one."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hotspot.contract.packages import PackageTerms
from hotspot.contract.payments import RequestPaymentJob
from hotspot.ids import new_id


@dataclass(frozen=True, kw_only=True)
class Order:
    """One package for one phone, with what the router's login page told about the device."""

    package_id: UUID
    phone: str
    mac: str | None = None
    ip: str | None = None
    router_id: str | None = None
    link_login_only: str | None = None

    def job(
        self, payment_id: UUID, package: PackageTerms, key: str | None, now: datetime
    ) -> RequestPaymentJob:
        """The job that records this order."""
        return RequestPaymentJob(
            payment_id=payment_id,
            package=package,
            phone=self.phone,
            requested_at=now,
            mac=self.mac,
            ip=self.ip,
            router_id=self.router_id,
            link_login_only=self.link_login_only,
            idempotency_key=key,
        )


def payment_id_of(order: Order, key: str | None, now: datetime) -> UUID:
    """A new payment's id. The same order under the same key gets the same id all day (UTC).

    So two requests that race before a worker has recorded either are one payment.
    """
    if key is None:
        return new_id()
    parts = (
        key,
        order.package_id.hex,
        order.phone,
        order.mac,
        order.ip,
        order.router_id,
        order.link_login_only,
    )
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return derived_id(parts, milliseconds=int(midnight.timestamp()) * 1000)


def derived_id(parts: Sequence[str | None], *, milliseconds: int) -> UUID:
    """The same parts make the same id, shaped like any other (RFC 9562 section 5.7).

    `milliseconds` since 1970 are the time in it.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    bits = (milliseconds << 80) | int.from_bytes(digest[:10], "big")
    bits = (bits & ~(0xF << 76)) | (0x7 << 76)
    bits = (bits & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=bits)
