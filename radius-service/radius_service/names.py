"""Names as people and routers write them, brought to one spelling.

The database's `login_name` and `device_of` do the same.
"""

import re
import string
from functools import lru_cache

# ASCII alone: what else is a capital depends on whom one asks, and here two must agree.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
_HEX = re.compile(r"[0-9A-F]{12}")


def username(text: str) -> str:
    """A username as provisioning made it: phones begin with a capital and end with a space."""
    return text.strip(" \t\r\n").translate(_LOWER)


@lru_cache(4096)
def mac(text: str | None) -> str | None:
    """A device's address as AA:BB:CC:DD:EE:FF, however the router is set to write it."""
    if text is None:
        return None
    upper = text.translate(_UPPER)
    bare = re.sub(r"[^0-9A-Z]", "", upper)
    if not _HEX.fullmatch(bare):
        return upper.strip(" ") or None
    return ":".join(bare[at : at + 2] for at in range(0, 12, 2))
