"""What time is worth: of one package in another, and what it holds of a package's data.

Whole microseconds and whole cents, so that what is lost in rounding is below a microsecond.
"""

from datetime import timedelta
from typing import Final

from hotspot.contract.packages import PackageTerms

_TICK: Final = timedelta(microseconds=1)
# A month of a package that costs much, as time of one that costs next to nothing, would end after
# the last year that a date can have, and the payment could not be served at all.
LONGEST: Final = timedelta(days=36_500)


def worth(time: timedelta, *, of: PackageTerms, as_: PackageTerms) -> timedelta:
    """Time of one package as time of another that costs the same, by price per second.

    Where one of them costs nothing, there is no value to compare: time counts as it is. Never more
    than LONGEST.
    """
    if of.package_id == as_.package_id or not of.price.amount or not as_.price.amount:
        return time
    value = time // _TICK * of.price.amount * as_.duration_seconds
    ticks = value // (of.duration_seconds * as_.price.amount)
    return min(ticks, LONGEST // _TICK) * _TICK


def data_for(time: timedelta, package: PackageTerms) -> int | None:
    """The part of a package's data that goes with a part of its time. None: no cap."""
    if package.data_bytes is None:
        return None
    whole = timedelta(seconds=package.duration_seconds)
    return package.data_bytes * (time // _TICK) // (whole // _TICK)
