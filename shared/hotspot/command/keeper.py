"""Starting and stopping the keeper, the one process that all others are children of."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hotspot.command import leftovers, processes
from hotspot.command.errors import Unable
from hotspot.command.home import Home, locked
from hotspot.command.lifeline import DETACH
from hotspot.command.processes import Program
from hotspot.command.supervisor import Process, Supervisor, SupervisorIsAway

_TRIES = 3  # a process that ended this often while the system starts will not come up


class StartFailed(Unable):
    """The system does not come up; the text says what failed, with the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """The running keeper, seen from the command that started it."""

    home: Home
    process: subprocess.Popen[bytes]
    rope: int
    supervisor: Supervisor

    def let_go(self) -> None:
        """Leave it running when this command ends."""
        os.write(self.rope, DETACH)

    def stop(self) -> list[str]:
        """Stop everything; answers the names of what had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return _clean_up(self.home)

    def wait_for(
        self, what: str, is_ready: Callable[[list[Process]], bool], *, seconds: float = 60
    ) -> None:
        """Wait until it is so. Raises StartFailed when a process fails first, or time is up."""
        deadline = time.monotonic() + seconds
        starts: dict[str, set[int]] = {}
        while True:
            found = self._processes()
            if is_ready(found):
                return
            for process in found:
                starts.setdefault(process.name, set()).add(process.started)
                if _will_not_come(process, len(starts[process.name])):
                    raise StartFailed(_why(self.home, process.name, "ends at once"))
            if time.monotonic() > deadline:
                raise StartFailed(_waited(self.home, what, seconds, found))
            time.sleep(0.1)

    def _processes(self) -> list[Process]:
        try:
            return self.supervisor.processes()
        except SupervisorIsAway as error:
            if self.process.poll() is None:
                return []  # it has not begun to listen yet
            raise StartFailed(
                _why(self.home, "supervisord", "was stopped while the system started")
            ) from error


def start(home: Home, programs: Sequence[Program], *, environ: Mapping[str, str]) -> Keeper:
    """Start the keeper with these programs; those that start themselves begin at once.

    It ends when this process does, until `let_go`. It holds the home's lock for as long as it
    lives. Raises StartFailed where another keeper does.
    """
    with locked(lock_file(home)) as lock:
        if lock is None:
            raise StartFailed(f"{home.path} is in use by a system that runs")
        processes.write(home, programs)
        home.make_way_for_socket()
        _pid_file(home).unlink(missing_ok=True)  # a crash left it: now it is somebody else's
        ear, rope = os.pipe()
        with home.log_of("keeper").open("ab") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "hotspot.command.zygote"),
                    str(processes.configuration_file(home)),
                    str(processes.environments_file(home)),
                    str(ear),
                ],
                cwd=home.path,
                env={**environ, leftovers.MARK: str(home.path)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(ear, lock),
                start_new_session=True,  # Ctrl-C in the terminal is the command's to handle
            )
    os.close(ear)
    return Keeper(home=home, process=process, rope=rope, supervisor=Supervisor(home.socket))


def lock_file(home: Home) -> Path:
    """Whose lock is held for as long as a keeper lives."""
    return home.run / "keeper.lock"


def _pid_file(home: Home) -> Path:
    return home.run / "supervisord.pid"


def is_running(home: Home) -> bool:
    """Whether a keeper lives."""
    if not lock_file(home).exists():
        return False
    with locked(lock_file(home)) as lock:
        return lock is None


def stop(home: Home) -> list[str]:
    """Stop a keeper that another command started; answers the names of what had to be killed."""
    told = False
    while is_running(home):
        # Without a file, or with an empty one, it begins or ends right now.
        with suppress(FileNotFoundError, ValueError, ProcessLookupError):
            if not told:
                os.kill(int(_pid_file(home).read_text()), signal.SIGTERM)
                told = True
        time.sleep(0.05)
    return _clean_up(home)


def _clean_up(home: Home) -> list[str]:
    killed = leftovers.end(home)
    home.forget_socket()
    return killed


def tail(file: Path, lines: int = 15) -> str:
    """The end of a log."""
    try:
        text = file.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _will_not_come(process: Process, starts: int) -> bool:
    if process.state == "FATAL":
        return True
    if process.state not in ("BACKOFF", "EXITED"):
        return False
    if process.group == processes.SETUP:
        return process.status != 0
    # 2 says that a setting is missing: another try finds it missing again.
    return process.status == 2 or starts >= _TRIES


def _why(home: Home, name: str, what: str) -> str:
    log = home.log_of(name)
    return f"{name} {what}. The end of {log}:\n{tail(log)}"


def _waited(home: Home, what: str, seconds: float, found: list[Process]) -> str:
    late = [f"{process.name} is {process.state}" for process in found if process.state != "RUNNING"]
    reason = f"{what} is not ready after {seconds:.0f} s."
    return "\n".join([reason, *late, f"Logs: {home.logs}"])
