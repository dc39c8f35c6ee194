"""The keeper: supervisor in a process that has everything imported, and forks services off itself.

Twenty-five processes that each import SQLAlchemy, Flask and gevent take 50 MB and 1 s of a
processor each: more memory than this system promises, and 12 s of its start. So the keeper imports
those once, freezes them out of the garbage collector's sight (which else would write to, and so
copy, every page), and where supervisor would `exec` Python on `hotspot.serve`, the child that
supervisor has forked already goes on as that service instead. The pages stay shared.

`HOTSPOT_PLAIN_EXEC=1` runs each service by exec instead, should a library dislike forks.

Three ropes tie the system together, so that no death leaves a process behind:
- each child asks the kernel to be killed when the keeper dies (PR_SET_PDEATHSIG);
- the keeper stops all when the command that started it dies before it said `detach`;
- `Leftovers` finds what still carries this home's mark, for `down` and the next start.
"""

import ctypes
import gc
import importlib
import json
import logging
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from supervisor.medusa import asyncore_25
from supervisor.options import ServerOptions
from supervisor.poller import Poller
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

from hotspot.command.leftovers import MARK
from hotspot.command.lifeline import DETACH, die_with

_PR_SET_NAME = 15

_SERVE = ["-P", "-m", "hotspot.serve"]

_libc = ctypes.CDLL(None, use_errno=True)


class _BriskPoller(Poller):  # type: ignore[misc]
    """supervisor's poll, which would sleep for a second after each group that it has stopped."""

    def poll(self, timeout: float) -> tuple[list[int], list[int]]:
        stopping = self.options.mood < SupervisorStates.RUNNING
        found: tuple[list[int], list[int]] = super().poll(0.05 if stopping else timeout)
        return found


class KeeperOptions(ServerOptions):  # type: ignore[misc]
    """supervisor's options, with fork in the place of exec and an ear on the command's rope."""

    def __init__(self, *, environments: Path, rope: int) -> None:
        super().__init__()
        self._programs = json.loads(environments.read_text())
        self._rope: int | None = rope
        self._keeper = os.getpid()
        self._is_cold = False
        self.poller = _BriskPoller(self)

    def execve(self, filename: str, argv: list[str], env: Mapping[str, str]) -> None:
        """Become the program. Called by supervisor in the child that it has forked."""
        name = env["SUPERVISOR_PROCESS_NAME"]
        program = self._programs[name]
        die_with(self._keeper, signal.Signals(program["death_signal"]))
        environment = {**program["environment"], MARK: os.environ[MARK]}
        forget_signals()
        if argv[1:4] == _SERVE and _may_fork():
            become_service(name, argv[4:], environment)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it; C programs rely on it
        os.execve(filename, argv, environment)  # noqa: S606

    def preload(self) -> None:
        """Import what services need, where there are services that are forked off this process."""
        programs = [item for group in self.process_group_configs for item in group.process_configs]
        if _may_fork() and any(shlex.split(item.command)[1:4] == _SERVE for item in programs):
            importlib.import_module("hotspot.preload")
            freeze()
            self._is_cold = True

    def fork(self) -> int:
        """Fork; the first service of all finds the database up, and this process warm."""
        if self._is_cold:
            self._is_cold = not warm_up(self._programs["gateway-web"]["environment"])
        pid: int = super().fork()
        return pid

    def get_signal(self) -> int | None:
        """The next signal for supervisor, where a broken rope counts as SIGTERM."""
        found: int | None = super().get_signal()
        if found is None and self._rope_is_broken():
            return signal.SIGTERM
        return found

    def _rope_is_broken(self) -> bool:
        if self._rope is None:
            return False
        try:
            said = os.read(self._rope, len(DETACH))
        except BlockingIOError:
            return False
        os.close(self._rope)
        self._rope = None
        return said != DETACH


class Keeper(Supervisor):  # type: ignore[misc]
    """supervisor, which imports the heavy libraries once its first programs are on their way."""

    _has_begun = False

    def tick(self, now: float | None = None) -> None:
        """Supervisor's clock; the first tick comes right after RabbitMQ and PostgreSQL began."""
        if not self._has_begun:
            self._has_begun = True
            self.options.preload()
        super().tick(now)


def _may_fork() -> bool:
    return not os.environ.get("HOTSPOT_PLAIN_EXEC")


def warm_up(environment: Mapping[str, str]) -> bool:
    """Ask a database something once, and answer whether that worked.

    What a first connection initialises, every child would else write, and so copy: 4 MB each.
    """
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    from hotspot.bus.database import connect

    engine = connect(environment["DATABASE_URL"])
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    finally:
        engine.dispose()
    freeze()
    return True


def freeze() -> None:
    """Keep the garbage collector from ever touching what is in memory now."""
    gc.collect()
    gc.freeze()


def become_service(name: str, arguments: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Go on as `python -m hotspot.serve`; ends the process with its exit status.

    supervisor's frames stay below on the stack: nothing of it is freed, so no object of its own
    can close a descriptor number that a socket of the service has by then.
    """
    status = 1
    try:
        _rename(name)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["hotspot.serve", *arguments]
        _fresh_streams()
        logging.getLogger().handlers.clear()
        gc.enable()
        from hotspot.serve import main

        status = main(arguments)
    except SystemExit as error:
        status = _status_of(error)
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def _status_of(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)
    return 1


def forget_signals() -> None:
    """Give the signals back their defaults: supervisor's handlers would swallow SIGTERM."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())


def _rename(name: str) -> None:
    """Name the process for `ps` and `top`, which see 15 characters."""
    _libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def _fresh_streams() -> None:
    """Standard streams on the descriptors that supervisor put in place, with nothing buffered."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )


def main(arguments: list[str]) -> None:
    """`python -m hotspot.command.zygote CONFIGURATION ENVIRONMENTS ROPE`: run until stopped."""
    configuration, environments, rope = arguments
    os.set_blocking(int(rope), False)
    options = KeeperOptions(environments=Path(environments), rope=int(rope))
    options.realize(["-n", "-c", configuration], doc=__doc__, progname="hotspot")
    options.first = True
    options.test = False
    try:
        Keeper(options).main()
    except asyncore_25.ExitNow:
        pass
    finally:
        options.close_httpservers()
        options.close_logger()


if __name__ == "__main__":
    main(sys.argv[1:])
