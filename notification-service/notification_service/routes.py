"""Messages, as operators see them; delivery reports, as gateways send them."""

from typing import Any
from uuid import UUID

from flask import request
from flask_smorest import Blueprint
from marshmallow import ValidationError
from sqlalchemy import Row, Select, select

from hotspot.contract.message import utc_text
from hotspot.contract.sms import RecordDeliveryReportJob, ResendSMSJob
from hotspot.ids import new_id
from hotspot.vault import Vault
from hotspot.web.app import config_of, db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.openapi import refuses
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem, invalid
from notification_service.config import Config
from notification_service.models import DeliveryReport, Sms
from notification_service.reports import delivery_url, provider_of
from notification_service.schemas import (
    DeliveryReportSchema,
    DeliveryUrlSchema,
    KeptSchema,
    MessageInFullSchema,
    MessagesQuery,
    MessagesSchema,
    ResentSchema,
)

LARGEST_REPORT = 64 * 1024
_REPORT = DeliveryReportSchema()
REPORT = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": DeliveryReportSchema,
            "example": {"id": "ATXid_1", "status": "Success", "phoneNumber": "+254712345678"},
        }
    },
}


def messages_blueprint() -> Blueprint:
    """/api/v1/messages."""
    blueprint = Blueprint("messages", __name__, url_prefix="/api/v1/messages")

    @blueprint.get("")
    @needs_role("viewer")
    @blueprint.arguments(MessagesQuery, location="query")
    @blueprint.response(200, MessagesSchema)
    @paged
    def list_messages(query: dict[str, Any]) -> dict[str, Any]:
        """Messages, newest first."""
        return newest_first(
            _messages(),
            by=Sms.id,
            where={
                "phone": Sms.phone.__eq__,
                "status": Sms.state.__eq__,
                "since": Sms.created_at.__ge__,
            },
            query=query,
            seen=_message,
        )

    @blueprint.get("/<uuid:sms_id>")
    @needs_role("viewer")
    @blueprint.response(200, MessageInFullSchema)
    def show_message(sms_id: UUID) -> dict[str, Any]:
        """One message, with the reports about it."""
        row = _row(sms_id)
        with db() as connection:
            told = connection.execute(
                select(DeliveryReport.__table__)
                .where(DeliveryReport.sms_id == sms_id)
                .order_by(DeliveryReport.id)
            ).all()
        return _message(row) | {"reports": [_report(report) for report in told]}

    @blueprint.post("/<uuid:sms_id>/resend")
    @needs_role("support")
    @blueprint.response(202, ResentSchema)
    @refuses({409: "It is being sent just now."})
    def resend_message(sms_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
        """Send a message once more, as a new one."""
        row = _row(sms_id)
        if row.state == "sending":
            raise Problem(409, "still-sending", "This message is being sent: wait for its outcome.")
        again = new_id()
        publish(ResendSMSJob(sms_id=sms_id, as_sms_id=again), correlation_id=row.correlation_id)
        return {"id": again}, {"Location": f"/api/v1/messages/{again}"}

    @blueprint.get("/delivery-url")
    @needs_role("operator")
    @blueprint.response(200, DeliveryUrlSchema)
    def show_delivery_url() -> dict[str, Any]:
        """The URL to enter for delivery reports at the gateway. It has a secret in it."""
        config: Config = config_of()
        return {"provider": config.sms_provider, "url": delivery_url(config)}

    return blueprint


def callbacks_blueprint(config: Config) -> Blueprint:
    """/callbacks/delivery."""
    blueprint = Blueprint("callbacks", __name__, url_prefix="/callbacks")
    vault = Vault(config.encryption_keys)

    @blueprint.post("/delivery/<token>")
    @blueprint.doc(requestBody=REPORT)
    @blueprint.response(200, KeptSchema)
    @refuses({422: "It is no delivery report."})
    def take_delivery_report(token: str) -> dict[str, str]:
        """A gateway's form post about one message. Kept by the broker before it is answered."""
        request.max_content_length = LARGEST_REPORT
        provider = provider_of(token, vault)
        if provider is None:
            raise Problem(404, "not-found", "There is nothing here.")
        try:
            told = _REPORT.load(request.form)
        except ValidationError as error:
            raise invalid(error.messages_dict) from error
        publish(
            RecordDeliveryReportJob(
                provider=provider,
                provider_message_id=told["id"],
                status=told["status"],
                received_at=now(),
                failure_reason=told["failureReason"],
                phone=told["phoneNumber"],
            )
        )
        return {"status": "accepted"}

    return blueprint


def _messages() -> Select[Any]:
    # Everything but the sealed text, which stays in the database.
    columns = [column for column in Sms.__table__.columns if column.name != "sealed_text"]
    return select(*columns)


def _row(sms_id: UUID) -> Row[Any]:
    with db() as connection:
        row = connection.execute(_messages().where(Sms.id == sms_id)).first()
    if row is None:
        raise Problem(404, "not-found", f"There is no message {sms_id}.")
    return row


def _message(row: Row[Any]) -> dict[str, Any]:
    cost = {"amount": row.cost_amount, "currency": row.cost_currency}
    times = {
        name: utc_text(moment) if (moment := getattr(row, name)) else None
        for name in ("created_at", "sent_at", "delivered_at", "failed_at")
    }
    return times | {
        "id": row.id,
        "kind": row.kind,
        "phone": row.phone,
        "text": row.text,
        "status": row.state,
        "reason": row.reason,
        "provider": row.provider,
        "provider_message_id": row.provider_message_id,
        "cost": cost if row.cost_amount is not None else None,
        "payment_id": row.payment_id,
        "resend_of": row.resend_of,
    }


def _report(row: Row[Any]) -> dict[str, Any]:
    return {
        "status": row.status,
        "failure_reason": row.failure_reason,
        "received_at": utc_text(row.received_at),
    }
