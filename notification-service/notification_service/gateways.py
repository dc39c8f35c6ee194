"""SMS gateways behind one small interface."""

from dataclasses import dataclass
from typing import Protocol

from hotspot.bus.outcome import Retry
from hotspot.contract.money import Money


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The gateway took the message. Not every gateway gives it an id, or a price."""

    provider_message_id: str | None = None
    cost: Money | None = None


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The gateway will never take this message; `reason` in its own words."""

    reason: str


class GatewayNotReached(Retry):
    """No connection came about, so nothing was sent."""


class GatewayBusy(Retry):
    """The gateway said that it did not take this, and that it may later."""


class GatewayRefusesUs(Retry):
    """Wrong credentials, no credit, wrong address: a person must act, then it can be sent."""


class NoClearAnswer(Exception):
    """The message may have been taken: whoever sends it again may send it twice."""


class SmsGateway(Protocol):
    """Takes one message for one phone."""

    @property
    def provider(self) -> str:
        """Its name in SMS_PROVIDER."""

    def send(self, phone: str, text: str) -> Accepted | Refused:
        """Send to a phone (254 and nine digits), once.

        Raises a Retry only where it is certain that nothing was sent; NoClearAnswer otherwise.
        """


def clean(text: object) -> str:
    """One printable line of what a gateway said: it goes into the database and to operators."""
    line = " ".join(str(text).split())
    return "".join(letter for letter in line if letter.isprintable())[:300]
