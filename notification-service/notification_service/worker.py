"""Which function handles which message."""

from functools import partial

from hotspot.bus.upkeep import upkeep_handlers
from hotspot.bus.work import Handlers, Outside
from hotspot.contract.access import (
    AccountSuspended,
    AccountUnsuspended,
    SubscriptionChanged,
    SubscriptionPaid,
)
from hotspot.contract.operations import AlarmRaised, JobFailed
from hotspot.contract.payments import PaymentCompleted
from hotspot.contract.sms import (
    RecordDeliveryReportJob,
    ResendSMSJob,
    SendCredentialsSMSJob,
    SendPaymentRemindersJob,
    SendTextSMSJob,
)
from hotspot.vault import Vault
from notification_service.alarms import tell_alarm
from notification_service.config import Config
from notification_service.gateways import SmsGateway
from notification_service.handlers import (
    Desk,
    fail_given_up,
    hand_over,
    note_receipt,
    prepare_credentials,
    prepare_resend,
    prepare_text,
    record_delivery_report,
    record_sms,
)
from notification_service.history import KEPT
from notification_service.providers import gateway_of
from notification_service.subscribers import (
    note_paid_until,
    note_subscription,
    send_payment_reminders,
    tell_suspended,
    tell_unsuspended,
)
from notification_service.wording import Wording


def handlers(config: Config, gateway: SmsGateway | None = None) -> Handlers:
    """Every message that lands in a queue of this service.

    `gateway`: another one than the settings name.
    """
    wording = Wording(language=config.sms_language, paybill=config.paybill)
    desk = Desk(
        gateway=gateway or gateway_of(config),
        vault=Vault(config.encryption_keys),
        wording=wording,
    )
    act = partial(hand_over, desk=desk)
    return {
        SendCredentialsSMSJob: Outside(
            prepare=partial(prepare_credentials, desk=desk), act=act, record=record_sms
        ),
        SendTextSMSJob: Outside(
            prepare=partial(prepare_text, desk=desk), act=act, record=record_sms
        ),
        ResendSMSJob: Outside(
            prepare=partial(prepare_resend, desk=desk), act=act, record=record_sms
        ),
        RecordDeliveryReportJob: record_delivery_report,
        JobFailed: fail_given_up,
        PaymentCompleted: note_receipt,
        SubscriptionPaid: note_paid_until,
        SubscriptionChanged: note_subscription,
        AccountSuspended: partial(tell_suspended, wording=wording),
        AccountUnsuspended: partial(tell_unsuspended, wording=wording),
        SendPaymentRemindersJob: partial(send_payment_reminders, wording=wording),
        AlarmRaised: partial(tell_alarm, phones=config.alarm_phones),
        **upkeep_handlers(KEPT),
    }
