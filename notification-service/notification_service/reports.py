"""Delivery reports: where gateways send them, and what they change."""

from typing import Final, Literal
from uuid import UUID

from hotspot.callbacks import REPORTING_GATEWAYS, SMS_DELIVERY, sms_delivery_url
from hotspot.contract.sms import RecordDeliveryReportJob
from hotspot.ids import new_id
from hotspot.vault import Vault
from notification_service.config import Config
from notification_service.models import DeliveryReport

ARRIVED: Final = frozenset({"success"})
LOST: Final = frozenset({"failed", "rejected"})


def delivery_url(config: Config) -> str | None:
    """Where the gateway must be told to report to; None where it reports nothing."""
    return sms_delivery_url(
        config.sms_provider, base_url=config.callback_base_url, vault=Vault(config.encryption_keys)
    )


def provider_of(token: str, vault: Vault) -> str | None:
    """The gateway that a token was made for; None where it is not one of ours."""
    subject = vault.subject_of(SMS_DELIVERY, token)
    return next((name for name, one in REPORTING_GATEWAYS.items() if one == subject), None)


def change_of(state: str, status: str) -> Literal["delivered", "failed"] | None:
    """What a report changes. Reports repeat, and overtake one another.

    Arrival wins, also over an earlier failure: phones that were off get it a day later.
    """
    said = status.lower()
    if said in ARRIVED and state != "delivered":
        return "delivered"
    if said in LOST and state not in ("delivered", "failed"):
        return "failed"
    return None


def row_of(job: RecordDeliveryReportJob, sms_id: UUID | None) -> DeliveryReport:
    """The report as it is kept."""
    return DeliveryReport(
        id=new_id(),
        sms_id=sms_id,
        provider=job.provider,
        provider_message_id=job.provider_message_id,
        status=job.status,
        failure_reason=job.failure_reason,
        phone=job.phone,
        received_at=job.received_at,
    )
