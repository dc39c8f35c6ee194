"""The OpenAPI document of the whole door: what services say of themselves, through the table.

What is not in the table is not in the document, and what the gateway itself does to a request
(roles, limits, a service that does not answer) is said of each row.
"""

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import structlog
from flask import Flask

from gateway.door import ANYONE, ROUTES, VIEWER, Route
from gateway.forwarding import LIMITED
from gateway.services import Call, ServiceFailed, Services, of_each
from hotspot.web.openapi import (
    BINARY,
    METHODS,
    REFUSALS,
    SECURITY,
    TEXT,
    Json,
    document_of,
    operations,
    prune,
    response_for,
)

log = structlog.get_logger()

PATH = "/openapi.json"
# A service is asked again after this long, for it may be another version by now.
FRESH_FOR_SECONDS = 60.0
ASKED_AGAIN_AFTER_SECONDS = 5.0
ABOUT = """Guests need no account: an answer has the token that shows how it goes on.
Operators log in for an access token, programs send an API key.

Orders are answered with 202 and carried out by workers; `GET /api/v1/trace/{id}` tells how.
Money is in cents, times are UTC, lists go on at `?cursor=` with their `next`."""
API_KEY = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "For programs: see POST /api/v1/api-keys. Has no meaning beside a token.",
}
_VARIABLE = re.compile(r"<(?:(\w+):)?(\w+)>")
_BRACES = re.compile(r"\{(\w+)\}")
_REF = "#/components/schemas/"
_SHARED = ("Problem",)


class Documents:
    """The services' documents, as they were told last: also of a service that is down now."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._known: dict[str, Json] = {}
        self._asked_at = -FRESH_FOR_SECONDS

    def all(self, headers: Mapping[str, str]) -> Mapping[str, Json]:
        """By service. Those that were never heard of are left out."""
        with self._lock:
            since = time.monotonic() - self._asked_at
            is_old = since >= FRESH_FOR_SECONDS
            missing = len(self._known) < len(self._services.urls)
            if is_old or (missing and since >= ASKED_AGAIN_AFTER_SECONDS):
                told = of_each(self._services, lambda name: self._ask(name, headers))
                self._known |= {name: one for name, one in told.items() if one is not None}
                self._asked_at = time.monotonic()
            return dict(self._known)

    def _ask(self, name: str, headers: Mapping[str, str]) -> Json | None:
        try:
            answer = self._services.ask(name, Call(method="GET", target=PATH, headers=headers))
            document = json.loads(answer.body)
        except (ServiceFailed, ValueError):
            return None
        is_usable = answer.status == 200 and isinstance(document, dict) and "paths" in document
        if not is_usable:
            log.warning("service has no document", to=name, status=answer.status)
        return document if is_usable else None


def whole(app: Flask, others: Mapping[str, Json]) -> Json:
    """The document of the door. `others`: the documents of the services, by name."""
    said = {name: _Said(name, document) for name, document in others.items()}
    own = document_of(app)
    paths: Json = {}
    schemas: Json = deepcopy(own["components"]["schemas"])
    for one in said.values():
        schemas |= one.schemas
    for row in ROUTES:
        path = _VARIABLE.sub(r"{\2}", row.path)
        source = said.get(row.service.name) if row.is_passed_on else _Said("", own)
        operation = source.operation(row) if source else None
        paths.setdefault(path, {})[row.method.lower()] = _at_the_door(
            row, operation or _unknown(row)
        )
    document = {
        "openapi": own["openapi"],
        "info": {**own["info"], "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in _tags(paths)],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {**SECURITY, "apiKey": API_KEY}},
    }
    prune(document)
    return document


class _Said:
    """What one service says of itself, its schemas named after it: names repeat between them."""

    def __init__(self, service: str, document: Mapping[str, Any]) -> None:
        self._prefix = f"{service}." if service else ""
        self.schemas = {
            self._named(name): self._renamed(schema)
            for name, schema in document.get("components", {}).get("schemas", {}).items()
        }
        self._by_shape = {
            (method, _BRACES.sub("{}", path)): (path, document["paths"][path], operation)
            for path, method, operation in operations(document)
        }

    def operation(self, row: Route) -> Json | None:
        """What is said of a row, with the path's variables named as in the table."""
        shape = _VARIABLE.sub("{}", row.path)
        found = self._by_shape.get((row.method.lower(), shape))
        if found is None:
            return None
        path, item, said = found
        ours = dict(zip(_BRACES.findall(path), (name for _, name in _variables(row)), strict=True))
        operation: Json = self._renamed(said)
        parameters = [*self._renamed(item.get("parameters", [])), *operation.get("parameters", [])]
        if parameters:
            operation["parameters"] = [
                {**one, "name": ours[one["name"]]} if one.get("in") == "path" else one
                for one in parameters
            ]
        return operation

    def _named(self, name: str) -> str:
        return name if name in _SHARED else f"{self._prefix}{name}"

    def _renamed(self, node: Any) -> Any:
        if isinstance(node, Mapping):
            return {
                key: _REF + self._named(str(value).removeprefix(_REF))
                if key == "$ref"
                else self._renamed(value)
                for key, value in node.items()
            }
        if isinstance(node, Sequence) and not isinstance(node, str):
            return [self._renamed(one) for one in node]
        return node


def _tags(paths: Json) -> list[str]:
    """What routes are about, in the order of the table."""
    told = (operation.get("tags", ()) for _, _, operation in operations({"paths": paths}))
    return list(dict.fromkeys(tag for tags in told for tag in tags))


def _at_the_door(row: Route, operation: Json) -> Json:
    """Add to what a service says what the gateway does."""
    refused = set[int]()
    if row.is_passed_on:
        refused |= {502, 503, 504}
    if row.who != ANYONE:
        operation["security"] = [{"bearer": []}, {"apiKey": []}]
        operation["x-role"] = row.who
        said = (operation.get("description", ""), f"Needs the role `{row.who}`.")
        operation["description"] = "\n\n".join(one for one in said if one)
        refused |= {401} if row.who == VIEWER else {401, 403}
    elif {"bearer": []} in operation.get("security", ()):
        operation["security"] = [*operation["security"], {"apiKey": []}]
    if (row.method, row.path) in LIMITED:
        refused.add(429)
    if "requestBody" in operation:
        refused.add(413)
    for status in refused & set(REFUSALS):
        operation["responses"].setdefault(str(status), response_for(status))
    operation["responses"] = dict(sorted(operation["responses"].items()))
    return operation


def _unknown(row: Route) -> Json:
    """All that the table knows of a row whose service never said more."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _KINDS[kind]}
        for kind, name in _variables(row)
    ]
    status = "200" if row.method == "GET" else "202"
    kind, schema = _content_of(row)
    return {
        "tags": [row.service.name],
        "summary": f"Answered by {row.service.name}-service, which does not say more just now.",
        **({"parameters": parameters} if parameters else {}),
        "responses": {
            status: {"description": "Answered", "content": {kind: {"schema": schema}}},
            "default": {"description": "A problem", "content": response_for(503)["content"]},
        },
    }


def _variables(row: Route) -> Iterator[tuple[str, str]]:
    """Kind and name of each variable of a row's path."""
    yield from _VARIABLE.findall(row.path)


def _content_of(row: Route) -> tuple[str, Json]:
    for ending, (kind, schema) in _FILES.items():
        if row.path.endswith(ending):
            return kind, schema
    return ("text/event-stream", TEXT) if row.streams else ("application/json", {})


_FILES: Mapping[str, tuple[str, Json]] = {
    ".pdf": ("application/pdf", BINARY),
    ".csv": ("text/csv", TEXT),
    ".conf": ("text/plain", TEXT),
}
_KINDS: Mapping[str, Json] = {
    "": TEXT,
    "int": {"type": "integer"},
    "uuid": {"type": "string", "format": "uuid"},
}
assert set(METHODS) >= {row.method.lower() for row in ROUTES}
