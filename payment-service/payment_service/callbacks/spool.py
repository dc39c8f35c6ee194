"""Where callbacks wait while the broker is away: synced files in one folder.

All that wait for the disk at one moment become one file and one sync, so that a flood of
callbacks costs no more syncs than the disk can do.
"""

import functools
import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from hotspot.bus.envelope import Envelope, Parcel
from hotspot.bus.upkeep import SpoolFill
from hotspot.contract.message import InvalidMessage, utc_text

log = structlog.get_logger()

_READY, _PART, _BROKEN = ".jsonl", ".part", ".broken"
# What other processes did to the folder is looked up this often at most.
RECOUNTED_AFTER_SECONDS = 1.0
# A part that is so old was left by a process that died over it, and was acknowledged to nobody.
PART_IS_LEFT_AFTER_SECONDS = 60.0


@dataclass(frozen=True)
class _Metrics:
    kept: Gauge
    most: Gauge
    refused: Counter


@functools.cache
def _metrics() -> _Metrics:
    """Made on first use: processes that only import this must not seem to have a spool."""
    return _Metrics(
        kept=Gauge("payment_spooled_callbacks", "Callbacks on disk that wait for the broker"),
        most=Gauge("payment_spool_most", "Callbacks that have room on disk"),
        refused=Counter("payment_callbacks_refused", "Callbacks that could be kept nowhere"),
    )


def fill(folder: Path, most: int) -> SpoolFill:
    """How many callbacks wait in a folder, seen from a process that does not serve it."""
    return SpoolFill(waiting=_count_in(folder.glob(f"*{_READY}")), most=most)


class SpoolFull(Exception):
    """There are as many callbacks in the spool as it may hold."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One file of the spool. `is_whole`: every line of it could be read."""

    file: Path
    parcels: Sequence[Parcel]
    is_whole: bool


@dataclass(kw_only=True)
class _Entry:
    envelope: Envelope
    is_settled: bool = False
    error: OSError | None = None


class Spool:
    """A folder of messages. Each keeps the id that it was given, so that sending it twice is
    harmless, and several processes may share the folder."""

    def __init__(self, folder: Path, *, most: int) -> None:
        self.folder = folder
        self._most = most
        self._waiting: list[_Entry] = []
        # Made here and not as a default of a class: web processes replace `threading.Lock` by one
        # that lets others run, after this module may have been imported.
        self._adding = threading.Lock()
        self._writing = threading.Lock()
        _metrics().most.set(most)
        self._remove_left_parts()
        self._recount()

    def keep(self, envelope: Envelope) -> None:
        """Return once a power cut could not lose it. Raises SpoolFull, or OSError of the disk."""
        if not self.has_room():
            _metrics().refused.inc()
            raise SpoolFull(f"{self.folder} holds {self._kept} callbacks")
        entry = _Entry(envelope=envelope)
        with self._adding:
            self._waiting.append(entry)
        with self._writing:
            if not entry.is_settled:  # whoever had the turn before may have written it as well
                self._write_all()
        if entry.error is not None:
            raise entry.error

    def batches(self) -> Iterator[Batch]:
        """What waits, file by file, in the order in which it came."""
        for file in self._files():
            try:
                lines = file.read_bytes().splitlines()
            except FileNotFoundError:  # another process was faster
                continue
            parcels = [parcel for line in lines if (parcel := _parcel_or_none(line))]
            yield Batch(file=file, parcels=parcels, is_whole=len(parcels) == len(lines))

    def forget(self, batch: Batch) -> None:
        """It reached the broker. A file with a line that could not be read is set aside."""
        if batch.is_whole:
            batch.file.unlink(missing_ok=True)
        else:
            log.critical("spooled callback unreadable", file=batch.file.name)
            batch.file.replace(batch.file.with_suffix(_BROKEN))
        self._count(max(0, self._kept - len(batch.parcels)))

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._files()

    def has_room(self) -> bool:
        """Whether one more may be kept."""
        return self.fill().waiting < self._most

    def can_be_written(self) -> bool:
        """Whether the folder is there, or can be made: a container may have no volume for it."""
        there = next(
            path for path in (self.folder, *self.folder.absolute().parents) if path.exists()
        )
        return there.is_dir() and os.access(there, os.W_OK | os.X_OK)

    def fill(self) -> SpoolFill:
        """How many wait, and how many have room."""
        if time.monotonic() - self._counted_at > RECOUNTED_AFTER_SECONDS:
            self._recount()
        return SpoolFill(waiting=self._kept, most=self._most)

    def _write_all(self) -> None:
        with self._adding:
            entries, self._waiting = self._waiting, []
        try:
            self._write([entry.envelope for entry in entries])
        except OSError as error:
            for entry in entries:
                entry.error = error
        for entry in entries:
            entry.is_settled = True

    def _write(self, envelopes: Sequence[Envelope]) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The ids are ordered by time, and so are the names. They count what is inside, so that
        # nobody must read it all to know how full the spool is.
        file = self.folder / f"{envelopes[0].message_id}.{len(envelopes)}{_READY}"
        part = file.with_suffix(_PART)
        with part.open("wb") as out:
            out.writelines(_to_line(envelope) for envelope in envelopes)
            out.flush()
            _sync(out.fileno())
        part.replace(file)
        folder = os.open(self.folder, os.O_RDONLY)  # a name is durable once its folder is
        try:
            _sync(folder)
        finally:
            os.close(folder)
        self._count(self._kept + len(envelopes))

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_READY}"))

    def _recount(self) -> None:
        self._counted_at = time.monotonic()
        self._count(_count_in(self.folder.glob(f"*{_READY}")))

    def _count(self, kept: int) -> None:
        self._kept = kept
        _metrics().kept.set(kept)

    def _remove_left_parts(self) -> None:
        for part in self.folder.glob(f"*{_PART}"):
            try:
                if time.time() - part.stat().st_mtime > PART_IS_LEFT_AFTER_SECONDS:
                    part.unlink()
            except FileNotFoundError:  # another process was faster
                continue


def _count_in(files: Iterable[Path]) -> int:
    """The messages in files of a spool, by their names."""
    counts = (file.name.removesuffix(_READY).rpartition(".")[2] for file in files)
    return sum(int(count) for count in counts if count.isdigit())


def _to_line(envelope: Envelope) -> bytes:
    values = {
        "message_id": str(envelope.message_id),
        "name": envelope.name,
        "version": envelope.version,
        "correlation_id": str(envelope.correlation_id),
        "sent_at": utc_text(envelope.sent_at),
        "sender": envelope.sender,
        "body": envelope.body.decode(),
    }
    return json.dumps(values).encode() + b"\n"


def _parcel_or_none(line: bytes) -> Parcel | None:
    try:
        values: dict[str, Any] = json.loads(line)
        envelope = Envelope(
            message_id=UUID(values["message_id"]),
            name=values["name"],
            version=values["version"],
            correlation_id=UUID(values["correlation_id"]),
            causation_id=None,
            sent_at=datetime.fromisoformat(values["sent_at"]),
            sender=values["sender"],
            body=values["body"].encode(),
        )
        return Parcel.of(envelope.open(), envelope)
    except (ValueError, KeyError, TypeError, InvalidMessage):
        return None


def _sync(descriptor: int) -> None:
    """Onto the disk. A web process goes on serving meanwhile, by a real thread of gevent's."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        from gevent import get_hub

        get_hub().threadpool.apply(os.fsync, (descriptor,))
    else:
        os.fsync(descriptor)
