"""Where the state of a copy lives."""

import os
from pathlib import Path

import pytest

from hotspot.command.home import Home, HomeIsUnusable, locked


def test_the_state_is_in_the_checkout_unless_told_otherwise(tmp_path: Path) -> None:
    assert Home.of({}).path == Home.of({}).checkout / ".hotspot"
    assert Home.of({"HOTSPOT_HOME": str(tmp_path)}).path == tmp_path


def test_a_relative_home_counts_from_the_current_directory() -> None:
    assert Home.of({"HOTSPOT_HOME": "state"}).path == Path.cwd() / "state"


@pytest.mark.parametrize("given", ["/tmp/a ;b", "/tmp/a #b", "/tmp/a\nb", '/tmp/a"b'])
def test_a_home_that_supervisor_would_misread_is_refused(given: str) -> None:
    with pytest.raises(HomeIsUnusable, match="cannot be used"):
        Home.of({"HOTSPOT_HOME": given})


def test_a_home_that_cannot_be_made_is_said_to_be_unusable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(HomeIsUnusable, match="cannot be used"):
        Home.of({"HOTSPOT_HOME": str(tmp_path / "file" / "home")}).make()


def test_logs_and_run_files_are_the_owners_alone(tmp_path: Path) -> None:
    home = Home.of({"HOTSPOT_HOME": str(tmp_path / "home")})

    home.make()

    assert home.run.stat().st_mode & 0o077 == 0
    assert home.logs.stat().st_mode & 0o077 == 0


def test_the_socket_fits_into_a_socket_address_however_long_the_home_is(tmp_path: Path) -> None:
    home = Home.of({"HOTSPOT_HOME": str(tmp_path / ("x" * 60) / ("y" * 60))})

    assert len(os.fsencode(home.socket)) < 100
    home.make_way_for_socket()
    assert home.socket.parent.stat().st_mode & 0o077 == 0
    home.forget_socket()
    assert not home.socket.parent.exists()


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "lock"

    with locked(file) as first, locked(file) as second:
        assert first is not None
        assert second is None
    with locked(file) as third:
        assert third is not None


def test_a_lock_lives_on_in_a_descriptor_that_was_passed_on(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with locked(file) as lock:
        assert lock is not None
        inherited = os.dup(lock)

    with locked(file) as other:
        assert other is None

    os.close(inherited)
    with locked(file) as other:
        assert other is not None
