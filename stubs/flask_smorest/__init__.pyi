from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import flask
from marshmallow import Schema
from webargs.flaskparser import FlaskParser

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V", bound=Callable[..., Any])

class Blueprint(flask.Blueprint):
    ARGUMENTS_PARSER: FlaskParser
    def __init__(
        self, name: str, import_name: str, *, url_prefix: str | None = ..., description: str = ...
    ) -> None: ...
    def response(
        self,
        status_code: int,
        schema: type[Schema] | Schema | Mapping[str, object] | None = ...,
        *,
        content_type: str | None = ...,
        description: str | None = ...,
        example: object = ...,
        examples: object = ...,
        headers: object = ...,
    ) -> Callable[[V], V]: ...
    def alt_response(
        self,
        status_code: int,
        *,
        schema: type[Schema] | Schema | Mapping[str, object] | None = ...,
        content_type: str | None = ...,
        description: str | None = ...,
        example: object = ...,
        success: bool = ...,
    ) -> Callable[[V], V]: ...
    def arguments(
        self,
        schema: type[Schema] | Schema,
        *,
        location: str = ...,
        content_type: str | None = ...,
        required: bool = ...,
        description: str | None = ...,
        example: object = ...,
        **kwargs: object,
    ) -> Callable[[V], V]: ...
    def doc(self, **kwargs: object) -> Callable[[V], V]: ...

class Api:
    spec: Any
    def __init__(
        self, app: flask.Flask | None = ..., *, spec_kwargs: Mapping[str, object] | None = ...
    ) -> None: ...
    def register_blueprint(self, blp: Blueprint, **options: object) -> None: ...
