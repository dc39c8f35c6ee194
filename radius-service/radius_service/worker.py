"""Which function handles which message."""

from functools import partial

from hotspot.bus.failures import FAILED_JOBS_HANDLERS
from hotspot.bus.work import Handlers
from hotspot.contract.access import AuthorizeRadiusUserJob
from hotspot.contract.operations import RotateLogs
from hotspot.contract.sessions import CheckExpiredSessionsJob, DisconnectSessionJob
from hotspot.vault import Vault
from radius_service.config import Config
from radius_service.disconnecting import disconnecting
from radius_service.handlers import authorize_radius_user, check_expired_sessions, rotate_logs


def handlers(config: Config) -> Handlers:
    """Every message that lands in a queue of radius-service."""
    vault = Vault(config.encryption_keys)
    return {
        AuthorizeRadiusUserJob: partial(authorize_radius_user, vault=vault),
        CheckExpiredSessionsJob: check_expired_sessions,
        DisconnectSessionJob: disconnecting(config.radius_coa_port),
        RotateLogs: rotate_logs,
        **FAILED_JOBS_HANDLERS,
    }
