"""Text messages on guests' phones, and the reports that they arrived."""

import logging
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import urlencode

import requests

from simulators.behaviour import SmsBehaviour, SmsMode
from simulators.clock import Clock
from simulators.kept import Kept
from simulators.post import post_once

MESSAGES_KEPT: Final = 10_000
GSM_CHARACTERS: Final = 160
GSM_CHARACTERS_OF_PART: Final = 153


@dataclass(frozen=True, kw_only=True)
class Sms:
    """A message that a gateway took. `status`: sent, then delivered or undelivered."""

    id: str
    provider: str
    to: str
    message: str
    sender: str
    at: datetime
    status: str = "sent"
    report_status: int | None = None

    @property
    def parts(self) -> int:
        """How many messages of 160 characters it takes."""
        if len(self.message) <= GSM_CHARACTERS:
            return 1
        return -(-len(self.message) // GSM_CHARACTERS_OF_PART)


class Phones:
    """What all phones have received, and how the gateways behave."""

    def __init__(self, *, clock: Clock, report_url: str | None) -> None:
        self._log = logging.getLogger("simulators.sms")
        self._clock = clock
        self._report_url = report_url
        self.messages: Kept[str, Sms] = Kept(MESSAGES_KEPT)
        self.behaviour = SmsBehaviour(report_url=report_url)

    def choose(self, behaviour: SmsBehaviour) -> None:
        """From now on; a report URL stays until another one is given."""
        url = behaviour.report_url or self.behaviour.report_url
        self.behaviour = replace(behaviour, report_url=url)

    def clear(self) -> None:
        """Forget all messages and behave well."""
        self.messages.clear()
        self.behaviour = SmsBehaviour(report_url=self._report_url)

    def wait(self) -> None:
        """Take as long over a reply as the behaviour says."""
        self._clock.sleep(self.behaviour.reply_delay)

    def receive(self, *, message_id: str, provider: str, to: str, text: str, sender: str) -> Sms:
        """The message is on the phone."""
        sms = Sms(
            id=message_id,
            provider=provider,
            to=to,
            message=text,
            sender=sender,
            at=self._clock.now(),
        )
        self.messages.add(sms.id, sms)
        return sms

    def report_later(self, sms: Sms) -> None:
        """What became of it is known a little later, and told where someone wants to be told."""
        behaviour = self.behaviour
        self._clock.after(behaviour.report_delay, partial(self._report, sms, behaviour))

    def _report(self, sms: Sms, behaviour: SmsBehaviour) -> None:
        arrived = behaviour.mode is not SmsMode.UNDELIVERED
        status = "delivered" if arrived else "undelivered"
        self.messages.change(sms.id, lambda kept: replace(kept, status=status))
        if behaviour.report_url is None or sms.provider != "africastalking":
            return
        form = {
            "id": sms.id,
            "status": "Success" if arrived else "Failed",
            "phoneNumber": sms.to,
            "networkCode": "63902",
            "retryCount": "0",
        }
        if not arrived:
            form["failureReason"] = "DeliveryFailure"
        answered = self._post(behaviour.report_url, form)
        self.messages.change(sms.id, lambda kept: replace(kept, report_status=answered))

    def _post(self, url: str, form: dict[str, str]) -> int | None:
        try:
            return post_once(
                url, urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
            ).status
        except requests.RequestException as failure:
            self._log.warning("delivery report not accepted: %s", type(failure).__name__)
            return None


def africastalking_id() -> str:
    """A message id as Africa's Talking makes them."""
    return f"ATXid_{secrets.token_hex(16)}"


def advanta_id() -> int:
    """A message id as Advanta makes them: a number."""
    return secrets.randbelow(9 * 10**8) + 10**8
