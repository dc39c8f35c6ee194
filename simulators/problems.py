"""Errors of the stand-ins' own control routes: application/problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import Final

from flask import Flask, Response, json, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import HTTPException

PROBLEM_JSON: Final = "application/problem+json"


class Problem(Exception):
    """A control request that cannot be done, with the status to answer."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem_response(status: int, detail: str, errors: object = None) -> Response:
    """The answer's body: type, title, status, detail, and errors by field where there are any."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        body["errors"] = errors
    return Response(json.dumps(body), status=status, mimetype=PROBLEM_JSON)


def control_body(schema: Schema) -> object:
    """The JSON body as the schema reads it; no body counts as an empty one.

    Raises Problem (400) for what is not a JSON object, ValidationError (422) for wrong fields.
    """
    if not request.get_data():
        return schema.load({})
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "the body is not a JSON object")
    return schema.load(body)


def answer_problems(app: Flask) -> None:
    """Make the application's errors problem+json."""

    @app.errorhandler(Problem)
    def asked_in_vain(problem: Problem) -> Response:
        return problem_response(problem.status, problem.detail)

    @app.errorhandler(ValidationError)
    def wrong_fields(error: ValidationError) -> Response:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return problem_response(status, "some fields are wrong", error.messages)

    @app.errorhandler(HTTPException)
    def not_served(error: HTTPException) -> Response:
        return problem_response(error.code or 500, error.description or "")
