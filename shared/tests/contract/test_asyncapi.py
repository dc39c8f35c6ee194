"""`docs/asyncapi.yaml` is made from the table, valid, and says what is really sent."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from hotspot.contract import table
from hotspot.contract.asyncapi import asyncapi, asyncapi_yaml
from hotspot.contract.examples import recorded
from hotspot.contract.topology import topology

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi()


def test_the_document_is_made_from_the_table(document: dict[str, Any]) -> None:
    text = (ROOT / "docs/asyncapi.yaml").read_text()
    assert text == asyncapi_yaml()
    assert yaml.safe_load(text) == document


def test_the_document_has_the_structure_of_asyncapi_3(document: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names of its own
        from asyncapi3 import AsyncAPI3
    AsyncAPI3.model_validate(document)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for ref in _refs(document):
        found: Any = document
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_every_message_is_sent_and_taken_by_who_the_table_says(document: dict[str, Any]) -> None:
    operations = document["operations"]
    sent = [name for name, one in operations.items() if one["action"] == "send"]
    assert sent == [f"send-{row.message.NAME}" for row in table.MESSAGES]
    taken = len(operations) - len(sent)
    assert taken == sum(len(row.lands_in) for row in table.MESSAGES)
    addresses = {one["address"] for one in document["channels"].values()}
    assert addresses >= {queue.name for queue in table.QUEUES}
    exchanges = {exchange.name for exchange in topology().exchanges}
    told = (one["bindings"]["amqp"].get("exchange") for one in document["channels"].values())
    assert {one["name"] for one in told if one} <= exchanges


def test_what_is_really_sent_fits_its_schema(document: dict[str, Any]) -> None:
    for row in table.MESSAGES:
        payload = document["components"]["messages"][row.message.NAME]["payload"]
        schema = {
            **payload,
            "$schema": "http://json-schema.org/draft-07/schema#",
            "components": {"schemas": document["components"]["schemas"]},
        }
        jsonschema_rs.Draft7Validator(schema, validate_formats=True).validate(recorded(row.message))


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for below in node.values():
            yield from _refs(below)
    elif isinstance(node, list):
        for below in node:
            yield from _refs(below)
