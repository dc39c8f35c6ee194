"""Hotspot users: who they are, and the credentials that they type."""

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Reject
from hotspot.ids import new_id
from hotspot.phone import InvalidPhone, normalize
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
    wanted = HotspotUser.phone == phone
    return _found_or_made(session, wanted, _new(username_of(phone), phone, vault, at))


def user_of_username(session: Session, name: str, *, vault: Vault, at: datetime) -> HotspotUser:
    """The user of a name that is no phone number, made when new. Locked, as above.

    RADIUS does not tell upper from lower case. Raises Reject for a name that is a phone's: who
    has a voucher and no phone must not get at the account of somebody who has one.
    """
    username = name.strip().lower()
    if not username or _is_phone(username):
        raise Reject("a user without a phone needs a username that is no phone number")
    wanted = HotspotUser.username == username
    user = _found_or_made(session, wanted, _new(username, None, vault, at))
    if user.phone is not None:
        raise Reject("this username belongs to a user with a phone")
    return user


def lock_user(session: Session, user_id: UUID) -> HotspotUser:
    """A user, locked until the transaction ends. Whatever is the user's changes under this lock."""
    user = _locked(session, HotspotUser.id == user_id)
    if user is None:
        raise LookupError(f"there is no user {user_id}")
    return user


def _new(username: str, phone: str | None, vault: Vault, at: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "phone": phone,
        "username": username,
        "sealed_password": vault.seal(new_password()),
        "created_at": at,
    }


def _found_or_made(
    session: Session, wanted: ColumnElement[bool], new: dict[str, object]
) -> HotspotUser:
    found = _locked(session, wanted)
    if found is not None:
        return found
    # On whichever unique index a concurrent job trips first: phone and username are one fact.
    session.execute(insert(HotspotUser).values(new).on_conflict_do_nothing())
    made = _locked(session, wanted)
    if made is None:
        raise LookupError("a user was made and is gone")
    return made


def _locked(session: Session, wanted: ColumnElement[bool]) -> HotspotUser | None:
    return session.scalar(
        select(HotspotUser)
        .where(wanted)
        .with_for_update()
        # What an earlier message of the group has loaded was not locked by then.
        .execution_options(populate_existing=True)
    )


def _is_phone(name: str) -> bool:
    try:
        normalize(name)
    except InvalidPhone:
        return False
    return True
