"""What the gateway does with each message that reaches it."""

from gateway.config import Config
from gateway.handlers import (
    record_alarm,
    record_event,
    record_promise,
    record_steps,
    update_dashboard_stats,
)
from gateway.history import KEPT
from hotspot.bus.upkeep import upkeep_handlers
from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    AccountSuspended,
    AccountUnsuspended,
    HotspotUserCreated,
    RadiusUserAuthorized,
    SubscriptionChanged,
)
from hotspot.contract.operations import (
    AlarmCleared,
    AlarmRaised,
    DashboardStatsUpdated,
    JobFailed,
    PromiseChecked,
    StepsRecorded,
    UpdateDashboardStatsJob,
)
from hotspot.contract.packages import PackageChanged
from hotspot.contract.payments import (
    PaymentCompleted,
    PaymentFailed,
    PaymentRequested,
    PaymentReversed,
    VoucherIssued,
)
from hotspot.contract.routers import (
    RouterConnected,
    RouterProvisioningProgressed,
    RouterStatusUpdated,
)
from hotspot.contract.sessions import LoginAccepted, SessionEnded, SessionExpired, SessionStarted
from hotspot.contract.sms import SmsDelivered, SmsFailed, SmsSent
from hotspot.contract.vouchers import VoucherBatchProgressed, VoucherRedeemed

HANDLERS: Handlers = {
    # Broadcast facts
    PaymentRequested: record_event,
    PaymentCompleted: record_event,
    PaymentFailed: record_event,
    PaymentReversed: record_event,
    VoucherIssued: record_event,
    VoucherBatchProgressed: record_event,
    VoucherRedeemed: record_event,
    PackageChanged: record_event,
    SubscriptionChanged: record_event,
    RadiusUserAuthorized: record_event,
    HotspotUserCreated: record_event,
    LoginAccepted: record_event,
    SessionStarted: record_event,
    SessionEnded: record_event,
    SessionExpired: record_event,
    AccountSuspended: record_event,
    AccountUnsuspended: record_event,
    SmsSent: record_event,
    SmsDelivered: record_event,
    SmsFailed: record_event,
    RouterConnected: record_event,
    RouterStatusUpdated: record_event,
    RouterProvisioningProgressed: record_event,
    DashboardStatsUpdated: record_event,
    JobFailed: record_event,
    AlarmRaised: record_alarm,
    AlarmCleared: record_alarm,
    PromiseChecked: record_promise,
    # The timeline
    StepsRecorded: record_steps,
    # The dashboard
    UpdateDashboardStatsJob: update_dashboard_stats,
    **upkeep_handlers(KEPT),
}


def handlers(_config: Config) -> Handlers:
    """The handlers of every queue of the gateway."""
    return HANDLERS
