"""Hotspot users: who they are, and the credentials that they type."""

import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.ids import new_id
from hotspot.vault import Vault
from provisioning_service.models import HotspotUser

# Nothing that looks like something else on a phone's screen, and no vowels, so that chance
# spells no words. The digit in front keeps keyboards from making the first letter a capital.
FIRST: Final = "34679"
REST: Final = "cdfhjkmnprtwxy34679"
PASSWORD_LENGTH: Final = 8


def username_of(phone: str) -> str:
    """The number as its owner writes it, 0712345678: the one name that nobody forgets."""
    return "0" + phone.removeprefix("254")


def new_password() -> str:
    """Random, and typed without switching the keyboard's case: about 32 bits."""
    rest = "".join(secrets.choice(REST) for _ in range(PASSWORD_LENGTH - 1))
    return secrets.choice(FIRST) + rest


def user_of_phone(session: Session, phone: str, *, vault: Vault, at: datetime) -> HotspotUser:
    """The user of a phone number, made when new. Locked until the transaction ends.

    A returning user keeps the password, so that the SMS of last time still works. Jobs for one
    phone stand in line here: whoever makes the user first, the others wait and find them.
    """
    found = _locked(session, phone)
    if found is not None:
        return found
    session.execute(
        insert(HotspotUser)
        .values(
            id=new_id(),
            phone=phone,
            username=username_of(phone),
            sealed_password=vault.seal(new_password()),
            created_at=at,
        )
        # On whichever unique index a concurrent job trips first: phone and username are one fact.
        .on_conflict_do_nothing()
    )
    made = _locked(session, phone)
    if made is None:
        raise LookupError(f"the user of {phone[:4]}... was made and is gone")
    return made


def lock_user(session: Session, user: HotspotUser) -> HotspotUser:
    """The same user, locked until the transaction ends."""
    session.refresh(user, with_for_update=True)
    return user


def _locked(session: Session, phone: str) -> HotspotUser | None:
    return session.scalar(
        select(HotspotUser)
        .where(HotspotUser.phone == phone)
        .with_for_update()
        # What an earlier message of the group has loaded was not locked by then.
        .execution_options(populate_existing=True)
    )
