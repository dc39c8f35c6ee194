"""Operators' accounts: made by a command on the machine itself, checked at login."""

import functools
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


class Passwords:
    """Hashes passwords, and checks them.

    OWASP's least for Argon2id: 19 MiB and 2 passes, about 20 ms. The process that serves guests
    hashes too, and must not be held up longer by a login.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        # Checked where there is no account, so that the time taken does not tell that.
        self._nobody = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """As it is kept."""
        return self._hasher.hash(password)

    def are_of(self, operator: Operator | None, password: str) -> bool:
        """Whether this is the operator's password; takes as long where there is no operator."""
        try:
            self._hasher.verify(operator.password_hash if operator else self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return operator is not None


@functools.cache
def usual_passwords() -> Passwords:
    """As they are hashed where nothing else is said. Made once: that takes a hash as well."""
    return Passwords()


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


def save(
    engine: Engine,
    *,
    email: str,
    role: str,
    password: str,
    now: datetime,
    passwords: Passwords | None = None,
) -> bool:
    """Make an account, or give an existing one this role and password; True where it is new.

    An update ends every login of the account. Raises CannotMake.
    """
    check(email, role, password)
    hashed = (passwords or usual_passwords()).hash(password)
    with Session(engine) as session, session.begin():
        operator = by_email(session, email, lock=True)
        is_new = operator is None
        if operator is None:
            operator = Operator(id=new_id(), email=email.strip(), created_at=now)
            session.add(operator)
        operator.role = role
        operator.password_hash = hashed
        operator.updated_at = now
        tokens.revoke_all(session, operator.id, now)
    return is_new


def by_email(session: Session, email: str, *, lock: bool = False) -> Operator | None:
    """The account of an e-mail address, however it is typed."""
    wanted = select(Operator).where(func.lower(Operator.email) == func.lower(email.strip()))
    return session.scalar(wanted.with_for_update() if lock else wanted)


def check(email: str, role: str, password: str) -> None:
    """Raise CannotMake for an account that makes no sense."""
    name, _, domain = email.strip().partition("@")
    if not name or not domain or len(email) > LONGEST_EMAIL or not email.isprintable():
        raise CannotMake(f"{email!r} is not an e-mail address")
    if role not in ROLES:
        raise CannotMake(f"there is no role {role!r}; roles are {', '.join(ROLES)}")
    if not password or len(password) > LONGEST_PASSWORD:
        raise CannotMake(f"a password has 1 to {LONGEST_PASSWORD} characters")
