"""Files that hold secrets: the owner's alone from their first byte, and never half written."""

import os
from pathlib import Path


def write(file: Path, content: str, *, mode: int = 0o600) -> None:
    """Write beside and rename, so that a reader or a crash never meets half a file."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
