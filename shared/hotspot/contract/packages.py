"""The terms of a package as they were when it was sold."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from hotspot.contract.money import Money


@dataclass(frozen=True, kw_only=True)
class PackageTerms:
    """What was sold: later changes to the package never alter it.

    `duration_seconds` of access, speeds in kbit/s as the guest sees them, `data_bytes` in both
    directions together (None: no cap), `devices` at once.
    """

    package_id: UUID
    name: str
    kind: Literal["hotspot", "subscription"]
    price: Money
    duration_seconds: int
    down_kbps: int
    up_kbps: int
    data_bytes: int | None = None
    devices: int = 1
