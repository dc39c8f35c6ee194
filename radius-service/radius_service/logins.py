"""Logins: who asks, what is known about them, and what they are answered. Plain functions."""

import hashlib
import hmac
from dataclasses import dataclass, field
from uuid import UUID

from radius_service import names
from radius_service.packets import Attributes, Request, Value, reply_item, revealed

WRONG = "Wrong username or password."
REFUSALS = {
    "none": "You have no internet access yet. Please buy a package.",
    "later": "Your access has not begun yet.",
    "expired": "Your time is up. Please buy a package to go on.",
    "data": "Your data is used up. Please buy a package to go on.",
    "devices": "Too many devices are online with this login. Log out on another one first.",
}

_FOREVER = 2**32 - 1  # Session-Timeout has 32 bits


@dataclass(frozen=True, kw_only=True)
class Pap:
    """A password as the guest typed it."""

    password: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Chap:
    """MD5 over identifier, password and challenge (RFC 2865 section 5.3)."""

    identifier: bytes
    challenge: bytes
    digest: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Login:
    """An Access-Request, read. `username` is None where it cannot be anyone's."""

    username: str | None
    credentials: Pap | Chap | None
    mac: str | None
    called: str | None
    nas: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the database says about a username at this moment.

    `reason` is `ok` or a key of REFUSALS; the rest holds where it is `ok`.
    """

    password: str = field(repr=False)
    reason: str
    grant_id: UUID | None
    user_id: UUID | None
    payment_id: UUID | None
    seconds_left: int
    data_left: int | None
    down_kbps: int | None
    up_kbps: int | None
    devices: int | None
    reply_items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """Access-Accept: these attributes, on the strength of this grant."""

    attributes: Attributes
    user_id: UUID
    grant_id: UUID
    payment_id: UUID


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """Access-Reject: `reason` is for us, `message` for the guest."""

    reason: str
    message: str

    @property
    def attributes(self) -> Attributes:
        """What the router shows the guest."""
        return (("Reply-Message", self.message),)


def login_of(request: Request, *, secret: bytes, nas: str) -> Login:
    """What an Access-Request says. `nas`: the address it came from."""
    username = request.octets("User-Name")
    return Login(
        username=_username(username) if username else None,
        credentials=_credentials(request, secret),
        mac=names.mac(request.text("Calling-Station-Id")),
        called=request.text("Called-Station-Id"),
        nas=request.text("NAS-Identifier") or nas,
    )


def decide(login: Login, known: Known | None) -> Accepted | Rejected:
    """The answer to a login. Only who knows the password learns why they are refused."""
    if known is None or not is_password(login.credentials, known.password):
        return Rejected(reason="wrong", message=WRONG)
    if known.reason != "ok":
        return Rejected(reason=known.reason, message=REFUSALS[known.reason])
    if known.grant_id is None or known.user_id is None or known.payment_id is None:
        return Rejected(reason="none", message=REFUSALS["none"])
    return Accepted(
        attributes=limits(known),
        user_id=known.user_id,
        grant_id=known.grant_id,
        payment_id=known.payment_id,
    )


def is_password(credentials: Pap | Chap | None, password: str) -> bool:
    """Whether the credentials prove that the guest knows the password."""
    expected = password.encode()
    if isinstance(credentials, Pap):
        return hmac.compare_digest(credentials.password, expected)
    if isinstance(credentials, Chap):
        text = credentials.identifier + expected + credentials.challenge
        digest = hashlib.md5(text, usedforsecurity=False).digest()
        return hmac.compare_digest(credentials.digest, digest)
    return False


def limits(known: Known) -> Attributes:
    """The attributes of an Access-Accept: what is left now, and what radreply adds."""
    computed: list[tuple[str, Value]] = [
        ("Session-Timeout", min(known.seconds_left, _FOREVER)),
        ("Mikrotik-Rate-Limit", rate_limit(up_kbps=known.up_kbps, down_kbps=known.down_kbps)),
        ("Port-Limit", known.devices or 1),
        ("Class", str(known.grant_id).encode()),
    ]
    if known.data_left is not None:
        gigawords, octets = divmod(known.data_left, 2**32)
        computed.append(("Mikrotik-Total-Limit", octets))
        if gigawords:
            computed.append(("Mikrotik-Total-Limit-Gigawords", min(gigawords, 2**32 - 1)))
    ours = {name for name, _ in computed} | {"Mikrotik-Total-Limit-Gigawords"}
    stored = (reply_item(*item) for item in known.reply_items)
    # A constant in radreply never replaces what is worked out: it would be given anew each login.
    return (*computed, *(item for item in stored if item and item[0] not in ours))


def rate_limit(*, up_kbps: int | None, down_kbps: int | None) -> str:
    """Mikrotik-Rate-Limit: rx/tx as the router sees it, which is the guest's upload/download."""
    return f"{_rate(up_kbps or 0)}/{_rate(down_kbps or 0)}"


def _rate(kbps: int) -> str:
    """RouterOS counts k as 1,000 and M as 1,000,000."""
    return f"{kbps // 1000}M" if kbps % 1000 == 0 else f"{kbps}k"


def _username(raw: bytes) -> str | None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return names.username(text) if "\0" not in text else None


def _credentials(request: Request, secret: bytes) -> Pap | Chap | None:
    hidden = request.octets("User-Password")
    if hidden is not None:
        password = revealed(hidden, secret=secret, authenticator=request.authenticator)
        return Pap(password=password)
    answer = request.octets("CHAP-Password")
    if answer is None:
        return None
    return Chap(
        identifier=answer[:1],
        digest=answer[1:],
        challenge=request.octets("CHAP-Challenge") or request.authenticator,
    )
