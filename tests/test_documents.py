"""The API as it is described: by all services together, with examples that are true."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.door import ROUTES
from hotspot.web.openapi import operations

from .system import System

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def document(system: System) -> dict[str, Any]:
    answer = system.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_the_document_is_valid_and_every_service_says_what_its_routes_do(
    document: dict[str, Any],
) -> None:
    OpenAPIV31SpecValidator(document).validate()
    told = {(method.upper(), path): one for path, method, one in operations(document)}
    assert len(told) == len(ROUTES)
    unsaid = [place for place, one in told.items() if "does not say more" in one["summary"]]
    assert unsaid == []
    for place, one in told.items():
        assert re.search(r"\w{3}", one["summary"]), place
        assert {"401"} <= set(one["responses"]) or not one.get("security"), place


def test_every_body_has_an_example_that_fits_its_description(document: dict[str, Any]) -> None:
    wrong = []
    for place, media in _bodies(document):
        if "example" not in media:
            wrong.append(f"{place} has no example")
            continue
        schema = {**media["schema"], "components": document["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        wrong += [f"{place}: {error}" for error in validator.iter_errors(media["example"])]
    assert wrong == []


def test_refusals_are_problems(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if not status.startswith("2"):
                assert set(answer["content"]) == {"application/problem+json"}, (path, method)


def test_an_api_key_opens_every_service_until_it_is_revoked(system: System) -> None:
    account = ("--email", "keys@example.com", "--role", "owner", "--password", PASSWORD)
    system.command("operator", "add", *account)
    login = {"email": "keys@example.com", "password": PASSWORD}
    token = system.post("/api/v1/auth/token", json=login).json()["access_token"]
    owner, body = {"Authorization": f"Bearer {token}"}, {"name": "books", "role": "viewer"}
    made = system.post("/api/v1/api-keys", json=body, headers=owner)
    assert made.status_code == 201
    key = {"X-API-Key": made.json()["key"]}
    places = ("payments", "users", "sessions", "routers", "messages", "schedules", "queues")
    assert {system.get(f"/api/v1/{one}", headers=key).status_code for one in places} == {200}
    assert system.get("/api/v1/statements", headers=key).status_code == 403
    place = f"{system.gateway}{made.headers['Location']}"
    assert requests.delete(place, headers=owner, timeout=10).status_code == 204
    assert {system.get(f"/api/v1/{one}", headers=key).status_code for one in places} == {401}


def _bodies(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, method, operation in operations(document):
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for name, body in bodies.items():
            for kind, media in body.get("content", {}).items():
                if "schema" in media and kind.endswith("json"):
                    yield f"{method} {path} {name}", media
