"""The bulk SMS API of Advanta and its many resellers, as it stands under /advanta."""

import hmac
import itertools
from collections.abc import Mapping
from typing import Final

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.behaviour import SmsMode, international
from simulators.sms import Phones, advanta_id
from simulators.trouble import Trouble

Refusal = tuple[int, str]

NO_PARTNER: Final[Refusal] = (4091, "No partner ID")
NO_KEY: Final = (4092, "No API key")
WRONG_CREDENTIALS: Final = (1006, "Invalid credentials")
WRONG_SENDER: Final = (1001, "Invalid sender id")
WRONG_NUMBER: Final = (1003, "Invalid mobile number")
WRONG_TYPE: Final = (1009, "Unsupported data type")
LOW_CREDIT: Final = (1004, "Low bulk credits")
SYSTEM_ERROR: Final = (1005, "System error")
LATER: Final = (4090, "Internal error. Try again after 5 minutes")
REFUSALS: Final = (LOW_CREDIT, SYSTEM_ERROR, WRONG_NUMBER, LATER)


def advanta_blueprint(
    *, phones: Phones, partner_id: str, api_key: str, trouble: Trouble
) -> Blueprint:
    """The routes of an Advanta type gateway. HTTP is 200 whatever the answer."""
    blueprint = Blueprint("advanta", __name__, url_prefix="/advanta")
    refusal_turn = itertools.count()

    @blueprint.route("/api/services/sendsms/", methods=["GET", "POST"])
    def send() -> ResponseReturnValue:
        if phones.behaviour.mode is SmsMode.DOWN:
            return trouble.answer()
        given = _fields()
        complaint = _complaint(given, partner_id, api_key)
        if complaint is not None:
            return _answer(given, complaint)
        if phones.behaviour.mode is SmsMode.REFUSE:
            return _answer(given, REFUSALS[next(refusal_turn) % len(REFUSALS)])
        return _sent(phones, given)

    return blueprint


def _fields() -> dict[str, str]:
    """The fields, by JSON, form or query alike."""
    body = request.get_json(force=True, silent=True)
    if isinstance(body, dict):
        return {str(name): str(value) for name, value in body.items() if value is not None}
    return {**request.args, **request.form}


def _complaint(given: Mapping[str, str], partner_id: str, api_key: str) -> Refusal | None:
    key_fits = hmac.compare_digest(given.get("apikey", "").encode(), api_key.encode())
    checks = (
        (bool(given.get("partnerID")), NO_PARTNER),
        (bool(given.get("apikey")), NO_KEY),
        (key_fits and given.get("partnerID") == partner_id, WRONG_CREDENTIALS),
        (bool(given.get("shortcode")), WRONG_SENDER),
        (given.get("pass_type", "plain") == "plain" and bool(given.get("message")), WRONG_TYPE),
        (_is_mobile(given.get("mobile", "")), WRONG_NUMBER),
    )
    return next((refusal for right, refusal in checks if not right), None)


def _is_mobile(text: str) -> bool:
    try:
        international(text)
    except ValueError:
        return False
    return True


def _sent(phones: Phones, given: Mapping[str, str]) -> ResponseReturnValue:
    message_id = advanta_id()
    mobile = international(given["mobile"])
    sms = phones.receive(
        message_id=str(message_id),
        provider="advanta",
        to=f"+{mobile}",
        text=given["message"],
        sender=given["shortcode"],
    )
    phones.wait()
    phones.report_later(sms)
    return jsonify(
        responses=[
            {
                "respose-code": 200,
                "response-description": "Success",
                "mobile": int(mobile),
                "messageid": message_id,
                "networkid": "1",
            }
        ]
    )


def _answer(given: Mapping[str, str], refusal: Refusal) -> ResponseReturnValue:
    code, description = refusal
    answer: dict[str, object] = {"respose-code": code, "response-description": description}
    mobile = given.get("mobile", "")
    if mobile.isdecimal():
        answer["mobile"] = int(mobile)
    return jsonify(responses=[answer])
