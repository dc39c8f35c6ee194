"""What a backup says of itself: one file of JSON beside the dumps."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hotspot.command.errors import Unable

FILE = "manifest.json"
FORMAT = 1


class BackupIsDamaged(Unable):
    """A backup is not whole, or not what it was; the text says where."""


@dataclass(frozen=True, kw_only=True)
class Dump:
    """One database. `revision`: of its schema; `postgres`, `pg_dump`: major versions."""

    service: str
    file: str
    size: int
    sha256: str
    revision: str
    postgres: int
    pg_dump: int
    snapshot_at: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A whole backup. `keys`: fingerprints of the keys that open its secrets, newest first."""

    taken_at: str
    version: str
    keys: tuple[str, ...]
    dumps: tuple[Dump, ...]

    def as_json(self) -> str:
        """As it stands in the file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"


def read(folder: Path) -> Manifest:
    """The manifest of a backup. Raises BackupIsDamaged where it has none that can be read."""
    try:
        said = json.loads((folder / FILE).read_text())
        return _understood(said, folder)
    except FileNotFoundError as error:
        raise BackupIsDamaged(
            f"{folder} is no backup: it has no {FILE}. (One that was never finished has none, and "
            "bears `.partial` in its name.)"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupIsDamaged(f"{folder / FILE} cannot be read: {error!r}") from error


def check(folder: Path, manifest: Manifest) -> None:
    """Raise BackupIsDamaged where a dump is missing or is not, to the byte, what was written."""
    for dump in manifest.dumps:
        file = folder / dump.file
        if not file.is_file():
            raise BackupIsDamaged(f"{file} is missing")
        size = file.stat().st_size
        if size != dump.size:
            raise BackupIsDamaged(f"{file} has {size} bytes; {dump.size} were written")
        if sha256_of(file) != dump.sha256:
            raise BackupIsDamaged(f"{file} is damaged: its SHA-256 is another than when written")


def sha256_of(file: Path) -> str:
    """The digest of a file, in hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def fingerprints(keys: Iterable[str]) -> tuple[str, ...]:
    """Names of keys by which nobody finds the keys: they are random, and longer than a digest."""
    return tuple(hashlib.sha256(f"hotspot {key}".encode()).hexdigest()[:16] for key in keys)


def version_of(checkout: Path) -> str:
    """The product's version: the one of payment-service, which all parts share."""
    told = tomllib.loads((checkout / "payment-service" / "pyproject.toml").read_text())
    return str(told["project"]["version"])


def _understood(said: Mapping[str, Any], folder: Path) -> Manifest:
    if said["format"] != FORMAT:
        raise BackupIsDamaged(
            f"{folder} has format {said['format']}; this version reads format {FORMAT}"
        )
    dumps = tuple(Dump(**dump) for dump in said["dumps"])
    for dump in dumps:
        if Path(dump.file).name != dump.file:
            raise BackupIsDamaged(f"{folder / FILE} names a file outside of it: {dump.file}")
    return Manifest(
        taken_at=said["taken_at"], version=said["version"], keys=tuple(said["keys"]), dumps=dumps
    )
