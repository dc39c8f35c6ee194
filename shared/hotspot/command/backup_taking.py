"""Taking a backup: every service's database, each as it is at nearly the same moment."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from hotspot.command import backup_manifest, backup_programs, private
from hotspot.command.backup_manifest import Dump, Manifest
from hotspot.command.backup_places import Place
from hotspot.command.backup_programs import Programs
from hotspot.command.errors import Unable
from hotspot.contract.message import utc_text

# Senders before receivers, as far as that goes: what a receiver did after its sender's snapshot
# is known to itself alone, and asked for again it is a repeat; what was sent and is not yet
# handled in the later snapshot is all that a restore must ask for anew.
ORDER = ("router", "payment", "provisioning", "radius", "notification", "scheduler", "gateway")

PARTIAL = ".partial"


class BackupFailed(Unable):
    """A backup was not taken; what there was of it is gone again. The text says why."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A database as it was at one moment, for as long as `connection` keeps its transaction."""

    place: Place
    name: str
    at: datetime
    revision: str
    postgres: int


def take(
    places: Sequence[Place],
    folder: Path,
    *,
    now: datetime,
    version: str,
    keys: Sequence[str],
    environ: Mapping[str, str],
) -> Path:
    """Dump the databases into a new folder inside `folder`; answers it once it is whole.

    The folder bears its name only then: a backup that was cut short never looks whole.
    Raises Unable.
    """
    final = folder / f"hotspot-{now:%Y%m%dT%H%M%SZ}"
    if final.exists():
        raise BackupFailed(f"{final} is there already")
    known = backup_programs.installed(environ)
    partial = _make_partial(folder, final.name)
    try:
        with _snapshots(places) as snapshots:
            dumps = [_dump(one, _fitting(known, one), partial) for one in snapshots]
        manifest = Manifest(
            taken_at=utc_text(now),
            version=version,
            keys=backup_manifest.fingerprints(keys),
            dumps=tuple(dumps),
        )
        private.write(partial / backup_manifest.FILE, manifest.as_json())
        _sync(partial)
        partial.rename(final)
        _sync(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # not there any more, where all went well
    return final


def _make_partial(folder: Path, name: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = folder / f".{name}{PARTIAL}"
        partial.mkdir(mode=0o700)
    except OSError as error:
        raise BackupFailed(f"No backup can be written to {folder}: {error}") from error
    return partial


@contextmanager
def _snapshots(places: Sequence[Place]) -> Iterator[list[Snapshot]]:
    """Snapshots of all databases, some milliseconds apart, held until the block ends."""
    with ExitStack() as held:
        by_name = {place.service: place for place in places}
        connections = [
            (by_name[name], held.enter_context(by_name[name].connect())) for name in ORDER
        ]
        yield [_snapshot(place, connection) for place, connection in connections]


def _snapshot(place: Place, connection: "psycopg.Connection[tuple[object, ...]]") -> Snapshot:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    row = connection.execute("SELECT pg_export_snapshot(), clock_timestamp()").fetchone()
    assert row is not None
    return Snapshot(
        place=place,
        name=str(row[0]),
        at=_time(row[1]),
        revision=_revision(place, connection),
        postgres=connection.info.server_version // 10_000,
    )


def _time(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value


def _revision(place: Place, connection: "psycopg.Connection[tuple[object, ...]]") -> str:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    if row is None:
        raise BackupFailed(
            f"The database of {place.service} was never migrated: there is nothing in it to keep."
        )
    return str(row[0])


def _fitting(known: Sequence[Programs], snapshot: Snapshot) -> Programs:
    what = f"The server of {snapshot.place.service} (PostgreSQL {snapshot.postgres})"
    return backup_programs.fitting(known, snapshot.postgres, what=what)


def _dump(snapshot: Snapshot, programs: Programs, folder: Path) -> Dump:
    place = snapshot.place
    file = folder / f"{place.service}.dump"
    file.touch(mode=0o600)
    done = subprocess.run(
        [
            programs.path("pg_dump"),
            f"--dbname={place.conninfo}",
            *("--format=custom", f"--file={file}", f"--snapshot={snapshot.name}"),
            # It is restored by whoever owns the database there.
            *("--no-owner", "--no-privileges", "--no-password"),
        ],
        env={**os.environ, **place.environment, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise BackupFailed(f"pg_dump of {place.service} failed:\n{done.stderr.strip()}")
    _sync(file)
    return Dump(
        service=place.service,
        file=file.name,
        size=file.stat().st_size,
        sha256=backup_manifest.sha256_of(file),
        revision=snapshot.revision,
        postgres=snapshot.postgres,
        pg_dump=programs.major,
        snapshot_at=utc_text(snapshot.at),
    )


def _sync(path: Path) -> None:
    """On the disk, not only in memory: a backup that says it is whole survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
