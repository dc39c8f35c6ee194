"""Messages about logins and sessions, from RADIUS."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from hotspot.contract.message import Message, message


@message("LoginAccepted", version=1)
class LoginAccepted(Message):
    """RADIUS answered Access-Accept."""

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


@message("CheckExpiredSessionsJob", version=1)
class CheckExpiredSessionsJob(Message):
    """Disconnect guests whose paid time ended."""


@message("DisconnectSessionJob", version=1)
class DisconnectSessionJob(Message):
    """Have the router of a session send its guest off."""

    session_id: UUID
    reason: Literal["expired", "operator"]
