"""Which function handles which message."""

from functools import partial

from hotspot.bus.upkeep import upkeep_handlers
from hotspot.bus.work import Handlers
from hotspot.contract.operations import (
    CollectSystemMetricsJob,
    HistoryPruned,
    RotateLogFilesJob,
    RotateLogs,
    ServiceMeasured,
)
from scheduler_service.config import Config
from scheduler_service.history import KEPT
from scheduler_service.maintaining import note_pruned, rotate_logs, rotating
from scheduler_service.measuring import collecting, note_measured


def handlers(config: Config) -> Handlers:
    """Every message that lands in a queue of this service."""
    return {
        CollectSystemMetricsJob: collecting(config),
        ServiceMeasured: note_measured,
        **upkeep_handlers(KEPT),
        RotateLogs: partial(rotate_logs, has_log_files=config.log_dir is not None),
        RotateLogFilesJob: rotating(config),
        HistoryPruned: note_pruned,
    }
