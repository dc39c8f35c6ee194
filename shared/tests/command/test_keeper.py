"""The keeper's promise: nothing that it started outlives it, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hotspot.command import keeper, leftovers
from hotspot.command.home import Home
from hotspot.command.keeper import Keeper, StartFailed
from hotspot.command.processes import Program
from hotspot.command.supervisor import Process
from hotspot.testing.brokers import wait_for


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(path=tmp_path, venv=Path(sys.prefix))
    made.make()
    return made


def program(name: str, *argv: str, stop_signal: str = "TERM") -> Program:
    return Program(
        name=name,
        group="general",
        argv=argv,
        environment={"PATH": os.environ["PATH"]},
        starts_itself=True,
        stop_signal=stop_signal,
    )


SLEEPERS = [program("sleeper", "sleep", "1000"), program("other", "sleep", "1000")]


@contextmanager
def started(home: Home, programs: list[Program]) -> Iterator[Keeper]:
    running = keeper.start(home, programs, environ=os.environ)
    try:
        yield running
    finally:
        running.stop()


def all_run(found: list[Process]) -> bool:
    return bool(found) and all(process.state == "RUNNING" for process in found)


def test_the_keeper_runs_what_it_is_told_and_stops_it(home: Home) -> None:
    with started(home, SLEEPERS) as running:
        running.wait_for("sleepers", all_run)
        assert keeper.is_running(home)
        assert len(leftovers.find(home)) == 3

    assert not keeper.is_running(home)
    assert leftovers.find(home) == []


def test_nothing_outlives_a_keeper_that_is_killed(home: Home) -> None:
    with started(home, SLEEPERS) as running:
        running.wait_for("sleepers", all_run)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()

        assert leftovers.end(home) == []
        assert leftovers.find(home) == []


def test_the_keeper_ends_when_its_command_dies_before_it_let_go(home: Home) -> None:
    with started(home, SLEEPERS) as running:
        running.wait_for("sleepers", all_run)

        os.close(os.dup(running.rope))
        assert running.process.poll() is None
        os.close(running.rope)

        assert running.process.wait(timeout=20) == 0
        assert leftovers.find(home) == []


def test_a_keeper_that_was_let_go_stays_until_it_is_stopped(home: Home) -> None:
    with started(home, SLEEPERS) as running:
        running.wait_for("sleepers", all_run)
        running.let_go()
        os.close(running.rope)
        running.wait_for("sleepers", all_run)

        assert keeper.stop(home) == []
        assert not keeper.is_running(home)


def test_a_home_has_one_keeper(home: Home) -> None:
    with started(home, SLEEPERS) as running:
        running.wait_for("sleepers", all_run)
        with pytest.raises(StartFailed, match="in use"):
            keeper.start(home, SLEEPERS, environ=os.environ)
        running.wait_for("sleepers", all_run)


def test_a_program_that_does_not_come_up_is_said_with_the_end_of_its_log(home: Home) -> None:
    broken = program("broken", "sh", "-c", "echo no such setting; exit 1")

    with (
        started(home, [broken]) as running,
        pytest.raises(StartFailed, match=r"broken ends at once(.|\n)*no such setting"),
    ):
        running.wait_for("broken", all_run)


def test_what_left_the_family_is_found_by_its_mark_and_killed(home: Home) -> None:
    stray = subprocess.Popen(
        ["sleep", "1000"],
        env={leftovers.MARK: str(home.path), "PATH": os.environ["PATH"]},
        start_new_session=True,
    )
    wait_for(lambda: leftovers.find(home))  # it has begun before its environment can be read

    killed = leftovers.end(home, patience=0)

    assert killed == [f"sleep ({stray.pid})"]
    assert stray.wait() == -signal.SIGKILL
