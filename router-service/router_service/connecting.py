"""A router phones home: what its script tells, as it arrives and as it is recorded."""

import re
from dataclasses import dataclass

from router_service.config import is_wireguard_key

LONGEST = 200


class NotTold(Exception):
    """What arrived names no version: our script did not send it."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a router says of itself. `public_key`: None where it has no tunnel."""

    identity: str
    version: str
    model: str
    public_key: str | None


def read_told(body: str) -> Told:
    """What the script posts: `key=...&version=...&model=...&identity=...`. Raises NotTold.

    RouterOS escapes nothing, so values are read as they stand: a key may hold `+`, and the
    identity, which comes last, anything.
    """
    found = re.match(
        r"key=(?P<key>[^&]*)&version=(?P<version>[^&]*)&model=(?P<model>[^&]*)"
        r"&identity=(?P<identity>.*)",
        body,
        re.DOTALL,
    )
    if found is None or not found["version"].strip():
        raise NotTold("the body is not what the connectivity script sends: paste it again")
    key = found["key"].strip()
    return Told(
        identity=_tidy(found["identity"]),
        version=_tidy(found["version"]),
        model=_tidy(found["model"]),
        public_key=key if is_wireguard_key(key) else None,
    )


def _tidy(text: str) -> str:
    """One printable line: it is shown to operators, and logged."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:LONGEST]
