"""Health and metrics of a web process."""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


def health_blueprint() -> Blueprint:
    """/health/live, /health/ready and /metrics."""
    blueprint = Blueprint("health", __name__)
    blueprint.add_url_rule("/health/live", view_func=live)
    blueprint.add_url_rule("/health/ready", view_func=ready)
    blueprint.add_url_rule("/metrics", view_func=metrics)
    return blueprint


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
    """Prometheus metrics of this process."""
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _needs() -> dict[str, bool]:
    extensions: dict[str, Any] = current_app.extensions
    return {"broker": extensions["publisher"].is_up(), "database": _answers(extensions["engine"])}


def _answers(engine: Any) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    return True
