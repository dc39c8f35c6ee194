"""One dump on its way into its database: pg_restore writes it as SQL, psql runs that."""

import os
import queue
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from hotspot.command.backup_manifest import Dump
from hotspot.command.backup_places import Place
from hotspot.command.backup_programs import Programs
from hotspot.command.errors import Unable

# pg_dump 17 began to write it, and no older server knows it.
_UNKNOWN_BEFORE: Final = {b"SET transaction_timeout = 0;\n": 17}
# The settings of a dump stand in its first lines.
_TOP: Final = 60
_LOADED: Final = "hotspot: loaded"

# Everything that is in the database now, in whatever schema, makes way. The lock is not waited
# for: who holds one is a service that should not run.
_MAKE_WAY: Final = b"""
BEGIN;
SET LOCAL lock_timeout = '10s';
SET LOCAL client_min_messages = warning;
DO $$
DECLARE found name;
BEGIN
    FOR found IN SELECT nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', found);
    END LOOP;
END $$;
CREATE SCHEMA public;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""


class RestoreFailed(Unable):
    """Something went wrong on the way; the text says what is restored and what is not."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A dump and where it goes. `postgres`: the version of the server there."""

    dump: Dump
    file: Path
    place: Place
    programs: Programs
    postgres: int


class Load:
    """Begins to load when it is entered. What is not committed when it is left is undone."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._said: queue.Queue[str] = queue.Queue()
        self._whole = False
        self._threads = [
            threading.Thread(target=run, daemon=True) for run in (self._feed, self._read)
        ]

    def __enter__(self) -> "Load":
        """Begin."""
        self._errors = tempfile.TemporaryFile()
        self._psql = subprocess.Popen(
            [
                self.task.programs.path("psql"),
                f"--dbname={self.task.place.conninfo}",
                *("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"),
                "--output=/dev/null",  # what queries answer; what is echoed still comes here
            ],
            env={**os.environ, **self.task.place.environment, "LC_ALL": "C"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, whatever state it is in."""
        self._psql.kill()
        self._psql.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self._sql, self._psql.stdout, self._errors):
            with suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()

    def finish_loading(self) -> None:
        """Wait until all of it is in the open transaction. Raises RestoreFailed."""
        if self._said.get() != _LOADED or not self._whole:
            raise RestoreFailed(
                f"The dump of {self.task.dump.service} could not be loaded; every database is as "
                f"it was before:\n{self.errors()}"
            )

    def commit(self) -> bool:
        """Make it last; False where that failed."""
        try:
            self._sql.write(b"COMMIT;\n")
            self._sql.close()
        except BrokenPipeError:
            return False
        return self._psql.wait() == 0

    def errors(self) -> str:
        """What PostgreSQL's programs said."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-2000:]

    @property
    def _sql(self) -> IO[bytes]:
        assert self._psql.stdin is not None
        return self._psql.stdin

    def _feed(self) -> None:
        with suppress(BrokenPipeError):
            self._sql.write(_MAKE_WAY)
            self._whole = self._copy()
            self._sql.write(f"\\echo {_LOADED}\n".encode())
            self._sql.flush()

    def _copy(self) -> bool:
        """Write the dump as SQL, without what this server would not understand."""
        reading = subprocess.Popen(
            [
                self.task.programs.path("pg_restore"),
                *("--file=-", "--no-owner", "--no-privileges", str(self.task.file)),
            ],
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        assert reading.stdout is not None
        with reading:
            for _ in range(_TOP):
                line = reading.stdout.readline()
                if self.task.postgres >= _UNKNOWN_BEFORE.get(line, 0):
                    self._sql.write(line)
            while part := reading.stdout.read(1 << 20):
                self._sql.write(part)
        return reading.returncode == 0

    def _read(self) -> None:
        assert self._psql.stdout is not None
        for line in self._psql.stdout:
            self._said.put(line.decode(errors="replace").strip())
        self._said.put("")
