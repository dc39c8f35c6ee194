"""Old and new versions of messages side by side."""

import json
from dataclasses import replace
from typing import Any

import pytest

from hotspot.bus.envelope import Envelope, enclose
from hotspot.contract import table
from hotspot.contract.examples import FOLDER, example_of, recorded_versions
from hotspot.contract.message import (
    InvalidMessage,
    Message,
    NotKnownYet,
    brought_up,
    load,
    message,
)
from hotspot.contract.rows import Event, Job
from hotspot.testing.handling import NOON

RECORDED = [
    (row, version, payload)
    for row in table.MESSAGES
    for version, payload in recorded_versions(row.message).items()
]


def _in_two_words(payload: dict[str, Any]) -> dict[str, Any]:
    first, _, last = payload["name"].partition(" ")
    return {"first": first, "last": last}


def _with_a_greeting(payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"greeting": "Habari"}


@message("Greeted", version=3, reads={1: _in_two_words, 2: _with_a_greeting})
class Greeted(Message):
    """A message that was changed twice."""

    first: str
    last: str
    greeting: str


@message("Renamed", version=3, reads={2: _with_a_greeting})
class Renamed(Message):
    """A message whose first version nobody sends any more."""

    greeting: str


NEWEST = Greeted(first="Achieng", last="Otieno", greeting="Habari")


@pytest.mark.parametrize(
    ("row", "version", "payload"),
    RECORDED,
    ids=[f"{row.message.NAME}.v{version}" for row, version, _ in RECORDED],
)
def test_what_any_version_sent_is_opened_by_its_listener(
    row: Job | Event, version: int, payload: dict[str, Any]
) -> None:
    newer = payload | {"of_a_newer_sender": {"any": ["thing"]}}
    for sent in (payload, newer):
        opened = _envelope(row.message, version, sent).open()
        assert isinstance(opened, row.handled_as)


@pytest.mark.parametrize("row", table.MESSAGES, ids=lambda row: row.message.NAME)
def test_each_version_that_is_understood_was_recorded(row: Job | Event) -> None:
    understood = {*row.message.READS, row.message.VERSION}
    assert understood <= set(recorded_versions(row.message)), (
        "python -m hotspot.contract.examples records the current one; an old one is kept"
    )


def test_every_recorded_example_has_a_message() -> None:
    files = {f"{row.message.NAME}.v{version}.json" for row, version, _ in RECORDED}
    assert files == {path.name for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        (1, {"name": "Achieng Otieno"}),
        (2, {"first": "Achieng", "last": "Otieno"}),
        (3, {"first": "Achieng", "last": "Otieno", "greeting": "Habari"}),
    ],
)
def test_an_old_version_is_brought_up_step_by_step(version: int, payload: dict[str, Any]) -> None:
    assert load(Greeted, brought_up(Greeted, payload, version)) == NEWEST


def test_a_newer_version_is_not_known_yet() -> None:
    with pytest.raises(NotKnownYet, match="no version 4 here"):
        brought_up(Greeted, {}, 4)
    with pytest.raises(NotKnownYet):
        replace(_envelope(table.MESSAGES[0].message, 1, {}), name="InventedNextYear").open()


def test_a_version_of_long_ago_is_refused_with_words() -> None:
    with pytest.raises(InvalidMessage, match="no version 1 any more"):
        brought_up(Renamed, {}, 1)


@pytest.mark.parametrize("payload", [{}, {"name": 7}, ["name"], None])
def test_what_never_was_a_message_is_refused(payload: object) -> None:
    with pytest.raises(InvalidMessage):
        load(Greeted, brought_up(Greeted, payload, 1))


def test_versions_are_read_without_a_gap() -> None:
    with pytest.raises(ValueError, match="cannot come from"):
        message("Gap", version=3, reads={1: _in_two_words})


def _envelope(kind: type[Message], version: int, payload: object) -> Envelope:
    envelope = enclose(example_of(kind), sender="test", now=NOON)
    return replace(envelope, version=version, body=json.dumps(payload).encode())
