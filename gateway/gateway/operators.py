"""Operators' accounts: made by a command on the machine itself, checked at login."""

import sys
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from gateway import tokens
from gateway.config import Config
from gateway.models import Operator
from hotspot.bus.database import connect
from hotspot.clock import utc_now
from hotspot.ids import new_id
from hotspot.web.auth import ROLES

LONGEST_EMAIL = 254
LONGEST_PASSWORD = 1024
ADVISED_PASSWORD = 12

# OWASP's least for Argon2id: 19 MiB and 2 passes, about 20 ms. The process that serves guests
# hashes too, and must not be held up longer by a login.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Checked where no account has the address, so that the time taken does not tell whether one has.
_NOBODY = _HASHER.hash("nobody has this password")


class CannotMake(ValueError):
    """An account that may not be made; the text says why."""


def run(config: Config, email: str, role: str, password: str) -> int:
    """Make or update an account; answers the exit code."""
    engine = connect(config.database_url)
    try:
        made = save(engine, email=email, role=role, password=password, now=utc_now())
    except CannotMake as error:
        sys.stderr.write(f"hotspot: {error}\n")
        return 2
    finally:
        engine.dispose()
    if len(password) < ADVISED_PASSWORD:
        sys.stderr.write(
            f"hotspot: this password is short; take {ADVISED_PASSWORD} characters or more\n"
        )
    sys.stdout.write(f"{'made' if made else 'updated'} {role} {email}\n")
    return 0


def save(engine: Engine, *, email: str, role: str, password: str, now: datetime) -> bool:
    """Make an account, or give an existing one this role and password; True where it is new.

    An update ends every login of the account. Raises CannotMake.
    """
    _check(email, role, password)
    with Session(engine) as session, session.begin():
        operator = _by_email(session, email, lock=True)
        is_new = operator is None
        if operator is None:
            operator = Operator(id=new_id(), email=email.strip(), created_at=now)
            session.add(operator)
        operator.role = role
        operator.password_hash = _HASHER.hash(password)
        operator.updated_at = now
        tokens.revoke_all(session, operator.id, now)
    return is_new


def who_logs_in(
    session: Session, email: str, password: str, hasher: PasswordHasher = _HASHER
) -> Operator | None:
    """The operator with this address and password, or None; takes as long for either answer."""
    operator = _by_email(session, email)
    try:
        hasher.verify(operator.password_hash if operator else _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return None
    return operator


def _by_email(session: Session, email: str, *, lock: bool = False) -> Operator | None:
    wanted = select(Operator).where(func.lower(Operator.email) == func.lower(email.strip()))
    return session.scalar(wanted.with_for_update() if lock else wanted)


def _check(email: str, role: str, password: str) -> None:
    name, _, domain = email.strip().partition("@")
    if not name or not domain or len(email) > LONGEST_EMAIL or not email.isprintable():
        raise CannotMake(f"{email!r} is not an e-mail address")
    if role not in ROLES:
        raise CannotMake(f"there is no role {role!r}; roles are {', '.join(ROLES)}")
    if not password or len(password) > LONGEST_PASSWORD:
        raise CannotMake(f"a password has 1 to {LONGEST_PASSWORD} characters")
