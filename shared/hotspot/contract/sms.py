"""Messages about SMS."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from hotspot.contract.message import Message, message


@message("SendCredentialsSMSJob", version=1)
class SendCredentialsSMSJob(Message):
    """Send a buyer the username and password. The password is sealed (`hotspot.vault`).

    `again`: the buyer lost the first one; else a payment's credentials are sent once.
    """

    payment_id: UUID
    user_id: UUID
    phone: str
    username: str
    sealed_password: str
    package_name: str
    until: datetime
    again: bool = False


@message("SendTextSMSJob", version=1)
class SendTextSMSJob(Message):
    """Send a text that holds no secret."""

    kind: Literal["account_suspended", "account_unsuspended", "payment_reminder", "alarm"]
    phone: str
    text: str


@message("ResendSMSJob", version=1)
class ResendSMSJob(Message):
    """An operator wants a message sent once more: as a new message with the id `as_sms_id`."""

    sms_id: UUID
    as_sms_id: UUID


@message("RecordDeliveryReportJob", version=1)
class RecordDeliveryReportJob(Message):
    """An SMS gateway reported what became of a message."""

    provider: str
    provider_message_id: str
    status: str
    received_at: datetime
    failure_reason: str | None = None
    phone: str | None = None


@message("SendPaymentRemindersJob", version=1)
class SendPaymentRemindersJob(Message):
    """Remind subscribers whose paid time ends soon."""


@message("SmsSent", version=1)
class SmsSent(Message):
    """An SMS gateway accepted a message."""

    sms_id: UUID
    phone: str
    provider: str
    sent_at: datetime
    payment_id: UUID | None = None


@message("SmsFailed", version=1)
class SmsFailed(Message):
    """An SMS was refused, was never delivered, or may not have been sent; `reason` says which."""

    sms_id: UUID
    phone: str
    reason: str
    failed_at: datetime
    payment_id: UUID | None = None


@message("SmsDelivered", version=1)
class SmsDelivered(Message):
    """An SMS reached its phone."""

    sms_id: UUID
    phone: str
    delivered_at: datetime
    payment_id: UUID | None = None
