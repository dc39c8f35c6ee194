"""The OpenAPI document of the whole door: what is answered here, and what is passed on."""

import re
from typing import Any, cast

from flask import Flask, Response, jsonify
from flask_smorest import Api

from gateway.door import ANYONE, ROUTES, Route

_VARIABLE = re.compile(r"<(?:uuid:)?(\w+)>")


def add_openapi_route(app: Flask) -> None:
    """Serve the document for clients of the gateway."""

    def openapi() -> Response:
        return jsonify(document(app))

    app.add_url_rule("/api/v1/openapi.json", "openapi", openapi, methods=["GET"])


def document(app: Flask) -> dict[str, Any]:
    """Our own routes as they describe themselves, and a row of the table for each other one."""
    whole = cast(dict[str, Any], cast(Api, app.extensions["api"]).spec.to_dict())
    schemes = whole.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["bearer"] = {"type": "http", "scheme": "bearer"}
    paths = whole.setdefault("paths", {})
    for row in ROUTES:
        operations = paths.setdefault(_VARIABLE.sub(r"{\1}", row.path), {})
        operation = operations.setdefault(row.method.lower(), _passed_on(row))
        if row.who != ANYONE:
            operation["security"] = [{"bearer": []}]
            operation["x-role"] = row.who
    return whole


def _passed_on(row: Route) -> dict[str, Any]:
    content = "text/event-stream" if row.streams else "application/json"
    status = "200" if row.method == "GET" else "202"
    problem = {"description": "Problem", "content": {"application/problem+json": {}}}
    return {
        "tags": [row.service.name],
        "summary": f"Answered by {row.service.name}-service; see its own openapi.json.",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": _UUID}
            for name in _VARIABLE.findall(row.path)
        ],
        "responses": {
            status: {"description": "Answered", "content": {content: {}}},
            "default": problem,
        },
    }


_UUID = {"type": "string", "format": "uuid"}
