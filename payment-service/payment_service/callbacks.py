"""M-Pesa's door: kept and answered at once, whatever it says and whatever is down."""

import json
from typing import Any, cast

import structlog
from flask import current_app, request
from flask_smorest import Blueprint
from hotspot.bus.envelope import Parcel, enclose
from hotspot.contract.payments import RecordStkCallbackJob
from hotspot.vault import Vault
from hotspot.web.app import config_of, now
from hotspot.web.problem import Problem
from marshmallow import Schema, fields
from werkzeug.exceptions import RequestEntityTooLarge

from payment_service.callback_urls import payment_of
from payment_service.intake import Intake
from payment_service.spool import SpoolFull

log = structlog.get_logger()

LARGEST_BODY = 64 * 1024

callbacks = Blueprint("callbacks", __name__, url_prefix="/callbacks")


class MpesaAnswerSchema(Schema):
    """What M-Pesa wants to hear."""

    result_code = fields.Integer(required=True, data_key="ResultCode")
    result_desc = fields.String(required=True, data_key="ResultDesc")


@callbacks.post("/stk/<token>")
@callbacks.response(200, MpesaAnswerSchema)
def take_stk_callback(token: str) -> dict[str, Any]:
    """What became of a prompt. The token tells the payment; no table is asked."""
    payment_id = payment_of(cast(Vault, current_app.extensions["vault"]), token)
    if payment_id is None:
        raise Problem(404, "not-found", "This callback address is not one of ours.")
    moment = now()
    job = RecordStkCallbackJob(
        payment_id=payment_id,
        body=_json_text(),
        source_address=request.remote_addr or "",
        received_at=moment,
    )
    envelope = enclose(job, sender=config_of().service, now=moment, correlation_id=payment_id)
    try:
        cast(Intake, current_app.extensions["intake"]).take(Parcel.of(job, envelope))
    except (SpoolFull, OSError) as error:
        log.critical("callback lost", payment_id=str(payment_id), error=str(error))
        raise Problem(503, "cannot-keep", "This cannot be kept now: send it again.") from error
    return {"result_code": 0, "result_desc": "Accepted"}


def _json_text() -> str:
    """The body as text. Raises 413 without reading on, Problem 400 where it is no JSON."""
    # One byte more, for a body that does not tell its length is cut there without an error.
    request.max_content_length = LARGEST_BODY + 1
    raw = request.get_data(cache=False)
    if len(raw) > LARGEST_BODY:
        raise RequestEntityTooLarge
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # names of payers have come so
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "not-json", "The body is not JSON.") from error
    return text
