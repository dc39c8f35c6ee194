"""Names as people and routers write them, brought to one spelling."""

import re

_HEX = re.compile(r"[0-9A-F]{12}")


def username(text: str) -> str:
    """A username as provisioning made it: phones begin with a capital and end with a space."""
    return text.strip().lower()


def mac(text: str | None) -> str | None:
    """A device's address as AA:BB:CC:DD:EE:FF, however the router is set to write it."""
    if text is None or not text.strip():
        return None
    bare = re.sub(r"[^0-9A-Z]", "", text.upper())
    if not _HEX.fullmatch(bare):
        return text.strip().upper()
    return ":".join(bare[at : at + 2] for at in range(0, 12, 2))
