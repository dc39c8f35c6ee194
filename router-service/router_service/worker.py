"""Which function handles which message."""

from functools import partial

from hotspot.bus.failures import FAILED_JOBS_HANDLERS
from hotspot.bus.work import Handlers
from hotspot.contract.routers import (
    BackUpRouterJob,
    ChangeRouterJob,
    ImportRoutersJob,
    RecordRouterConnectionJob,
    RemoveRouterJob,
)
from hotspot.contract.sessions import DisconnectGuestJob
from hotspot.vault import Vault
from router_service.backups import back_up_router
from router_service.config import Config
from router_service.disconnecting import disconnect_guest
from router_service.handlers import (
    change_router,
    import_routers,
    record_router_connection,
    remove_router,
)
from router_service.reaching import Reach
from router_service.registration import Registry


def handlers(config: Config, reach: Reach | None = None) -> Handlers:
    """Every message that lands in a queue of this service; `reach` is another one in tests."""
    registry = Registry(vault=Vault(config.encryption_keys), controller=config.controller)
    reach = reach or Reach(registry=registry)
    return {
        RecordRouterConnectionJob: partial(record_router_connection, registry=registry),
        ChangeRouterJob: partial(change_router, registry=registry),
        RemoveRouterJob: remove_router,
        ImportRoutersJob: partial(import_routers, registry=registry),
        BackUpRouterJob: back_up_router(reach),
        DisconnectGuestJob: disconnect_guest(reach),
        **FAILED_JOBS_HANDLERS,
    }
