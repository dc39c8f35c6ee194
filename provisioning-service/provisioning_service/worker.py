"""Which function handles which message."""

from functools import partial

from hotspot.bus.upkeep import upkeep_handlers
from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    CheckExpiredSubscriptionsJob,
    CreateHotspotUserJob,
    CreateSubscriptionJob,
    EndAccessJob,
    MoveAccessJob,
    ProcessGracePeriodJob,
    RadiusUserAuthorized,
    ReconnectSubscriptionJob,
    SuspendSubscriptionJob,
    UnsuspendSubscriptionJob,
)
from hotspot.contract.packages import PackageChanged
from hotspot.contract.sessions import SessionExpired
from hotspot.vault import Vault
from provisioning_service.config import Config
from provisioning_service.handlers import (
    announce_access,
    create_hotspot_user,
    end_access,
    end_grant,
    move_access,
    reconnect_subscription,
)
from provisioning_service.subscription_handlers import (
    check_expired_subscriptions,
    create_subscription,
    note_package,
    process_grace_period,
    suspend_subscription,
    unsuspend_subscription,
)


def handlers(config: Config) -> Handlers:
    """Every message that lands in a queue of this service."""
    vault = Vault(config.encryption_keys)
    return {
        CreateHotspotUserJob: partial(create_hotspot_user, vault=vault),
        ReconnectSubscriptionJob: reconnect_subscription,
        RadiusUserAuthorized: announce_access,
        SessionExpired: end_grant,
        MoveAccessJob: move_access,
        EndAccessJob: end_access,
        CheckExpiredSubscriptionsJob: partial(check_expired_subscriptions, days=config.grace),
        ProcessGracePeriodJob: process_grace_period,
        CreateSubscriptionJob: partial(create_subscription, vault=vault),
        SuspendSubscriptionJob: suspend_subscription,
        UnsuspendSubscriptionJob: partial(unsuspend_subscription, days=config.grace),
        PackageChanged: note_package,
        **upkeep_handlers(),
    }
