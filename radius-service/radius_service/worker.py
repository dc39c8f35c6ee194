"""Which function handles which message."""

from functools import partial

from hotspot.bus.pruning import Kept
from hotspot.bus.upkeep import upkeep_handlers
from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    AuthorizeRadiusUserJob,
    MoveGrantJob,
    ReleaseRadiusUserJob,
    RevokeGrantJob,
    SuspendRadiusUserJob,
)
from hotspot.contract.operations import RotateLogs
from hotspot.contract.routers import RegisterNasJob, RemoveNasJob
from hotspot.contract.sessions import (
    ArchiveAccountingJob,
    CheckExpiredSessionsJob,
    DisconnectSessionJob,
    ExtendSessionJob,
    GuestDisconnected,
)
from hotspot.vault import Vault
from radius_service.access import (
    authorize_radius_user,
    move_grant,
    release_radius_user,
    revoke_grant,
    suspend_radius_user,
)
from radius_service.config import Config
from radius_service.disconnecting import disconnecting, record_guest_disconnected
from radius_service.extending import extending
from radius_service.history import archive_accounting, rotate_logs
from radius_service.ledger_tables import DailyUse
from radius_service.models import GuestSession, RadPostAuth
from radius_service.registering import register_nas, remove_nas
from radius_service.rounds import check_expired_sessions

# What is not worth keeping for ever. Kicks go with their session, accounting has its own way.
KEPT = (
    Kept(since=RadPostAuth.authdate, days=30),
    Kept(since=GuestSession.ended_at, days=400, only=GuestSession.status == "ended"),
    Kept(since=DailyUse.day, days=800),
)


def handlers(config: Config) -> Handlers:
    """Every message that lands in a queue of radius-service."""
    vault = Vault(config.encryption_keys)
    return {
        AuthorizeRadiusUserJob: partial(authorize_radius_user, vault=vault),
        MoveGrantJob: move_grant,
        RevokeGrantJob: revoke_grant,
        SuspendRadiusUserJob: suspend_radius_user,
        ReleaseRadiusUserJob: release_radius_user,
        RegisterNasJob: partial(register_nas, vault=vault),
        RemoveNasJob: remove_nas,
        CheckExpiredSessionsJob: check_expired_sessions,
        DisconnectSessionJob: disconnecting(config.radius_coa_port),
        ExtendSessionJob: extending(config.radius_coa_port),
        GuestDisconnected: record_guest_disconnected,
        ArchiveAccountingJob: archive_accounting,
        **upkeep_handlers(KEPT),
        RotateLogs: rotate_logs,
    }
