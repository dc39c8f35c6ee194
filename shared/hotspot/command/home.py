"""Where one copy of the system keeps its state: `$HOTSPOT_HOME`, else `.hotspot/` here.

Standard library only: it is read before the virtual environment exists.
"""

import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hotspot.command.errors import Unable

_CHECKOUT = Path(__file__).resolve().parents[3]

# sun_path of a UNIX socket holds 108 bytes with the closing zero; supervisor first binds to a
# name with its process id behind.
_LONGEST_SOCKET_PATH = 98


class HomeIsUnusable(Unable):
    """The state directory cannot be used; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Home:
    """The paths of one copy of the system."""

    path: Path
    venv: Path
    checkout: Path = _CHECKOUT

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Home":
        """Read HOTSPOT_HOME; a relative one counts from the current directory."""
        given = environ.get("HOTSPOT_HOME")
        path = Path(given).absolute() if given else _CHECKOUT / ".hotspot"
        if re.search(r"[\x00-\x1f\"]|\s[;#]", str(path)):
            # supervisor's configuration would read the rest of such a line as a comment.
            raise HomeIsUnusable(f"HOTSPOT_HOME={path} has characters that cannot be used")
        return cls(path=path, venv=path / "venv")

    def inside(self, name: str) -> "Home":
        """Another home in a folder of this one, with the same virtual environment."""
        return Home(path=self.path / name, venv=self.venv)

    def make(self) -> None:
        """Make the folders; what holds secrets or guests' data is the owner's alone."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for folder in (self.run, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HomeIsUnusable(f"HOTSPOT_HOME={self.path} cannot be used: {error}") from error

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment."""
        return self.venv / "bin" / "python"

    @property
    def run(self) -> Path:
        """What describes the running system: configuration, locks, process ids."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        """Keys and passwords that were made once for this copy."""
        return self.path / "secrets.json"

    @property
    def rabbitmq(self) -> Path:
        """The private RabbitMQ node: its data, cookie and configuration."""
        return self.path / "rabbitmq"

    @property
    def postgres(self) -> Path:
        """The embedded PostgreSQL's cluster."""
        return self.path / "postgres"

    def source_folders(self) -> list[Path]:
        """The folders of the checkout that hold importable code."""
        services = sorted(self.checkout.glob("*-service"))
        return [self.checkout / "shared", *services, self.checkout / "gateway", self.checkout]

    @property
    def socket(self) -> Path:
        """Where supervisor listens; in a private folder of /tmp where the home is too long."""
        file = self.run / "supervisor.sock"
        if len(os.fsencode(file)) <= _LONGEST_SOCKET_PATH:
            return file
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        # Not TMPDIR: `down` in another shell must find what `up` made.
        return Path("/tmp") / f"hotspot-{os.getuid()}-{digest}" / file.name  # noqa: S108

    def make_way_for_socket(self) -> None:
        """Remove a socket that a crash left, and make the private folder where one is needed."""
        folder = self.socket.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise HomeIsUnusable(f"{folder} belongs to somebody else; remove it")
        folder.chmod(0o700)
        self.socket.unlink(missing_ok=True)

    def forget_socket(self) -> None:
        """Remove the folder in /tmp, where there is one and nothing listens in it any more."""
        folder = self.socket.parent
        if folder != self.run and folder.exists():
            self.socket.unlink(missing_ok=True)
            folder.rmdir()

    def log_of(self, process: str) -> Path:
        """The log file of a process."""
        return self.logs / f"{process}.log"


@contextmanager
def locked(file: Path) -> Iterator[int | None]:
    """Hold the lock of a file: yields its descriptor, or None where somebody else holds it.

    The lock belongs to the open file: a child that inherits the descriptor keeps it for as long
    as it lives, however this process ends.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
