"""What is sold: the terms of a package, and messages about packages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from hotspot.contract.message import Message, message
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


@message("SavePackageJob", version=1)
class SavePackageJob(Message):
    """Create a package, or change what is sold under its id from now on.

    `changed` names what an operator changed (`code`, `on_sale`, fields of the terms): the rest is
    as the operator saw it, and is not saved over what somebody else changed meanwhile.
    """

    code: str
    terms: PackageTerms
    on_sale: bool
    requested_by: str
    requested_at: datetime
    changed: tuple[str, ...] | None = None


@message("PackageChanged", version=1)
class PackageChanged(Message):
    """A package is new, or is sold on other terms from now on (`on_sale` false: no longer)."""

    code: str
    terms: PackageTerms
    on_sale: bool
    changed_at: datetime
