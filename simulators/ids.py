"""Ids of routers and guests: UUIDs of version 7 (RFC 9562), as everywhere in the product's API."""

import secrets
import time
import uuid

RANDOM_BITS = 74


def new_id() -> str:
    """An id that sorts by time to the millisecond."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(RANDOM_BITS)
    high, low = random >> 62, random & (2**62 - 1)
    return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
