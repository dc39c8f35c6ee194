"""For how long the gateway keeps what it was told."""

from typing import Final

from gateway.audit import KEPT_DAYS
from gateway.models import AuditEntry, RecordedEvent, RecordedStep, RefreshToken, Stay
from hotspot.bus.pruning import Kept

EVENTS_KEPT_DAYS = 30

KEPT: Final = (
    Kept(since=RecordedEvent.at, days=EVENTS_KEPT_DAYS),
    Kept(since=RecordedStep.started_at, days=30),
    # Who never left is counted as online, and must be found when the end is heard.
    Kept(since=Stay.heard_at, days=30, only=Stay.ended_at.is_not(None)),
    Kept(since=AuditEntry.at, days=KEPT_DAYS),
    # Used ones are kept until they end, so that their second use is noticed.
    Kept(since=RefreshToken.expires_at, days=0),
)
