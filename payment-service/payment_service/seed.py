"""The packages that a new installation begins with."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.database import connect
from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.ledger import put_in_outbox
from hotspot.clock import utc_now
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageChanged, PackageTerms
from hotspot.contract.table import PAYMENT
from hotspot.ids import new_id
from payment_service.config import Config
from payment_service.models import Package
from payment_service.packages.saving import row_of

_MINUTE, _HOUR, _DAY = 60, 3600, 24 * 3600
_GB = 1000**3

_Starter = tuple[str, str, int, int, int, int, int | None, int, Literal["hotspot", "subscription"]]

#    code       name              bob   seconds        down    up     data       devices kind
_STARTERS: tuple[_Starter, ...] = (
    ("MIN30", "30 minutes", 5, 30 * _MINUTE, 3_000, 1_500, None, 1, "hotspot"),
    ("HOUR1", "1 hour", 20, _HOUR, 5_000, 2_500, None, 1, "hotspot"),
    ("HOUR3", "3 hours", 30, 3 * _HOUR, 5_000, 2_500, None, 1, "hotspot"),
    ("DAY1", "1 day", 80, _DAY, 5_000, 2_500, None, 2, "hotspot"),
    ("WEEK7GB", "Week 7 GB", 250, 7 * _DAY, 8_000, 4_000, 7 * _GB, 2, "hotspot"),
    ("MONTH", "Month", 1_000, 30 * _DAY, 8_000, 4_000, None, 2, "hotspot"),
    ("HOME10", "Home 10 Mbps", 2_500, 30 * _DAY, 10_000, 5_000, None, 8, "subscription"),
)


def run(config: Config) -> int:
    """Insert the starter packages where there are none at all."""
    engine = connect(config.database_url)
    with engine.begin() as connection:
        insert_starters(connection, utc_now())
    engine.dispose()
    return 0


def insert_starters(connection: Connection, now: datetime) -> None:
    """A provider who changed or withdrew packages never gets these back.

    Other services hear of them (PackageChanged) as soon as a worker sweeps the outbox.
    """
    if connection.scalar(select(exists().select_from(Package))):
        return
    starters = {starter.code: starter for starter in _starters(now)}
    rows = [
        row_of(starter.code, starter.terms, on_sale=True) | {"created_at": now, "changed_at": now}
        for starter in starters.values()
    ]
    # Two seeds at once: the code is unique, the second one adds nothing.
    adding = insert(Package).on_conflict_do_nothing().returning(Package.code)
    added = [starters[code] for code in connection.scalars(adding, rows)]
    put_in_outbox(Session(connection), [_parcel(starter, now) for starter in added])


def _starters(now: datetime) -> list[PackageChanged]:
    return [
        PackageChanged(
            code=code,
            terms=PackageTerms(
                package_id=new_id(),
                name=name,
                kind=kind,
                price=Money.shillings(bob),
                duration_seconds=seconds,
                down_kbps=down,
                up_kbps=up,
                data_bytes=data,
                devices=devices,
            ),
            on_sale=True,
            changed_at=now,
        )
        for code, name, bob, seconds, down, up, data, devices, kind in _STARTERS
    ]


def _parcel(message: PackageChanged, now: datetime) -> Parcel:
    return Parcel.of(message, enclose(message, sender=PAYMENT.name, now=now))
