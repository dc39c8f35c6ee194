"""Vouchers: codes that people read aloud, type on phones, and must not guess."""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.ids import new_id
from payment_service.models import Voucher

# Of all that look alike on a bad print (0 O Q D, 1 I L, 2 Z, 5 S, 6 G, 8 B 3, U V) one or none;
# and no vowels, so that chance spells no words.
ALPHABET = "CDFGHJKMNPRTVWXY3479"
GROUPS, GROUP_OF = 3, 5
# What was surely meant where somebody types what is in no code.
_MEANT = str.maketrans("0OQ6U", "DDDGV")
# Codes were three groups of four once, with Q and 6 among their letters.
_FORMER_GROUP_OF = 4

# What a voucher is worth: PROOF belongs to a payment, and moves its access to another device.
PROOF, UNUSED, REDEEMED = "proof", "unused", "redeemed"
EXPIRED, CANCELLED = "expired", "cancelled"
STATUSES = (PROOF, UNUSED, REDEEMED, EXPIRED, CANCELLED)


def new_code() -> str:
    """A code of 64 random bits, such as 4KCX9-DM7RH-PWT3V."""
    return _grouped(
        "".join(secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP_OF)), of=GROUP_OF
    )


def codes_in(typed: str) -> tuple[str, ...]:
    """The codes that somebody who typed this may mean; none where it can be no code.

    Lower case, spaces and dashes do not matter, nor does a letter that no code has and that looks
    like only one which codes do have.
    """
    letters = "".join(letter for letter in typed.upper() if letter.isalnum())
    if len(letters) == GROUPS * GROUP_OF:
        return (_grouped(letters.translate(_MEANT), of=GROUP_OF),)
    if len(letters) == GROUPS * _FORMER_GROUP_OF:
        return (_grouped(letters, of=_FORMER_GROUP_OF),)
    return ()


def status_at(now: datetime) -> ColumnElement[str]:
    """What a voucher is worth now, one of STATUSES. A redeemed one stays redeemed."""
    return case(
        (Voucher.payment_id.is_not(None), PROOF),
        (Voucher.redeemed_at.is_not(None), REDEEMED),
        (Voucher.cancelled_at.is_not(None), CANCELLED),
        (Voucher.expires_at <= now, EXPIRED),
        else_=UNUSED,
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
        # The code was taken, by a chance of one in 10^19: the next one will do.


def issue_batch(
    session: Session,
    *,
    batch_id: UUID,
    serials: Collection[int],
    package: dict[str, object],
    expires_at: datetime | None,
    now: datetime,
    code: Callable[[], str] = new_code,
) -> None:
    """Make the vouchers of a batch that have these serial numbers."""
    missing = set(serials)
    while missing:  # again only where a code was taken: see above
        rows = [
            {
                "id": new_id(),
                "code": code(),
                "batch_id": batch_id,
                "serial": serial,
                "package": package,
                "expires_at": expires_at,
                "issued_at": now,
            }
            for serial in sorted(missing)
        ]
        made = session.scalars(
            insert(Voucher)
            .on_conflict_do_nothing(index_elements=[Voucher.code])
            .returning(Voucher.serial),
            rows,
        )
        missing -= {serial for serial in made if serial is not None}


def _grouped(letters: str, *, of: int) -> str:
    return "-".join(letters[at : at + of] for at in range(0, len(letters), of))
