"""Africa's Talking: form POST to /version1/messaging.

HTTP 201 even when the recipient is refused: what counts is `statusCode` per recipient.
"""

import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from hotspot.contract.money import Money
from notification_service.gateways import (
    Accepted,
    GatewayBusy,
    GatewayRefusesUs,
    NoClearAnswer,
    Refused,
    clean,
)
from notification_service.posting import READ_SECONDS, post

ACCEPTED: Final = frozenset({100, 101, 102})  # processed, sent, queued
NO_CREDIT: Final = 405
PASSING: Final = frozenset({500, 501})  # internal server error, gateway error


class _RecipientSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    statusCode = fields.Integer(required=True)  # noqa: N815  # their spelling
    status = fields.String(load_default="")
    messageId = fields.String(load_default=None, allow_none=True)  # noqa: N815
    cost = fields.String(load_default="", allow_none=True)


class _MessageDataSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    Message = fields.String(load_default="")
    Recipients = fields.List(fields.Nested(_RecipientSchema), required=True)


class _ReplySchema(Schema):
    class Meta:
        unknown = EXCLUDE

    SMSMessageData = fields.Nested(_MessageDataSchema, required=True)


_REPLY = _ReplySchema()
_COST = re.compile(r"([A-Z]{3}) (\d{1,6}(?:\.\d{1,6})?)")


@dataclass(frozen=True, kw_only=True)
class AfricasTalking:
    """An account with Africa's Talking. Without a sender id their own number is shown."""

    base_url: str
    username: str
    api_key: str = field(repr=False)
    sender_id: str = ""
    provider: str = "africastalking"
    read_seconds: float = READ_SECONDS

    def send(self, phone: str, text: str) -> Accepted | Refused:
        """See SmsGateway."""
        form = {"username": self.username, "to": f"+{phone}", "message": text}
        if self.sender_id:
            form["from"] = self.sender_id
        reply = post(
            f"{self.base_url}/version1/messaging",
            headers={"apiKey": self.api_key, "Accept": "application/json"},
            form=form,
            secrets=(self.api_key, text),
            read_seconds=self.read_seconds,
        )
        return Refused(reason=clean(reply.text)) if reply.is_complaint else _judged(reply.text)


def _judged(text: str) -> Accepted | Refused:
    try:
        data: dict[str, Any] = _REPLY.loads(text)["SMSMessageData"]
    except (ValueError, ValidationError) as error:
        raise NoClearAnswer(f"unreadable reply of Africa's Talking: {clean(text)}") from error
    if not data["Recipients"]:
        return Refused(reason=clean(data["Message"]) or "no recipient was accepted")
    recipient = data["Recipients"][0]
    code, status = recipient["statusCode"], clean(recipient["status"])
    if code in ACCEPTED:
        return Accepted(
            provider_message_id=_message_id(recipient["messageId"]),
            cost=_cost(recipient["cost"] or ""),
        )
    said = f"{code} {status}".strip()
    if code == NO_CREDIT:
        raise GatewayRefusesUs(f"no credit with Africa's Talking: {said}")
    if code in PASSING:
        raise GatewayBusy(f"Africa's Talking did not take it: {said}")
    return Refused(reason=said)


def _message_id(text: str | None) -> str | None:
    return None if text in (None, "", "None") else clean(text)


def _cost(text: str) -> Money | None:
    found = _COST.fullmatch(text)
    if found is None:
        return None
    cents = (Decimal(found[2]) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return Money(amount=int(cents), currency=found[1])
