"""Messages about logins and sessions, from RADIUS."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from hotspot.contract.message import Message, message


@message("LoginAccepted", version=1)
class LoginAccepted(Message):
    """RADIUS answered Access-Accept. Of one grant this is told at most once a minute."""

    user_id: UUID
    username: str
    grant_id: UUID
    payment_id: UUID
    nas: str
    accepted_at: datetime
    mac: str | None = None


@message("SessionStarted", version=1)
class SessionStarted(Message):
    """A guest is online: accounting began."""

    session_id: UUID
    user_id: UUID
    username: str
    grant_id: UUID
    payment_id: UUID
    nas: str
    started_at: datetime
    mac: str | None = None
    ip: str | None = None


@message("SessionEnded", version=1)
class SessionEnded(Message):
    """A stay online ended, for whatever cause the router named."""

    session_id: UUID
    user_id: UUID
    username: str
    grant_id: UUID
    payment_id: UUID
    ended_at: datetime
    cause: str
    bytes_in: int
    bytes_out: int


@message("SessionExpired", version=1)
class SessionExpired(Message):
    """A session was ended because its paid time or data was used up."""

    session_id: UUID
    user_id: UUID
    username: str
    grant_id: UUID
    payment_id: UUID
    expired_at: datetime
    cause: Literal["time", "data"] = "time"


@message("CheckExpiredSessionsJob", version=1)
class CheckExpiredSessionsJob(Message):
    """Disconnect guests whose paid time ended."""


@message("DisconnectSessionJob", version=1)
class DisconnectSessionJob(Message):
    """Have the router of a session send its guest off."""

    session_id: UUID
    reason: Literal["expired", "operator", "moved", "revoked", "suspended"]


@message("ExtendSessionJob", version=1)
class ExtendSessionJob(Message):
    """Have the router of a session learn its new end and speed: the guest has paid again."""

    session_id: UUID


@message("DisconnectGuestJob", version=1)
class DisconnectGuestJob(Message):
    """A router ignored a Disconnect-Request: send the guest off through its API.

    Active session, host and cookie are removed. `nas`: the address that the router's RADIUS
    packets come from. `attempt` counts the kick ledger's attempts.
    """

    session_id: UUID
    attempt: int
    username: str
    nas: str
    requested_at: datetime
    nas_identifier: str | None = None
    router_id: str | None = None
    acct_session_id: str | None = None
    mac: str | None = None
    ip: str | None = None


@message("GuestDisconnected", version=1)
class GuestDisconnected(Message):
    """What became of sending a guest off through the router's API."""

    session_id: UUID
    attempt: int
    outcome: Literal["removed", "not_there", "unreachable", "unknown_router"]
    detail: str
    at: datetime


@message("ArchiveAccountingJob", version=1)
class ArchiveAccountingJob(Message):
    """Move one batch of ended accounting into its month; ask for the next until none is left.

    `begun_at` is the time that ages are counted from, `moved` what earlier batches moved.
    """

    begun_at: datetime
    moved: int = 0
