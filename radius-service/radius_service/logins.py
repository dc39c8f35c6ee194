"""Logins: who asks, what is known about them, and what they are answered. Plain functions.

What is left, and the words of a refusal, are worked out by the database (`login_answer`), so that
FreeRADIUS gives the same answers (ADR 0016); here the password is checked.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from radius_service import names
from radius_service.attributes import Attributes, Value, reply_item
from radius_service.mschap import MsChap2, ms_chap_of
from radius_service.nas import Client
from radius_service.packets import Request, revealed

WRONG = "Wrong username or password."


@dataclass(frozen=True, kw_only=True)
class Pap:
    """A password as the guest typed it."""

    password: bytes = field(repr=False)

    def fits(self, password: str) -> bool:
        """Whether it is this one."""
        return hmac.compare_digest(self.password, password.encode())


@dataclass(frozen=True, kw_only=True)
class Chap:
    """MD5 over identifier, password and challenge (RFC 2865 section 5.3)."""

    identifier: bytes
    challenge: bytes
    digest: bytes = field(repr=False)

    def fits(self, password: str) -> bool:
        """Whether it proves that the guest knows the password."""
        text = self.identifier + password.encode() + self.challenge
        digest = hashlib.md5(text, usedforsecurity=False).digest()
        return hmac.compare_digest(self.digest, digest)


Credentials = Pap | Chap | MsChap2


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An Access-Request, read. `typed`: the name as it came; None where it cannot be anyone's.

    `device_password`: what this router sends for every device that logs in by its address.
    """

    typed: str | None
    credentials: Credentials | None
    mac: str | None
    called: str | None
    nas: str
    device_password: str = field(default="", repr=False)


class Known(NamedTuple):
    """What the database says about a name at this moment.

    `password` is None for a device that logs in by its address. `reason` is `ok`, or why not.
    `items` are {attribute, operator, value}: what is sent to who knows the password.
    """

    username: str
    password: str | None
    reason: str
    grant_id: UUID | None
    user_id: UUID | None
    payment_id: UUID | None
    items: Sequence[Sequence[str]]

    def __repr__(self) -> str:
        """Without the password."""
        return f"Known(username={self.username!r}, reason={self.reason!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Access-Accept: these attributes, on the strength of this grant of this user."""

    attributes: Attributes
    username: str
    user_id: UUID
    grant_id: UUID
    payment_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Access-Reject: `reason` is for us, the Reply-Message among the attributes for the guest."""

    reason: str
    attributes: Attributes


def login_of(request: Request, *, client: Client, nas: str) -> Login:
    """What an Access-Request says. `nas`: the address it came from."""
    name = request.octets("User-Name")
    return Login(
        typed=_typed(name) if name else None,
        credentials=_credentials(request, client.secret),
        mac=names.mac(request.text("Calling-Station-Id")),
        called=request.text("Called-Station-Id"),
        nas=request.text("NAS-Identifier") or nas,
        device_password=client.device_password,
    )


def decide(login: Login, known: Known | None) -> Accepted | Rejected:
    """The answer to a login. Only who knows the password learns why they are refused."""
    credentials = login.credentials
    password = _proven(login, known) if known else None
    if known is None or password is None:
        return _rejected("wrong", (("Reply-Message", WRONG),), credentials)
    attributes = sent(known.items)
    if (
        known.reason != "ok"
        or known.grant_id is None
        or known.user_id is None
        or known.payment_id is None
    ):
        return _rejected(known.reason, attributes, credentials)
    if isinstance(credentials, MsChap2):
        attributes = (*attributes, ("MS-CHAP2-Success", credentials.success(password)))
    return Accepted(
        attributes=attributes,
        username=known.username,
        user_id=known.user_id,
        grant_id=known.grant_id,
        payment_id=known.payment_id,
    )


def sent(items: Sequence[Sequence[str]]) -> tuple[tuple[str, Value], ...]:
    """Attributes out of rows. Values of one attribute stand together; what cannot be sent is left.

    All rows are sent, whatever their operators: FreeRADIUS does so too, for an operator is about
    what other modules have put into the reply before.
    """
    wanted: dict[str, list[tuple[str, Value]]] = {}
    for name, _operator, text in items:
        item = reply_item(name, text)
        if item is not None:
            wanted.setdefault(name, []).append(item)
    return tuple(item for values in wanted.values() for item in values)


def _proven(login: Login, known: Known) -> str | None:
    """The password that the credentials prove; None where they prove none.

    A device sends its own address, nothing, or what its router is set to send for every device.
    """
    credentials = login.credentials
    if known.password is not None:
        return known.password if credentials and credentials.fits(known.password) else None
    if credentials is None:
        return ""
    if isinstance(credentials, MsChap2):
        return None  # no router asks so for a device
    usual = (login.typed or "", "", login.device_password)
    return next((one for one in usual if credentials.fits(one)), None)


def _rejected(reason: str, attributes: Attributes, credentials: Credentials | None) -> Rejected:
    if isinstance(credentials, MsChap2):
        attributes = (*attributes, ("MS-CHAP-Error", credentials.failure()))
    return Rejected(reason=reason, attributes=attributes)


def _typed(raw: bytes) -> str | None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return text if "\0" not in text else None


def _credentials(request: Request, secret: bytes) -> Credentials | None:
    """What a guest proves their password by; of several, the one that FreeRADIUS would take."""
    answer = request.octets("CHAP-Password")
    if answer is not None:
        challenge = request.octets("CHAP-Challenge") or request.authenticator
        return Chap(identifier=answer[:1], digest=answer[1:], challenge=challenge)
    ms_chap = ms_chap_of(request)
    if ms_chap is not None:
        return ms_chap
    hidden = request.octets("User-Password")
    if hidden is None:
        return None
    authenticator = request.authenticator
    return Pap(password=revealed(hidden, secret=secret, authenticator=authenticator))
