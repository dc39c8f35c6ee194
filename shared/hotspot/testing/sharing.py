"""How several pytests share the tests: one takes a file at a time, as pytest-xdist deals them out.

What asks the running system stays together, so that one of them starts it; it comes first, for it
takes longest and mostly waits. In a single pytest nothing of this happens.
"""

import re
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

_CHECKOUT = Path(__file__).parents[3]
_SYSTEM = "the running system"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RENDERED = "tests/kubernetes/"  # what kubectl makes of k8s/ is shared by all files there


class Dealer(LoadFileScheduling):  # type: ignore[misc]
    """Deals out files, and all of those that ask the running system as one."""

    def _split_scope(self, nodeid: str) -> str:
        return dealt_with(nodeid.split("::", 1)[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Dealer:
    """Have them dealt out so."""
    return Dealer(config, log)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test alike in all pytests, also where its parameter is an id made anew in each."""
    return _UUID.sub("uuid", val) if isinstance(val, str) and _UUID.search(val) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what asks the running system first: they are dealt out in this order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: dealt_with(item.nodeid.split("::", 1)[0]) != _SYSTEM)


@cache
def dealt_with(file: str) -> str:
    """What a file (from the checkout) is dealt out with: those that share with it, or itself."""
    if file.startswith(_RENDERED):
        return _RENDERED
    text = (_CHECKOUT / file).read_text()
    return _SYSTEM if re.search(r"\bsystem: System\b", text) else file
