"""What M-Pesa said, kept as it came: the evidence behind every payment."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_service.models import MpesaMessage


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One message of M-Pesa's, or its answer to a request of ours (never the signed request).

    `problem` says why a person should look at it: it fits no payment, or makes no sense.
    """

    id: UUID
    kind: Literal["stk_callback", "stk_reply", "c2b_validation", "c2b_confirmation", "result"]
    payment_id: UUID | None
    body: str
    received_at: datetime
    source_address: str | None = None
    result_code: str | None = None
    problem: str | None = None


def keep(heard: Heard, session: Session) -> None:
    """Write it down, once."""
    row = asdict(heard)
    # The one character that PostgreSQL's text cannot hold.
    row["body"] = heard.body.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    session.execute(insert(MpesaMessage).values(row).on_conflict_do_nothing())
