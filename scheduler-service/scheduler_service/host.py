"""The machine: processor, memory and disk, as psutil sees them."""

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, kw_only=True)
class Host:
    """How the machine does. `cpu_percent`: over all processors, since the last look."""

    cpu_percent: float
    load: float
    memory_percent: float
    memory_available_bytes: int
    disk_percent: float
    disk_free_bytes: int


def look(disk_path: Path) -> Host:
    """Look at the machine now."""
    memory = psutil.virtual_memory()
    disk = psutil.disk_usage(str(disk_path))
    return Host(
        cpu_percent=psutil.cpu_percent(),
        load=psutil.getloadavg()[0],
        memory_percent=memory.percent,
        memory_available_bytes=memory.available,
        disk_percent=disk.percent,
        disk_free_bytes=disk.free,
    )
