"""What a service says of itself in OpenAPI 3.1: who may ask, every answer, and an example of each.

flask-smorest describes bodies and queries from their schemas. What all routes have in common is
added here from what the routes are marked with, so that no route has to repeat it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, jsonify
from flask_smorest import Api

from hotspot.web.examples import example_of
from hotspot.web.pages import CURSOR, LIMIT

F = TypeVar("F", bound=Callable[..., Any])
Json = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = "application/problem+json"
TEXT = {"type": "string"}
BINARY = {"type": "string", "format": "binary"}
_END = r"\Z"
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_TIME = re.compile(r"(?:.*_at|until|since|at|as_of|.*_until|.*_since)\Z")

SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An operator's access token: see POST /api/v1/auth/token of the gateway.",
    },
    "claim": {
        "type": "http",
        "scheme": "bearer",
        "description": "The `claim_token` that the answer to a payment, claim or voucher has.",
    },
}
REFUSALS: Mapping[int, tuple[str, str, str]] = {
    400: ("bad-request", "Bad Request", "The body cannot be read."),
    401: ("unauthorized", "Unauthorized", "Send `Authorization: Bearer <token>`."),
    403: ("forbidden", "Forbidden", "This needs the role operator; yours is viewer."),
    404: ("not-found", "Not found", "There is none of this id."),
    409: ("conflict", "Conflict", "This cannot be done as things stand."),
    413: ("request-entity-too-large", "Request Entity Too Large", "The body is too large."),
    415: ("unsupported-media-type", "Unsupported Media Type", "Send JSON."),
    422: ("invalid-request", "Invalid request", "Correct these fields: limit."),
    429: ("too-many-requests", "Too many requests", "Try again in 20 s."),
    502: ("bad-answer", "Bad answer", "The service broke off its answer."),
    503: ("database-away", "Database away", "The database does not answer: try again in a moment."),
    504: ("service-too-slow", "Service too slow", "The service did not answer in time."),
}
_HAVE_RETRY_AFTER = (429, 503)
_PROBLEM_SCHEMA: Json = {
    "type": "object",
    "description": "What went wrong and what to do (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "object",
            "description": "what is wrong with each field",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["type", "title", "status", "detail"],
}


def raw_body(kind: str, *, said: str, example: Any) -> Json:
    """The request body of a view that reads it by itself, for `blueprint.doc(requestBody=...)`."""
    schema = {} if kind == "application/json" else TEXT
    return {
        "required": True,
        "description": said,
        "content": {kind: {"schema": schema, "example": example}},
    }


def refuses(said: Mapping[int, str]) -> Callable[[F], F]:
    """Mark a view with the statuses by which it refuses, and why.

    Not named here: what follows from the route itself (401 and 403 from its role, 404 from a
    variable in its path, 400, 413 and 422 from its body or query, 503 of all).
    """

    def mark(view: F) -> F:
        view.refuses = {**getattr(view, "refuses", {}), **said}  # type: ignore[attr-defined]
        return view

    return mark


def add_openapi_route(app: Flask) -> None:
    """Serve the document at /openapi.json."""

    def openapi() -> Response:
        return jsonify(document_of(current_app))

    app.add_url_rule("/openapi.json", "openapi_of_service", openapi, methods=["GET"])


def document_of(app: Flask) -> Json:
    """The whole document of a finished app. Made once, and not to be changed."""
    known: Json | None = app.extensions.get("openapi")
    if known is None:
        known = app.extensions["openapi"] = _describe(app)
    return known


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Json]]:
    """Path, method and operation of each route."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def response_for(status: int, said: str | None = None) -> Json:
    """A refusal as a response object."""
    kind, title, detail = REFUSALS[status]
    example: Json = {
        "type": f"urn:hotspot:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if status == 422:
        example["errors"] = {"limit": ["must be a number from 1 to 200"]}
    response: Json = {
        "description": said or detail,
        "content": {
            PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        },
    }
    if status in _HAVE_RETRY_AFTER:
        seconds = {"type": "string", "pattern": "^[0-9]+$"}
        response["headers"] = {"Retry-After": {"description": "in seconds", "schema": seconds}}
    return response


def prune(document: Json) -> None:
    """Drop the components that nothing refers to."""
    schemas = document["components"]["schemas"]
    wanted, new = set[str](), set(_refs(document["paths"]))
    while new:
        wanted |= new
        new = {ref for name in new for ref in _refs(schemas[name])} - wanted
    document["components"]["schemas"] = {
        name: schema for name, schema in schemas.items() if name in wanted
    }


def _describe(app: Flask) -> Json:
    api = cast(Api, app.extensions["api"])
    document = deepcopy(cast(Json, api.spec.to_dict()))
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_SCHEMA
    components.pop("responses", None)
    components["securitySchemes"] = SECURITY
    document["info"]["license"] = {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"}
    _name_times(schemas)
    _write_patterns_anew(document)
    paths = document.setdefault("paths", {})
    for rule in app.url_map.iter_rules():
        item = paths.get(_VARIABLE.sub(r"{\1}", rule.rule), {})
        for variable in item.get("parameters", ()):
            variable["example"] = example_of(variable["schema"], schemas, variable["name"])
        for method in (rule.methods or set()) & {name.upper() for name in METHODS}:
            if method.lower() in item:
                view = app.view_functions[rule.endpoint]
                _complete(item[method.lower()], view, schemas, has_variables=bool(rule.arguments))
    prune(document)
    return document


def _complete(
    operation: Json, view: Callable[..., Any], schemas: Json, *, has_variables: bool
) -> None:
    """Add to one operation what its view is marked with, and what follows from that."""
    responses = operation.setdefault("responses", {})
    for general in ("default", "422"):
        responses.pop(general, None)
    if getattr(view, "is_paged", False):
        operation.setdefault("parameters", []).extend((LIMIT, CURSOR))
    if role := getattr(view, "needs_role", None):
        operation["security"] = [{"bearer": []}]
        operation["x-role"] = role
    refused: dict[int, str | None] = dict.fromkeys(_follows(operation, has_variables))
    refused |= getattr(view, "refuses", {})
    for status in sorted(refused):
        responses.setdefault(str(status), response_for(status, refused[status]))
    body = operation.get("requestBody", {}).get("content", {})
    for kind, media in body.items():
        if kind == "application/json":
            _close(media.get("schema", {}), schemas)
    _show(body.values(), schemas)
    for status, response in responses.items():
        if str(status).startswith("2"):
            _show(response.get("content", {}).values(), schemas)


def _follows(operation: Mapping[str, Any], has_variables: bool) -> Iterator[int]:
    """The refusals that follow from what an operation takes."""
    yield 503
    if operation.get("security"):
        yield 401
    if operation.get("x-role", "viewer") != "viewer":
        yield 403
    if has_variables:
        yield 404
    if "requestBody" in operation:
        yield from (400, 413)
    if "requestBody" in operation or operation.get("parameters"):
        yield 422


def _show(medias: Any, schemas: Mapping[str, Any]) -> None:
    """Put an example beside each body that has a schema."""
    for media in medias:
        if "example" not in media and "examples" not in media and "schema" in media:
            media["example"] = example_of(media["schema"], schemas)


def _close(schema: Json, schemas: Json) -> None:
    """Say of a request's body that nothing else may be in it: marshmallow refuses that."""
    for name in list(_refs(schema)):
        inner = schemas[name]
        if inner.get("type") == "object" and "additionalProperties" not in inner:
            inner["additionalProperties"] = False
            _close(inner, schemas)


def _name_times(schemas: Mapping[str, Any]) -> None:
    """Say which texts are times: schemas have them as texts that are written already."""
    for schema in schemas.values():
        for name, spec in schema.get("properties", {}).items():
            kinds = spec.get("type", ())
            is_text = kinds == "string" or "string" in kinds
            if is_text and _TIME.match(name) and not {"format", "example"} & set(spec):
                spec["format"] = "date-time"


def _write_patterns_anew(node: Any) -> None:
    """JSON Schema's patterns are JavaScript's, which searches, and knows no `\\Z`."""
    if isinstance(node, dict):
        pattern = node.get("pattern")
        if isinstance(pattern, str) and pattern.endswith(_END):
            node["pattern"] = f"^(?:{pattern.removesuffix(_END)})$"
        for below in node.values():
            _write_patterns_anew(below)
    elif isinstance(node, list):
        for below in node:
            _write_patterns_anew(below)


def _refs(node: Any) -> Iterator[str]:
    """The schemas that something refers to."""
    if isinstance(node, Mapping):
        ref = node.get("$ref")
        if isinstance(ref, str):
            yield ref.removeprefix("#/components/schemas/")
        for below in node.values():
            yield from _refs(below)
    elif isinstance(node, list | tuple):
        for below in node:
            yield from _refs(below)
