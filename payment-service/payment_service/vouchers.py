"""Vouchers: codes that people read aloud, type on phones, and must not guess."""

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.ids import new_id
from payment_service.models import Voucher

# Without 0 O, 1 I L, 2 Z, 5 S, 8 B and U: what looks like another on a bad print.
ALPHABET = "ACDEFGHJKMNPQRTVWXY34679"
GROUPS, GROUP_OF = 3, 4


def new_code() -> str:
    """A code of 55 random bits, such as 4KQC-X9DM-7RHA."""
    return "-".join(
        "".join(secrets.choice(ALPHABET) for _ in range(GROUP_OF)) for _ in range(GROUPS)
    )


def issue(
    session: Session, *, payment_id: UUID, package: dict[str, object], now: datetime
) -> UUID | None:
    """Make a payment's voucher. None where it has one already."""
    has_one = select(Voucher.id).where(Voucher.payment_id == payment_id)
    while True:
        issued: UUID | None = session.scalar(
            insert(Voucher)
            .values(
                id=new_id(), code=new_code(), payment_id=payment_id, package=package, issued_at=now
            )
            .on_conflict_do_nothing()
            .returning(Voucher.id)
        )
        if issued is not None:
            return issued
        if session.scalar(has_one) is not None:
            return None
        # The code was taken, by a chance of one in 10^16: the next one will do.
