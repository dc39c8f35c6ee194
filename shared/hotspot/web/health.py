"""Health and metrics of a web process."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, jsonify
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from hotspot.bus.database import answers


def health_blueprint() -> Blueprint:
    """/health/live, /health/ready and /metrics."""
    blueprint = Blueprint("health", __name__)
    is_live = blueprint.response(200, LiveSchema)(live)
    is_ready = blueprint.response(200, LiveSchema)(ready)
    is_ready = blueprint.alt_response(503, schema=NotReadySchema)(is_ready)
    measured = blueprint.response(200, {"type": "string"}, content_type="text/plain")(metrics)
    blueprint.add_url_rule("/health/live", view_func=is_live)
    blueprint.add_url_rule("/health/ready", view_func=is_ready)
    blueprint.add_url_rule("/metrics", view_func=measured)
    return blueprint


class LiveSchema(Schema):
    """In words, how it is."""

    status = fields.String(required=True, metadata={"example": "ready"})


class NotReadySchema(LiveSchema):
    """What is missing."""

    missing = fields.List(fields.String(metadata={"example": "broker"}), required=True)


def live() -> Response:
    """The process answers."""
    return jsonify(status="live")


def ready() -> tuple[Response, int]:
    """200, or 503 naming what is missing."""
    missing = [name for name, is_there in _needs().items() if not is_there]
    if missing:
        return jsonify(status="not ready", missing=missing), 503
    return jsonify(status="ready"), 200


def metrics() -> Response:
    """Prometheus metrics of this process, and what the service counts elsewhere (`measure`)."""
    shown = generate_latest()
    elsewhere: CollectorRegistry | None = current_app.extensions.get("collectors")
    if elsewhere is not None:
        shown += generate_latest(elsewhere)
    return Response(shown, content_type=CONTENT_TYPE_LATEST)


def measure(app: Flask, collector: Collector) -> None:
    """Show at /metrics what a collector finds out when it is asked."""
    app.extensions.setdefault("collectors", CollectorRegistry(auto_describe=False)).register(
        collector
    )


def _needs() -> dict[str, bool]:
    extensions: dict[str, Any] = current_app.extensions
    # What a service needs besides, by name: `app.extensions["needs"]["disk"] = lambda: ...`
    own: dict[str, Callable[[], bool]] = extensions.get("needs", {})
    return {
        "broker": extensions["publisher"].is_up(),
        "database": answers(extensions["engine"]),
        **{name: is_there() for name, is_there in own.items()},
    }
