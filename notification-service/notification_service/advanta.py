"""The bulk SMS platform of Advanta, Celcom, TextSMS and other Kenyan resellers.

HTTP 200 for refusals as well: what counts is the code inside, under a misspelt name.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from notification_service.gateways import (
    Accepted,
    GatewayBusy,
    GatewayRefusesUs,
    NoClearAnswer,
    Refused,
    clean,
)
from notification_service.posting import READ_SECONDS, post

OK: Final = 200
REFUSES_US: Final = frozenset({1004, 1006, 4091, 4092})  # no credit, credentials, partner, key
PASSING: Final = frozenset({1005, 1007})  # system error
LATER: Final = 4090  # "internal error, try again after 5 minutes"
LATER_AFTER: Final = timedelta(minutes=5)


class _AnswerSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    respose = fields.Integer(data_key="respose-code")  # the documentation's spelling, and the API's
    response = fields.Integer(data_key="response-code")
    description = fields.String(data_key="response-description", load_default="")
    message_id = fields.Raw(data_key="messageid", load_default=None, allow_none=True)


class _ReplySchema(Schema):
    class Meta:
        unknown = EXCLUDE

    responses = fields.List(fields.Nested(_AnswerSchema), required=True)


_REPLY = _ReplySchema()


@dataclass(frozen=True, kw_only=True)
class Advanta:
    """An account (partner id and key) with one of the resellers."""

    base_url: str
    partner_id: str
    api_key: str = field(repr=False)
    sender_id: str
    provider: str = "advanta"
    read_seconds: float = READ_SECONDS

    def send(self, phone: str, text: str) -> Accepted | Refused:
        """See SmsGateway."""
        reply = post(
            f"{self.base_url}/api/services/sendsms/",
            json={
                "apikey": self.api_key,
                "partnerID": self.partner_id,
                "message": text,
                "shortcode": self.sender_id,
                "mobile": phone,
                "pass_type": "plain",
            },
            secrets=(self.api_key, text),
            read_seconds=self.read_seconds,
        )
        return Refused(reason=clean(reply.text)) if reply.is_complaint else _judged(reply.text)


def _judged(text: str) -> Accepted | Refused:
    try:
        answers: list[dict[str, Any]] = _REPLY.loads(text)["responses"]
    except (ValueError, ValidationError) as error:
        raise NoClearAnswer(f"unreadable reply of the SMS gateway: {clean(text)}") from error
    code = answers[0].get("respose", answers[0].get("response")) if answers else None
    if code is None:
        raise NoClearAnswer(f"reply of the SMS gateway without a code: {clean(text)}")
    said = f"{code} {clean(answers[0]['description'])}".strip()
    if code == OK:
        given = answers[0]["message_id"]
        return Accepted(provider_message_id=clean(given) if given else None)
    if code in REFUSES_US:
        raise GatewayRefusesUs(f"the SMS gateway refuses us: {said}")
    if code == LATER:
        raise GatewayBusy(f"the SMS gateway did not take it: {said}", after=LATER_AFTER)
    if code in PASSING:
        raise GatewayBusy(f"the SMS gateway did not take it: {said}")
    return Refused(reason=said)
