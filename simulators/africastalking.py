"""The Africa's Talking API, as it stands under /africastalking."""

import hmac
import itertools
import re
from collections.abc import Mapping
from typing import Final

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.behaviour import SmsMode
from simulators.sms import Phones, Sms, africastalking_id
from simulators.trouble import Trouble

FORM: Final = "application/x-www-form-urlencoded"
COST_OF_PART: Final = 0.8
# What refuse mode answers by turns; None is the answer without any recipient.
REFUSALS: Final = (
    (403, "InvalidPhoneNumber"),
    None,
    (405, "InsufficientBalance"),
    (406, "UserInBlacklist"),
    (500, "InternalServerError"),
)


def africastalking_blueprint(
    *, phones: Phones, username: str, api_key: str, trouble: Trouble
) -> Blueprint:
    """The routes of Africa's Talking."""
    blueprint = Blueprint("africastalking", __name__, url_prefix="/africastalking")
    refusal_turn = itertools.count()

    @blueprint.post("/version1/messaging")
    def send() -> ResponseReturnValue:
        if phones.behaviour.mode is SmsMode.DOWN:
            return trouble.answer()
        if request.mimetype not in (FORM, "multipart/form-data"):
            text = "The request's Content-Type is not supported."
            return Response(text, status=415, mimetype="text/plain")
        complaint = _complaint(request.form, request.headers.get("apiKey", ""), username, api_key)
        if complaint is not None:
            return complaint
        if phones.behaviour.mode is SmsMode.REFUSE:
            return _refused(request.form["to"], next(refusal_turn))
        return _sent(phones, request.form)

    return blueprint


def _complaint(
    form: Mapping[str, str], given_key: str, username: str, api_key: str
) -> Response | None:
    """What is wrong with the request itself: plain text, as theirs is."""
    for name in ("username", "to", "message"):
        if not form.get(name):
            text = f"Request is missing required form field '{name}'"
            return Response(text, status=400, mimetype="text/plain")
    known = hmac.compare_digest(given_key.encode(), api_key.encode())
    if not known or form["username"] != username:
        text = "The supplied authentication is invalid"
        return Response(text, status=401, mimetype="text/plain")
    return None


def _sent(phones: Phones, form: Mapping[str, str]) -> ResponseReturnValue:
    recipients: list[dict[str, object]] = []
    taken: list[Sms] = []
    for number in _numbers(form["to"]):
        if not re.fullmatch(r"\+[1-9]\d{8,14}", number):
            recipients.append(_recipient(number, 403, "InvalidPhoneNumber"))
            continue
        sms = phones.receive(
            message_id=africastalking_id(),
            provider="africastalking",
            to=number,
            text=form["message"],
            sender=form.get("from", ""),
        )
        taken.append(sms)
        recipients.append(_recipient(number, 101, "Success", sms))
    total = sum(sms.parts for sms in taken) * COST_OF_PART
    cost = f"KES {total:.4f}" if taken else "0"
    message = f"Sent to {len(taken)}/{len(recipients)} Total Cost: {cost}"
    # The message is on the phone before the reply is: who gives up waiting and sends again,
    # sends twice.
    phones.wait()
    for sms in taken:
        phones.report_later(sms)
    return jsonify(SMSMessageData={"Message": message, "Recipients": recipients}), 201


def _refused(to: str, turn: int) -> ResponseReturnValue:
    refusal = REFUSALS[turn % len(REFUSALS)]
    if refusal is None:
        return jsonify(SMSMessageData={"Message": "InvalidSenderId", "Recipients": []}), 201
    recipients = [_recipient(number, *refusal) for number in _numbers(to)]
    message = f"Sent to 0/{len(recipients)} Total Cost: 0"
    return jsonify(SMSMessageData={"Message": message, "Recipients": recipients}), 201


def _numbers(to: str) -> list[str]:
    return [number.strip() for number in to.split(",") if number.strip()]


def _recipient(number: str, code: int, status: str, sms: Sms | None = None) -> dict[str, object]:
    recipient: dict[str, object] = {
        "statusCode": code,
        "number": number,
        "status": status,
        "cost": "0" if sms is None else f"KES {sms.parts * COST_OF_PART:.4f}",
        "messageId": "None" if sms is None else sms.id,
    }
    if sms is not None:
        recipient["messageParts"] = sms.parts
    return recipient
