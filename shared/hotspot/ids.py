"""Identifiers."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562 section 5.7): ordered by time, so that indexes stay dense."""
    return uuid_utils.compat.uuid7()
