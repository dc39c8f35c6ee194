"""The virtual environment that everything runs in, made from the lock files on first use.

Runs before any package is installed: standard library only.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotspot.command import packages, quiet
from hotspot.command.errors import Unable
from hotspot.command.home import Home

_PIP_INSTALL = [
    *("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
    *("--no-deps", "--require-hashes", "--requirement"),
]


class SetupFailed(Unable):
    """The environment cannot be made; the text says why and what to do."""


def main() -> None:
    """Make the environment if it is not there, and become the command inside it."""
    arguments = sys.argv[1:]
    locks = ["run", "test"] if arguments[:1] == ["test"] else ["run"]
    try:
        home = Home.of(os.environ)
        environment = Environment(home)
        environment.ensure(locks)
    except Unable as error:
        sys.exit(f"hotspot: {error}")
    except OSError as error:
        sys.exit(f"hotspot: the virtual environment cannot be made: {error}")
    os.execv(home.python, [str(home.python), "-P", "-m", "hotspot.command", *arguments])  # noqa: S606


class Environment:
    """`venv/` in the home: complete when `.ready` names the hashes of the lock files it holds."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.folder = home.venv
        self.ready = self.folder / ".ready"

    def ensure(self, locks: list[str]) -> None:
        """Hold what these lock files list; costs nothing when it does already."""
        if not self._missing(locks):
            self._write_paths()
            return
        self.home.path.mkdir(parents=True, exist_ok=True)
        with _only_one(self.home.path / "venv.lock"):
            # Another start may have finished, or died, while this one waited.
            missing = self._missing(locks)
            if missing and not self.ready.exists():
                if Path(sys.prefix).resolve() == self.folder.resolve():
                    # This interpreter lives in what must go: begin again outside of it.
                    os.execv(self.home.checkout / "hotspot", ["hotspot", *sys.argv[1:]])  # noqa: S606
                self._make()
            if missing:
                self._install(missing)
            self._write_paths()

    def _missing(self, locks: list[str]) -> list[str]:
        try:
            held = self.ready.read_text().split()
        except FileNotFoundError:
            return locks
        return [lock for lock in locks if self._stamp(lock) not in held]

    def _stamp(self, lock: str) -> str:
        content = self._lock_file(lock).read_bytes()
        return f"{lock}={hashlib.sha256(content).hexdigest()}"

    def _lock_file(self, lock: str) -> Path:
        return self.home.checkout / "requirements" / f"{lock}.txt"

    def _make(self) -> None:
        if importlib.util.find_spec("ensurepip") is None:
            _add_ensurepip()
        shutil.rmtree(self.folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(self.folder)], what="python -m venv")

    def _install(self, locks: list[str]) -> None:
        """Install lock files; between the first change and the last, `.ready` is gone."""
        held = self.ready.read_text().split() if self.ready.exists() else []
        self.ready.unlink(missing_ok=True)
        for lock in locks:
            count = self._lock_file(lock).read_text().count("==")
            started = time.monotonic()
            _say(f"Installing {count} Python packages of requirements/{lock}.txt (once) ...")
            _run(
                [str(self.home.python), *_PIP_INSTALL, str(self._lock_file(lock))],
                what="pip",
            )
            _say(f"Python packages installed  {time.monotonic() - started:.1f} s")
        # A changed run.txt replaces its old stamp; an untouched lock keeps its own.
        kept = [stamp for stamp in held if stamp.partition("=")[0] not in locks]
        written = self.ready.with_suffix(".new")
        written.write_text("\n".join([*kept, *map(self._stamp, locks)]) + "\n")
        written.replace(self.ready)

    def _write_paths(self) -> None:
        """Put the checkout's own code on the path by a `.pth` file."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        packages_folder = sysconfig.get_path(
            "purelib",
            scheme="venv",
            vars={"base": str(self.folder), "py_version_short": version},
        )
        wanted = "".join(f"{folder}\n" for folder in self.home.source_folders())
        file = Path(packages_folder) / "hotspot.pth"
        if not file.exists() or file.read_text() != wanted:
            written = file.with_suffix(f".{os.getpid()}")
            written.write_text(wanted)
            written.replace(file)


@contextmanager
def _only_one(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another start is making the Python environment; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _add_ensurepip() -> None:
    """Debian splits ensurepip off its Python: install that part, or say what to install."""
    if Path(sys.prefix) != Path("/usr"):
        raise SetupFailed(
            f"{sys.executable} cannot make virtual environments (it has no ensurepip). "
            "Name another Python: HOTSPOT_PYTHON=/path/to/python3"
        )
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    packages.install((package,), reason="Python's venv is missing.", say=_say)


def _run(command: list[str], *, what: str) -> None:
    # A personal `user = yes` for pip cannot work inside a virtual environment.
    done = quiet.run(command, lines=20, env={**os.environ, "PIP_USER": "0"})
    if done.code != 0:
        raise SetupFailed(f"{what} failed (exit {done.code}):\n{done.said}")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
