"""What a handler can say besides success, and what follows from any failure. Knows no broker."""

import traceback
from dataclasses import dataclass
from datetime import timedelta

from hotspot.contract.message import InvalidMessage
from hotspot.contract.rows import Delay, Event, Job
from hotspot.contract.table import DELAYS
from hotspot.contract.topology import delay_of


class Retry(Exception):
    """Try this message again later: the cause is expected to pass. Raised on purpose."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Reject(Exception):
    """This message can never succeed: give it up at once. Raised on purpose."""


class JobTimedOut(BaseException):
    """The handler ran longer than the contract allows.

    Not an Exception, so that no handler's own error handling can swallow it.
    """


@dataclass(frozen=True, kw_only=True)
class TryAgain:
    """Wait in a delay queue, then run again."""

    delay: Delay
    reason: str


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """Park it: it becomes a failed job."""

    reason: str
    exception: str
    traceback: str


def decide(error: BaseException, *, attempt: int, row: Job | Event) -> TryAgain | GiveUp:
    """What becomes of a message whose handler raised."""
    final = isinstance(error, Reject | InvalidMessage)
    if final or attempt >= row.tries:
        return given_up(error)
    wish = error.after if isinstance(error, Retry) else None
    return TryAgain(delay=_delay(attempt, wish), reason=reason_of(error))


def given_up(error: BaseException) -> GiveUp:
    """The record of a final failure. Long texts keep their end, where the cause stands."""
    text = "".join(traceback.format_exception(error))
    return GiveUp(
        reason=reason_of(error), exception=type(error).__qualname__, traceback=text[-8000:]
    )


def reason_of(error: BaseException) -> str:
    """One line that says what went wrong."""
    return (str(error).strip() or type(error).__qualname__).splitlines()[0][:500]


def _delay(attempt: int, wish: timedelta | None) -> Delay:
    """As long as was wished for; without a wish, longer with each attempt."""
    return delay_of(wish) if wish else DELAYS[min(attempt, len(DELAYS)) - 1]
