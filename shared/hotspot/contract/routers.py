"""Messages about routers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hotspot.contract.message import Message, message


@message("RouterProvisioningJob", version=1)
class RouterProvisioningJob(Message):
    """Bring a router to the settings of a working hotspot, one step after the other.

    Each step is a message of its own, so that a crash or a lost connection repeats that step alone.
    """

    router_id: UUID
    run_id: UUID
    step: int = 0


@message("CheckRoutersJob", version=1)
class CheckRoutersJob(Message):
    """Ask every router whether it is there."""


@message("RouterConnected", version=1)
class RouterConnected(Message):
    """A router phoned home."""

    router_id: UUID
    identity: str
    connected_at: datetime
    version: str = ""
    model: str = ""


@message("RouterStatusUpdated", version=1)
class RouterStatusUpdated(Message):
    """A router's status changed: it went offline, came back, is being provisioned, or failed."""

    router_id: UUID
    status: str
    changed_at: datetime


@message("RouterProvisioningProgressed", version=1)
class RouterProvisioningProgressed(Message):
    """A provisioning run finished a step."""

    router_id: UUID
    run_id: UUID
    step: str
    state: str
    at: datetime
    changes: int = 0
    reason: str | None = None


@message("RecordRouterConnectionJob", version=1)
class RecordRouterConnectionJob(Message):
    """A router's script phoned home. `public_key` is its WireGuard key, where it has one."""

    router_id: UUID
    identity: str
    version: str
    model: str
    source_address: str
    connected_at: datetime
    public_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class HotspotSite:
    """Where on a router the hotspot lives. No `ports`: chosen by the router's own."""

    network: str
    dns_name: str
    ports: tuple[str, ...] = ()


@message("ChangeRouterJob", version=1)
class ChangeRouterJob(Message):
    """An operator changes what is known of a router; what is None stays.

    The password is sealed (`hotspot.vault`).
    """

    router_id: UUID
    requested_by: str
    requested_at: datetime
    name: str | None = None
    ip_address: str | None = None
    username: str | None = None
    sealed_password: str | None = None
    api_port: int | None = None
    api_tls: bool | None = None
    site: HotspotSite | None = None


@message("RemoveRouterJob", version=1)
class RemoveRouterJob(Message):
    """An operator takes a router out of the system."""

    router_id: UUID
    requested_by: str
    requested_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewRouter:
    """A router to register. The password is sealed (`hotspot.vault`)."""

    router_id: UUID
    name: str
    ip_address: str
    username: str
    sealed_password: str
    api_port: int
    api_tls: bool


@message("ImportRoutersJob", version=1)
class ImportRoutersJob(Message):
    """Register the routers of a list; those whose name is taken are left as they are."""

    routers: tuple[NewRouter, ...]
    requested_by: str
    requested_at: datetime


@message("CheckDriftJob", version=1)
class CheckDriftJob(Message):
    """Look how a router differs from what it shall be like; change nothing."""

    router_id: UUID
    requested_at: datetime


@message("BackUpRouterJob", version=1)
class BackUpRouterJob(Message):
    """Keep a router's configuration as it is now, as a new version where it changed."""

    router_id: UUID
    backup_id: UUID
    requested_at: datetime


@message("RegisterNasJob", version=1)
class RegisterNasJob(Message):
    """RADIUS shall answer this router. The secret is sealed (`hotspot.vault`).

    `address`: where its packets come from (the tunnel's where it dials out), which changes when
    the router moves: the newest `registered_at` counts.
    """

    router_id: UUID
    name: str
    address: str
    sealed_secret: str
    coa_port: int
    require_message_authenticator: bool
    registered_at: datetime


@message("RemoveNasJob", version=1)
class RemoveNasJob(Message):
    """RADIUS shall no longer answer this router."""

    router_id: UUID
    removed_at: datetime
