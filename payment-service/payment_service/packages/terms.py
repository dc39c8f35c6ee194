"""The terms of a package: from its row, and to and from the JSON that payments keep."""

from collections.abc import Mapping
from typing import Literal, cast

from hotspot.contract.message import load, schema_of
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms
from payment_service.models import AnyRow, Package

TERMS_COLUMNS = (
    Package.id,
    Package.code,
    Package.name,
    Package.kind,
    Package.price,
    Package.duration_seconds,
    Package.down_kbps,
    Package.up_kbps,
    Package.data_bytes,
    Package.devices,
)


def terms_of(row: AnyRow) -> PackageTerms:
    """A package as it is sold now, from a row of TERMS_COLUMNS."""
    return PackageTerms(
        package_id=row.id,
        name=row.name,
        kind=cast(Literal["hotspot", "subscription"], row.kind),
        price=Money(amount=row.price),
        duration_seconds=row.duration_seconds,
        down_kbps=row.down_kbps,
        up_kbps=row.up_kbps,
        data_bytes=row.data_bytes,
        devices=row.devices,
    )


def to_json(terms: PackageTerms) -> dict[str, object]:
    """Terms as they are kept beside what was sold."""
    return cast(dict[str, object], schema_of(PackageTerms).dump(terms))


def from_json(kept: Mapping[str, object]) -> PackageTerms:
    """Terms as they were when they were sold."""
    return load(PackageTerms, dict(kept))
