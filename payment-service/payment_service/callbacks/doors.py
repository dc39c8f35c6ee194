"""M-Pesa's door: kept and answered at once, whatever it says and whatever is down."""

import json
from typing import Any, Literal, cast
from uuid import UUID

import structlog
from flask import current_app, request
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from werkzeug.exceptions import RequestEntityTooLarge

from hotspot.bus.envelope import Parcel, enclose
from hotspot.contract.payments import RecordMpesaMessageJob, RecordStkCallbackJob
from hotspot.vault import Vault
from hotspot.web.app import config_of, now
from hotspot.web.openapi import raw_body
from hotspot.web.problem import Problem
from payment_service.callbacks.intake import Intake
from payment_service.callbacks.sources import source_of
from payment_service.callbacks.spool import SpoolFull
from payment_service.mpesa.callback_urls import opens_door, payment_of, request_of

log = structlog.get_logger()

Kind = Literal["c2b_validation", "c2b_confirmation"]

LARGEST_BODY = 64 * 1024

callbacks = Blueprint("callbacks", __name__, url_prefix="/callbacks")


ANY_JSON = raw_body(
    "application/json", said="Whatever M-Pesa says: it is kept as it is.", example={}
)


class MpesaAnswerSchema(Schema):
    """What M-Pesa wants to hear."""

    result_code = fields.Integer(required=True, data_key="ResultCode")
    result_desc = fields.String(required=True, data_key="ResultDesc")


@callbacks.post("/stk/<token>")
@callbacks.doc(requestBody=ANY_JSON)
@callbacks.response(200, MpesaAnswerSchema)
def take_stk_callback(token: str) -> dict[str, Any]:
    """What became of a prompt. The token tells the payment; no table is asked."""
    payment_id = payment_of(cast(Vault, current_app.extensions["vault"]), token)
    if payment_id is None:
        raise Problem(404, "not-found", "This callback address is not one of ours.")
    job = RecordStkCallbackJob(
        payment_id=payment_id,
        body=_json_text(),
        source_address=_source(),
        received_at=now(),
    )
    return _kept(job, correlation_id=payment_id)


@callbacks.post("/c2b/validation/<token>")
@callbacks.doc(requestBody=ANY_JSON)
@callbacks.response(200, MpesaAnswerSchema)
def take_c2b_validation(token: str) -> dict[str, Any]:
    """May this payment be made? It may: what does not fit is for a person, not for refusal."""
    return _kept(_told("c2b_validation", token))


@callbacks.post("/c2b/confirmation/<token>")
@callbacks.doc(requestBody=ANY_JSON)
@callbacks.response(200, MpesaAnswerSchema)
def take_c2b_confirmation(token: str) -> dict[str, Any]:
    """Money came to the till or paybill."""
    return _kept(_told("c2b_confirmation", token))


@callbacks.post("/result/<token>")
@callbacks.doc(requestBody=ANY_JSON)
@callbacks.response(200, MpesaAnswerSchema)
def take_result(token: str) -> dict[str, Any]:
    """What became of a request of ours (transaction status, reversal). The token tells which."""
    return _kept_result(token, timed_out=False)


@callbacks.post("/result/<token>/timeout")
@callbacks.doc(requestBody=ANY_JSON)
@callbacks.response(200, MpesaAnswerSchema)
def take_timeout(token: str) -> dict[str, Any]:
    """A request of ours waited at M-Pesa for too long."""
    return _kept_result(token, timed_out=True)


def _kept_result(token: str, *, timed_out: bool) -> dict[str, Any]:
    request_id = request_of(cast(Vault, current_app.extensions["vault"]), token)
    if request_id is None:
        raise Problem(404, "not-found", "This callback address is not one of ours.")
    job = RecordMpesaMessageJob(
        kind="result",
        body=_json_text(),
        source_address=_source(),
        received_at=now(),
        request_id=request_id,
        timed_out=timed_out,
    )
    return _kept(job)


def _told(kind: Kind, token: str) -> RecordMpesaMessageJob:
    if not opens_door(cast(Vault, current_app.extensions["vault"]), kind, token):
        raise Problem(404, "not-found", "This callback address is not one of ours.")
    return RecordMpesaMessageJob(
        kind=kind,
        body=_json_text(),
        source_address=_source(),
        received_at=now(),
    )


def _kept(
    job: RecordStkCallbackJob | RecordMpesaMessageJob, *, correlation_id: UUID | None = None
) -> dict[str, Any]:
    """The answer that M-Pesa wants to hear, once the job is durable. Raises Problem 503."""
    envelope = enclose(
        job, sender=config_of().service, now=job.received_at, correlation_id=correlation_id
    )
    try:
        cast(Intake, current_app.extensions["intake"]).take(Parcel.of(job, envelope))
    except (SpoolFull, OSError) as error:
        log.critical("callback lost", correlation_id=str(correlation_id), error=str(error))
        raise Problem(503, "cannot-keep", "This cannot be kept now: send it again.") from error
    return {"result_code": 0, "result_desc": "Accepted"}


def _source() -> str:
    """Who called. Whether that is M-Pesa is decided where the message is handled."""
    forwarded_for = request.headers.getlist("X-Forwarded-For")
    return source_of(request.remote_addr or "", forwarded_for, config_of().trusted_proxies)


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
