"""What ships for Kubernetes, rendered once for all tests."""

import pytest

from .world import USUAL, Whole, rendered


@pytest.fixture(scope="session")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Whole]:
    """Every variant of what is applied, by its name."""
    # Below the checkout's own file system or not: kustomize only wants a relative way.
    return rendered(tmp_path_factory.mktemp("options").resolve())


@pytest.fixture
def usual(wholes: dict[str, Whole]) -> Whole:
    """The overlay for production, to plant faults in."""
    return wholes[USUAL].copied()
