"""Errors as application/problem+json (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence

import structlog
from flask import Flask, Response
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from hotspot.bus.database import is_away
from hotspot.bus.transport import BrokerAway, Unroutable

log = structlog.get_logger()

Errors = Mapping[str, Sequence[str]]


class Problem(Exception):  # the RFC's own word
    """An answer that says what went wrong and what to do. Raised by routes on purpose."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        title: str | None = None,
        errors: Errors | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.title = title or kind.replace("-", " ").capitalize()
        self.errors = errors
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer itself."""
        body: dict[str, object] = {
            "type": f"urn:hotspot:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = {field: list(texts) for field, texts in self.errors.items()}
        answer = Response(
            json.dumps(body), status=self.status, content_type="application/problem+json"
        )
        answer.headers.update(self.headers)
        return answer


def invalid(errors: Errors) -> Problem:
    """422 with the reason beside each field."""
    fields = ", ".join(sorted(errors))
    return Problem(422, "invalid-request", f"Correct these fields: {fields}.", errors=errors)


def answer_errors(app: Flask) -> None:
    """Every error of an app is answered as a problem; nothing internal leaks."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(BrokerAway, _broker_away)
    app.register_error_handler(Unroutable, _broker_away)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _problem(problem: Problem) -> Response:
    return problem.response()


def _broker_away(error: Exception) -> Response:
    log.warning("not published", error=str(error))
    return Problem(
        503,
        "broker-away",
        "The message broker did not take this. Nothing was done: try again in a moment.",
        headers={"Retry-After": "2"},
    ).response()


def _database_error(error: DBAPIError) -> Response:
    if not is_away(error):
        return _unexpected(error)
    log.warning("database unreachable", error=str(error.orig))
    return Problem(
        503,
        "database-away",
        "The database does not answer: try again in a moment.",
        headers={"Retry-After": "2"},
    ).response()


def _http_error(error: HTTPException) -> Response:
    data = getattr(error, "data", None)
    if error.code == 422 and isinstance(data, dict):  # webargs: what marshmallow refused
        return invalid(_flat(data.get("messages", {}))).response()
    headers = {
        name: value
        for name, value in error.get_headers()
        if name in ("Allow", "Retry-After", "WWW-Authenticate")
    }
    return Problem(
        error.code or 500,
        error.name.lower().replace(" ", "-"),
        error.description or error.name,
        title=error.name,
        headers=headers,
    ).response()


def _unexpected(error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return Problem(
        500,
        "internal-error",
        "Something went wrong on our side; it was logged with this request's id.",
    ).response()


def _flat(messages: object, prefix: str = "") -> dict[str, list[str]]:
    """webargs nests by location (json, query) and by field: name fields by their dotted path."""
    if isinstance(messages, list):
        return {prefix or "body": [str(one) for one in messages]}
    if not isinstance(messages, dict):
        return {prefix or "body": [str(messages)]}
    flat: dict[str, list[str]] = {}
    for name, below in messages.items():
        hidden = not prefix and name in ("json", "query", "headers", "path", "form")
        whole = name == "_schema"
        path = prefix if hidden or whole else f"{prefix}.{name}".lstrip(".")
        flat |= _flat(below, path)
    return flat
