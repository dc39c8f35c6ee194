"""Messages about routers."""

from datetime import datetime
from uuid import UUID

from hotspot.contract.message import Message, message


@message("RouterProvisioningJob", version=1)
class RouterProvisioningJob(Message):
    """Bring a router to the settings of a working hotspot."""

    router_id: UUID
    run_id: UUID


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
    """A router went offline or came back."""

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
