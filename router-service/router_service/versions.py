"""What a router's RouterOS can do, by its version."""

import re

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")

SIGNS_RADIUS = (7, 15)


def numbers_of(version: str | None) -> tuple[int, int, int] | None:
    """`7.16.2 (stable)` as numbers, to be compared; None where nothing can be read from it."""
    found = _VERSION.match(version.strip()) if version else None
    if found is None:
        return None
    major, minor, patch = found.groups()
    return int(major), int(minor), int(patch or 0)


def signs_radius(version: str | None) -> bool:
    """Whether its RADIUS requests bear a Message-Authenticator: from 7.15 on.

    One that has not told its version yet is held to it: a new router is a new RouterOS.
    """
    numbers = numbers_of(version)
    return numbers is None or numbers[:2] >= SIGNS_RADIUS
