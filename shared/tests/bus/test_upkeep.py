"""What every service does for its own upkeep: it measures itself, and forgets what is old."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    Table,
    Uuid,
    column,
    func,
    insert,
    select,
    text,
)

from hotspot.bus import pruning
from hotspot.bus.pruning import Kept
from hotspot.bus.tables import bus_metadata, failed_jobs, inbox, outbox
from hotspot.bus.upkeep import SpoolFill, upkeep_handlers
from hotspot.contract.operations import (
    HistoryPruned,
    MeasureServiceJob,
    Pruned,
    PruneHistoryJob,
    RotateLogs,
    ServiceMeasured,
)
from hotspot.contract.payments import ProcessPaymentJob
from hotspot.contract.table import MESSAGES
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, run
