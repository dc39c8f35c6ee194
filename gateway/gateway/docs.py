"""The API as people and programs read it: /api/docs and /api/v1/openapi.json."""

import json
from importlib.resources import files
from importlib.resources.abc import Traversable

from flask import Flask, Response, current_app
from flask_smorest import Blueprint

from gateway.forwarding import headers_of_gateway
from gateway.openapi import Documents, whole
from gateway.services import Services
from hotspot.web.openapi import TEXT
from hotspot.web.problem import Problem

# Swagger UI sets styles on elements by script, which a policy allows, and draws with data: images.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_OURS = {"docs.css": "text/css", "docs.js": "text/javascript"}
_SWAGGER_UI = {
    "favicon-32x32.png": "image/png",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_A_DAY = "public, max-age=86400"


def docs_blueprint(services: Services) -> Blueprint:
    """Nothing on these pages comes from another host."""
    blueprint = Blueprint("docs", __name__, url_prefix="/api")
    documents = Documents(services)

    @blueprint.get("/v1/openapi.json")
    @blueprint.response(200, {"type": "object"})
    def openapi() -> Response:
        """This document: all that the gateway answers, as the services describe it."""
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        document = whole(app, documents.all(headers_of_gateway()))
        # In the order of the table, which `jsonify` would not keep.
        return Response(json.dumps(document), content_type="application/json")

    @blueprint.get("/docs")
    @blueprint.response(200, TEXT, content_type="text/html")
    def docs() -> Response:
        """The API, to read and to try out."""
        page = (_folder() / "docs.html").read_bytes()
        response = Response(page, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    @blueprint.get("/docs/<name>")
    @blueprint.response(200, TEXT, content_type="text/javascript")
    @blueprint.alt_response(200, schema=TEXT, content_type="text/css")
    @blueprint.alt_response(200, schema=TEXT, content_type="image/png")
    def docs_file(name: str) -> Response:
        """What that page is made of."""
        if name in _OURS:
            found, kind = _folder() / name, _OURS[name]
        elif name in _SWAGGER_UI:
            found, kind = files("flask_swagger_ui") / "dist" / name, _SWAGGER_UI[name]
        else:
            raise Problem(404, "not-found", "There is no such file.")
        response = Response(found.read_bytes(), content_type=kind)
        response.headers["Cache-Control"] = _A_DAY
        return response

    return blueprint


def _folder() -> Traversable:
    return files("gateway") / "static" / "docs"
