"""One running system for all tests of the whole."""

from collections.abc import Iterator

import pytest

from .system import System, started


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """Everything, started by the command with the simulators, on ports of its own."""
    with started() as running:
        yield running
