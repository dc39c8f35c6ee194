"""Which function handles which message."""

from functools import partial

from hotspot.bus.upkeep import upkeep_handlers
from hotspot.bus.work import Handlers
from hotspot.contract.operations import RotateLogs
from hotspot.contract.packages import PackageChanged
from hotspot.contract.payments import PaymentCompleted
from hotspot.contract.routers import (
    BackUpRouterJob,
    ChangeRouterJob,
    CheckDriftJob,
    CheckRoutersJob,
    ImportRoutersJob,
    RecordRouterConnectionJob,
    RemoveRouterJob,
    RouterProvisioningJob,
)
from hotspot.contract.sessions import DisconnectGuestJob
from hotspot.contract.vouchers import VoucherRedeemed
from hotspot.vault import Vault
from router_service.backups import back_up_router
from router_service.config import Config
from router_service.disconnecting import disconnect_guest
from router_service.drifting import check_drift
from router_service.handlers import (
    change_router,
    import_routers,
    record_router_connection,
    remove_router,
)
from router_service.monitoring import check_routers
from router_service.provisioning import provision_router
from router_service.reaching import Reach
from router_service.registration import Registry
from router_service.upkeep import KEPT, count_payment, count_voucher, note_package, rotate_logs


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
        RouterProvisioningJob: provision_router(reach),
        CheckDriftJob: check_drift(reach),
        CheckRoutersJob: check_routers(reach),
        PackageChanged: note_package,
        PaymentCompleted: count_payment,
        VoucherRedeemed: count_voucher,
        **upkeep_handlers(KEPT),
        RotateLogs: partial(rotate_logs, keys=config.encryption_keys),
    }
