"""The contract: every service, worker group, exchange, queue, event and job, each said once.

Topology, worker wiring, `docs/messages.md` and the tests derive from this table.
Timeouts are seconds; tries count the first one.
"""

from hotspot.contract.access import (
    AccountSuspended,
    AccountUnsuspended,
    AuthorizeRadiusUserJob,
    CheckExpiredSubscriptionsJob,
    CreateHotspotUserJob,
    CreateSubscriptionJob,
    EndAccessJob,
    HotspotUserCreated,
    HotspotUserProvisionRequested,
    MoveAccessJob,
    MoveGrantJob,
    ProcessGracePeriodJob,
    RadiusUserAuthorized,
    ReconnectSubscriptionJob,
    ReleaseRadiusUserJob,
    RevokeGrantJob,
    SubscriptionChanged,
    SubscriptionPaid,
    SubscriptionReconnectionRequested,
    SuspendRadiusUserJob,
    SuspendSubscriptionJob,
    UnsuspendSubscriptionJob,
)
from hotspot.contract.operations import (
    AlarmCleared,
    AlarmRaised,
    CollectSystemMetricsJob,
    DashboardStatsUpdated,
    FlushFailedJobsJob,
    HistoryPruned,
    JobFailed,
    MeasureServiceJob,
    PromiseChecked,
    PruneHistoryJob,
    RetryFailedJobsJob,
    RotateLogFilesJob,
    RotateLogs,
    ServiceMeasured,
    StepsRecorded,
    UpdateDashboardStatsJob,
)
from hotspot.contract.packages import PackageChanged, SavePackageJob
from hotspot.contract.payments import (
    AskAboutPaymentJob,
    AskAboutReceiptJob,
    CacheCredentialsJob,
    CheckMoneyWithoutServiceJob,
    CheckReversalJob,
    ClaimPaymentJob,
    ClearAttentionJob,
    ImportStatementJob,
    PaymentCompleted,
    PaymentFailed,
    PaymentRequested,
    PaymentReversed,
    ProcessPaymentJob,
    PromptPhoneJob,
    ReconcilePaymentsJob,
    RecordMpesaMessageJob,
    RecordStkCallbackJob,
    RequestPaymentJob,
    ReversePaymentJob,
    ReverseReceiptJob,
    VoucherIssued,
)
from hotspot.contract.routers import (
    BackUpRouterJob,
    ChangeRouterJob,
    CheckDriftJob,
    CheckRoutersJob,
    ImportRoutersJob,
    RecordRouterConnectionJob,
    RegisterNasJob,
    RemoveNasJob,
    RemoveRouterJob,
    RouterConnected,
    RouterProvisioningJob,
    RouterProvisioningProgressed,
    RouterStatusUpdated,
)
from hotspot.contract.rows import Delay, Event, Group, Job, Queue, Service
from hotspot.contract.sessions import (
    ArchiveAccountingJob,
    CheckExpiredSessionsJob,
    DisconnectGuestJob,
    DisconnectSessionJob,
    ExtendSessionJob,
    GuestDisconnected,
    LoginAccepted,
    SessionEnded,
    SessionExpired,
    SessionStarted,
)
from hotspot.contract.sms import (
    RecordDeliveryReportJob,
    ResendSMSJob,
    SendCredentialsSMSJob,
    SendPaymentRemindersJob,
    SendTextSMSJob,
    SmsDelivered,
    SmsFailed,
    SmsSent,
)
from hotspot.contract.vouchers import (
    CancelVouchersJob,
    CreateVoucherBatchJob,
    RedeemVoucherJob,
    VoucherBatchProgressed,
    VoucherRedeemed,
)

PAYMENT = Service("payment")
PROVISIONING = Service("provisioning")
ROUTER = Service("router")
RADIUS = Service("radius")
NOTIFICATION = Service("notification")
SCHEDULER = Service("scheduler")
GATEWAY = Service("gateway")
SERVICES = (PAYMENT, PROVISIONING, ROUTER, RADIUS, NOTIFICATION, SCHEDULER, GATEWAY)

# Worker groups, most urgent first. `mpesa` is ours: calls to Daraja have processes of their own,
# so that a Daraja that takes its time never delays a callback.
HOTSPOT = Group("hotspot", processes=3, priority=1)
PAYMENTS = Group("payments", processes=2, priority=2)
MPESA = Group("mpesa", processes=1, priority=2)
ROUTERS = Group("routers", processes=1, priority=2)
GENERAL = Group("general", processes=2, priority=3)
GROUPS = (HOTSPOT, PAYMENTS, MPESA, ROUTERS, GENERAL)

# The documented exchanges (priority within a worker is the order of this list), and a queue for
# each service that listens: `<exchange>` for the first, `<exchange>.<suffix>` for further ones.
PROVISIONING_QUEUE = Queue("hotspot-provisioning", of=PROVISIONING, group=HOTSPOT)
RADIUS_PROVISIONING_QUEUE = Queue("hotspot-provisioning", of=RADIUS, group=HOTSPOT, suffix="radius")
RECONNECTION_QUEUE = Queue("subscription-reconnection", of=PROVISIONING, group=HOTSPOT)
RADIUS_RECONNECTION_QUEUE = Queue(
    "subscription-reconnection", of=RADIUS, group=HOTSPOT, suffix="radius"
)
PAYMENTS_QUEUE = Queue("payments", of=PAYMENT, group=PAYMENTS)
MPESA_QUEUE = Queue("payments", of=PAYMENT, group=MPESA, suffix="mpesa")
# Work for operators (batches, statements) must never stand in front of a guest's callback.
OFFICE_QUEUE = Queue("payments", of=PAYMENT, group=GENERAL, suffix="office")
SMS_QUEUE = Queue("hotspot-sms", of=NOTIFICATION, group=PAYMENTS)
ROUTER_PROVISIONING_QUEUE = Queue("router-provisioning", of=ROUTER, group=ROUTERS)
# Beside the routers group, whose one process may be provisioning for two minutes.
ROUTER_OFFICE_QUEUE = Queue("router-provisioning", of=ROUTER, group=GENERAL, suffix="office")
DASHBOARD_QUEUE = Queue("dashboard", of=GATEWAY, group=GENERAL)
SESSION_QUEUE = Queue("session-management", of=RADIUS, group=GENERAL)
ROUTER_SESSION_QUEUE = Queue("session-management", of=ROUTER, group=GENERAL, suffix="router")
SUBSCRIPTION_QUEUE = Queue("subscription-management", of=PROVISIONING, group=GENERAL)
ROUTER_MONITORING_QUEUE = Queue("router-monitoring", of=ROUTER, group=ROUTERS)
METRICS_QUEUE = Queue("metrics", of=SCHEDULER, group=GENERAL)
NOTIFICATIONS_QUEUE = Queue("notifications", of=NOTIFICATION, group=GENERAL)
MAINTENANCE_QUEUES = (
    Queue("maintenance", of=PAYMENT, group=GENERAL),
    *(
        Queue("maintenance", of=service, group=GENERAL, suffix=service.name)
        for service in SERVICES
        if service is not PAYMENT
    ),
)
RADIUS_MAINTENANCE_QUEUE = next(queue for queue in MAINTENANCE_QUEUES if queue.of is RADIUS)
GRACE_QUEUE = Queue("grace-period", of=PROVISIONING, group=GENERAL)

QUEUES = (
    PROVISIONING_QUEUE,
    RADIUS_PROVISIONING_QUEUE,
    RECONNECTION_QUEUE,
    RADIUS_RECONNECTION_QUEUE,
    PAYMENTS_QUEUE,
    MPESA_QUEUE,
    OFFICE_QUEUE,
    SMS_QUEUE,
    # The check of ten seconds goes before: many routers to provision must not blind monitoring.
    ROUTER_MONITORING_QUEUE,
    ROUTER_PROVISIONING_QUEUE,
    ROUTER_OFFICE_QUEUE,
    DASHBOARD_QUEUE,
    SESSION_QUEUE,
    ROUTER_SESSION_QUEUE,
    SUBSCRIPTION_QUEUE,
    METRICS_QUEUE,
    NOTIFICATIONS_QUEUE,
    *MAINTENANCE_QUEUES,
    GRACE_QUEUE,
)
# Documented, and bound to nothing: what is sent here is refused as unroutable, for nothing is
# ever dispatched without a queue.
UNBOUND_EXCHANGES = ("default",)

EVENTS_EXCHANGE = "events"
PARKED_EXCHANGE = "parked"
DELAYS = (Delay(5), Delay(30), Delay(120), Delay(600))

MESSAGES: tuple[Job | Event, ...] = (
    # The way of one payment
    #   message                sent by        lands in                   timeout    tries
    Job(RequestPaymentJob, PAYMENT, PAYMENTS_QUEUE, timeout=30, tries=3, key="phone"),
    Job(PromptPhoneJob, PAYMENT, MPESA_QUEUE, timeout=60, tries=3, outside=True),
    Job(AskAboutPaymentJob, PAYMENT, MPESA_QUEUE, timeout=60, tries=3, outside=True),
    Job(RecordStkCallbackJob, PAYMENT, PAYMENTS_QUEUE, timeout=30, tries=5, key="payment_id"),
    Job(RecordMpesaMessageJob, PAYMENT, PAYMENTS_QUEUE, timeout=30, tries=5),
    Job(ProcessPaymentJob, PAYMENT, PAYMENTS_QUEUE, timeout=60, tries=3, key="payment_id"),
    Job(CreateHotspotUserJob, PAYMENT, PROVISIONING_QUEUE, timeout=90, tries=3, key="phone"),
    Job(
        AuthorizeRadiusUserJob,
        PROVISIONING,
        RADIUS_PROVISIONING_QUEUE,
        timeout=60,
        tries=5,
        key="username",
    ),
    Job(CacheCredentialsJob, PROVISIONING, PAYMENTS_QUEUE, timeout=30, tries=5, key="payment_id"),
    Job(SendCredentialsSMSJob, PROVISIONING, SMS_QUEUE, timeout=30, tries=3, outside=True),
    Job(SendTextSMSJob, NOTIFICATION, SMS_QUEUE, timeout=30, tries=3, outside=True),
    Job(ResendSMSJob, NOTIFICATION, SMS_QUEUE, timeout=30, tries=3, outside=True),
    Job(
        RecordDeliveryReportJob,
        NOTIFICATION,
        NOTIFICATIONS_QUEUE,
        timeout=30,
        tries=3,
        key="provider_message_id",
    ),
    Job(ReconnectSubscriptionJob, PAYMENT, RECONNECTION_QUEUE, timeout=60, tries=3),
    # Money that comes by other ways, and goes back
    Job(ClaimPaymentJob, PAYMENT, PAYMENTS_QUEUE, timeout=30, tries=5, key="receipt"),
    Job(AskAboutReceiptJob, PAYMENT, MPESA_QUEUE, timeout=60, tries=5, outside=True),
    Job(ReversePaymentJob, PAYMENT, MPESA_QUEUE, timeout=60, tries=3, outside=True),
    Job(ReverseReceiptJob, PAYMENT, MPESA_QUEUE, timeout=60, tries=3, outside=True),
    Job(CheckReversalJob, PAYMENT, PAYMENTS_QUEUE, timeout=30, tries=5),
    Job(ClearAttentionJob, PAYMENT, PAYMENTS_QUEUE, timeout=30, tries=5),
    Job(ImportStatementJob, PAYMENT, OFFICE_QUEUE, timeout=60, tries=3),
    # What is sold
    Job(SavePackageJob, PAYMENT, PAYMENTS_QUEUE, timeout=30, tries=3, key="code"),
    Job(CreateVoucherBatchJob, PAYMENT, OFFICE_QUEUE, timeout=60, tries=3),
    Job(CancelVouchersJob, PAYMENT, OFFICE_QUEUE, timeout=60, tries=3),
    Job(RedeemVoucherJob, PAYMENT, PAYMENTS_QUEUE, timeout=30, tries=5, key="voucher_id"),
    # Access that changes
    Job(MoveAccessJob, PAYMENT, PROVISIONING_QUEUE, timeout=30, tries=5, key="payment_id"),
    Job(EndAccessJob, PAYMENT, PROVISIONING_QUEUE, timeout=30, tries=5, key="payment_id"),
    Job(MoveGrantJob, PROVISIONING, RADIUS_PROVISIONING_QUEUE, timeout=30, tries=5, key="username"),
    Job(
        RevokeGrantJob, PROVISIONING, RADIUS_PROVISIONING_QUEUE, timeout=30, tries=5, key="username"
    ),
    Job(
        SuspendRadiusUserJob,
        PROVISIONING,
        RADIUS_RECONNECTION_QUEUE,
        timeout=30,
        tries=5,
        key="username",
    ),
    Job(
        ReleaseRadiusUserJob,
        PROVISIONING,
        RADIUS_RECONNECTION_QUEUE,
        timeout=30,
        tries=5,
        key="username",
    ),
    Job(CreateSubscriptionJob, PROVISIONING, SUBSCRIPTION_QUEUE, timeout=30, tries=3, key="phone"),
    Job(SuspendSubscriptionJob, PROVISIONING, SUBSCRIPTION_QUEUE, timeout=30, tries=3),
    Job(UnsuspendSubscriptionJob, PROVISIONING, SUBSCRIPTION_QUEUE, timeout=30, tries=3),
    # Routers
    Job(
        RecordRouterConnectionJob,
        ROUTER,
        ROUTER_OFFICE_QUEUE,
        timeout=30,
        tries=5,
        key="router_id",
    ),
    Job(ChangeRouterJob, ROUTER, ROUTER_OFFICE_QUEUE, timeout=30, tries=3, key="router_id"),
    Job(RemoveRouterJob, ROUTER, ROUTER_OFFICE_QUEUE, timeout=30, tries=3, key="router_id"),
    Job(ImportRoutersJob, ROUTER, ROUTER_OFFICE_QUEUE, timeout=60, tries=3),
    Job(CheckDriftJob, ROUTER, ROUTER_OFFICE_QUEUE, timeout=60, tries=2, outside=True),
    Job(BackUpRouterJob, ROUTER, ROUTER_OFFICE_QUEUE, timeout=60, tries=2, outside=True),
    Job(RegisterNasJob, ROUTER, RADIUS_PROVISIONING_QUEUE, timeout=30, tries=5, key="router_id"),
    Job(RemoveNasJob, ROUTER, RADIUS_PROVISIONING_QUEUE, timeout=30, tries=5, key="router_id"),
    Job(DisconnectGuestJob, RADIUS, ROUTER_SESSION_QUEUE, timeout=30, tries=1, outside=True),
    Job(
        RouterProvisioningJob, ROUTER, ROUTER_PROVISIONING_QUEUE, timeout=120, tries=2, outside=True
    ),
    # On a schedule: one that waited until the next is near is dropped, not piled up on
    Job(UpdateDashboardStatsJob, SCHEDULER, DASHBOARD_QUEUE, timeout=30, tries=1, stale_after=270),
    Job(CheckExpiredSessionsJob, SCHEDULER, SESSION_QUEUE, timeout=60, tries=3, stale_after=270),
    Job(DisconnectSessionJob, RADIUS, SESSION_QUEUE, timeout=30, tries=5, outside=True),
    Job(ExtendSessionJob, RADIUS, SESSION_QUEUE, timeout=30, tries=3, outside=True),
    Job(
        CheckExpiredSubscriptionsJob,
        SCHEDULER,
        SUBSCRIPTION_QUEUE,
        timeout=60,
        tries=3,
        stale_after=570,
    ),
    Job(
        CheckRoutersJob,
        SCHEDULER,
        ROUTER_MONITORING_QUEUE,
        timeout=110,
        tries=1,
        outside=True,
        stale_after=110,
    ),
    Job(
        CollectSystemMetricsJob,
        SCHEDULER,
        METRICS_QUEUE,
        timeout=30,
        tries=1,
        outside=True,
        stale_after=55,
    ),
    Job(ProcessGracePeriodJob, SCHEDULER, GRACE_QUEUE, timeout=300, tries=3, stale_after=82_800),
    Job(RotateLogs, SCHEDULER, MAINTENANCE_QUEUES, timeout=600, tries=3, stale_after=82_800),
    Job(ReconcilePaymentsJob, SCHEDULER, PAYMENTS_QUEUE, timeout=60, tries=1, stale_after=55),
    Job(
        CheckMoneyWithoutServiceJob, SCHEDULER, PAYMENTS_QUEUE, timeout=60, tries=1, stale_after=55
    ),
    Job(
        MeasureServiceJob,
        SCHEDULER,
        MAINTENANCE_QUEUES,
        timeout=30,
        tries=1,
        stale_after=55,
        traced=False,
    ),
    Job(
        SendPaymentRemindersJob,
        SCHEDULER,
        NOTIFICATIONS_QUEUE,
        timeout=300,
        tries=3,
        stale_after=82_800,
    ),
    Job(RotateLogFilesJob, SCHEDULER, METRICS_QUEUE, timeout=600, tries=3, outside=True),
    # Sent to one service's maintenance queue
    Job(ArchiveAccountingJob, RADIUS, RADIUS_MAINTENANCE_QUEUE, timeout=120, tries=5),
    Job(PruneHistoryJob, None, MAINTENANCE_QUEUES, timeout=60, tries=5, to_one=True),
    Job(RetryFailedJobsJob, GATEWAY, MAINTENANCE_QUEUES, timeout=60, tries=3, to_one=True),
    Job(FlushFailedJobsJob, GATEWAY, MAINTENANCE_QUEUES, timeout=60, tries=3, to_one=True),
    # Facts
    Event(PaymentRequested, PAYMENT, lands_in=(DASHBOARD_QUEUE,)),
    Event(
        PaymentCompleted,
        PAYMENT,
        lands_in=(DASHBOARD_QUEUE, NOTIFICATIONS_QUEUE, ROUTER_MONITORING_QUEUE),
    ),
    Event(PaymentFailed, PAYMENT, lands_in=(DASHBOARD_QUEUE,)),
    Event(PaymentReversed, PAYMENT, lands_in=(DASHBOARD_QUEUE,)),
    Event(VoucherIssued, PAYMENT, lands_in=(DASHBOARD_QUEUE,)),
    Event(VoucherBatchProgressed, PAYMENT, lands_in=(DASHBOARD_QUEUE,)),
    Event(VoucherRedeemed, PAYMENT, lands_in=(DASHBOARD_QUEUE, ROUTER_MONITORING_QUEUE)),
    Event(
        PackageChanged,
        PAYMENT,
        lands_in=(DASHBOARD_QUEUE, SUBSCRIPTION_QUEUE, ROUTER_PROVISIONING_QUEUE),
        key="code",
    ),
    Event(
        HotspotUserProvisionRequested,
        PAYMENT,
        lands_in=(PROVISIONING_QUEUE,),
        as_job=CreateHotspotUserJob,
    ),
    Event(
        SubscriptionReconnectionRequested,
        PAYMENT,
        lands_in=(RECONNECTION_QUEUE,),
        as_job=ReconnectSubscriptionJob,
    ),
    Event(
        RadiusUserAuthorized,
        RADIUS,
        lands_in=(PROVISIONING_QUEUE, DASHBOARD_QUEUE),
        key="grant_id",
    ),
    Event(HotspotUserCreated, PROVISIONING, lands_in=(DASHBOARD_QUEUE,)),
    Event(LoginAccepted, RADIUS, lands_in=(DASHBOARD_QUEUE,)),
    Event(SessionStarted, RADIUS, lands_in=(DASHBOARD_QUEUE, PAYMENTS_QUEUE), key="payment_id"),
    Event(SessionEnded, RADIUS, lands_in=(DASHBOARD_QUEUE, PAYMENTS_QUEUE), key="payment_id"),
    Event(
        SessionExpired,
        RADIUS,
        lands_in=(DASHBOARD_QUEUE, SUBSCRIPTION_QUEUE, PAYMENTS_QUEUE),
        key="grant_id",
    ),
    Event(GuestDisconnected, ROUTER, lands_in=(SESSION_QUEUE,), key="session_id"),
    Event(
        SubscriptionChanged,
        PROVISIONING,
        lands_in=(DASHBOARD_QUEUE, PAYMENTS_QUEUE, NOTIFICATIONS_QUEUE),
        key="subscription_id",
    ),
    Event(SubscriptionPaid, PROVISIONING, lands_in=(NOTIFICATIONS_QUEUE,), key="subscription_id"),
    Event(AccountSuspended, PROVISIONING, lands_in=(DASHBOARD_QUEUE, NOTIFICATIONS_QUEUE)),
    Event(AccountUnsuspended, PROVISIONING, lands_in=(DASHBOARD_QUEUE, NOTIFICATIONS_QUEUE)),
    Event(SmsSent, NOTIFICATION, lands_in=(DASHBOARD_QUEUE,)),
    Event(SmsFailed, NOTIFICATION, lands_in=(DASHBOARD_QUEUE,)),
    Event(SmsDelivered, NOTIFICATION, lands_in=(DASHBOARD_QUEUE,)),
    Event(RouterConnected, ROUTER, lands_in=(DASHBOARD_QUEUE,)),
    Event(RouterStatusUpdated, ROUTER, lands_in=(DASHBOARD_QUEUE,)),
    Event(RouterProvisioningProgressed, ROUTER, lands_in=(DASHBOARD_QUEUE,)),
    Event(DashboardStatsUpdated, GATEWAY, lands_in=(DASHBOARD_QUEUE,)),
    Event(AlarmRaised, None, lands_in=(DASHBOARD_QUEUE, NOTIFICATIONS_QUEUE)),
    Event(AlarmCleared, None, lands_in=(DASHBOARD_QUEUE,)),
    Event(PromiseChecked, None, lands_in=(DASHBOARD_QUEUE,)),
    Event(ServiceMeasured, None, lands_in=(METRICS_QUEUE,), traced=False),
    Event(HistoryPruned, None, lands_in=(METRICS_QUEUE,)),
    # notification-service marks the SMS of a job that was given up as failed.
    Event(JobFailed, None, lands_in=(DASHBOARD_QUEUE, NOTIFICATIONS_QUEUE)),
    # The timeline is not itself timed: that would never end.
    Event(StepsRecorded, None, lands_in=(DASHBOARD_QUEUE,), traced=False),
)
