"""Which function handles which message."""

from functools import partial

from hotspot.bus.failures import FAILED_JOBS_HANDLERS
from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    CheckExpiredSubscriptionsJob,
    CreateHotspotUserJob,
    ProcessGracePeriodJob,
    RadiusUserAuthorized,
    ReconnectSubscriptionJob,
)
from hotspot.contract.operations import RotateLogs
from hotspot.contract.sessions import SessionExpired
from hotspot.vault import Vault
from provisioning_service.config import Config
from provisioning_service.handlers import (
    announce_access,
    check_expired_subscriptions,
    create_hotspot_user,
    end_grant,
    process_grace_period,
    reconnect_subscription,
    rotate_logs,
)


def handlers(config: Config) -> Handlers:
    """Every message that lands in a queue of this service."""
    return {
        CreateHotspotUserJob: partial(create_hotspot_user, vault=Vault(config.encryption_keys)),
        ReconnectSubscriptionJob: reconnect_subscription,
        RadiusUserAuthorized: announce_access,
        SessionExpired: end_grant,
        CheckExpiredSubscriptionsJob: check_expired_subscriptions,
        ProcessGracePeriodJob: partial(process_grace_period, grace=config.grace),
        RotateLogs: rotate_logs,
        **FAILED_JOBS_HANDLERS,
    }
