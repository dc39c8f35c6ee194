"""The local processes' log files: put aside compressed, kept for some days."""

import gzip
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

_ARCHIVE = "archive"
_AT_ONCE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """What was done: log files put aside, their bytes, and old archives removed."""

    files: int
    file_bytes: int
    removed: int


def rotate(folder: Path, *, now: datetime, kept_days: int) -> Rotated:
    """Put the log files of a folder aside, and remove what is too old. Raises OSError.

    Who writes a log keeps it open, and appends: so it is copied and emptied, not moved. A crash in
    between leaves lines in both, never in none.
    """
    archive = folder / _ARCHIVE
    archive.mkdir(mode=0o700, exist_ok=True)
    for unfinished in archive.glob("*.part"):
        unfinished.unlink(missing_ok=True)
    sizes = [
        _put_aside(log, archive, now)
        for log in sorted([*folder.glob("*.log"), *folder.glob("*.log.[0-9]")])
        if log.stat().st_size
    ]
    return Rotated(
        files=len(sizes), file_bytes=sum(sizes), removed=_remove_old(archive, now, kept_days)
    )


def _put_aside(log: Path, archive: Path, now: datetime) -> int:
    file = archive / f"{log.name}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.gz"
    part = file.with_name(file.name + ".part")
    with log.open("rb") as written:
        copied = _copy(written, part)
        copied += _copy(written, part)  # what was written while the first part was compressed
    part.replace(file)
    _empty(log)
    return copied


def _copy(written: BinaryIO, part: Path) -> int:
    """All that can be read, compressed, behind what is there already."""
    copied = 0
    with gzip.open(part, "ab", compresslevel=6) as compressed:
        while piece := written.read(_AT_ONCE):
            compressed.write(piece)
            copied += len(piece)
    return copied


def _empty(log: Path) -> None:
    if log.suffix == ".log":
        with log.open("r+b") as open_log:
            open_log.truncate()
    else:
        log.unlink(missing_ok=True)  # the keeper set it aside itself, and writes no more to it


def _remove_old(archive: Path, now: datetime, kept_days: int) -> int:
    before = (now - timedelta(days=kept_days)).timestamp()
    old = [file for file in archive.glob("*.gz") if file.stat().st_mtime < before]
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)
