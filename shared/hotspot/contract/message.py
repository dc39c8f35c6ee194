"""How a message is declared: a frozen dataclass, with its marshmallow schema derived once."""

import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar, dataclass_transform
from uuid import UUID

from marshmallow import EXCLUDE, Schema, ValidationError, post_load, validate
from marshmallow import fields as ma

T = TypeVar("T")

# From the payload of one version of a message to that of the next.
Reader = Callable[[dict[str, Any]], dict[str, Any]]


class Message:
    """What travels on the bus. Subclasses are declared with `@message`."""

    NAME: ClassVar[str]
    VERSION: ClassVar[int]
    READS: ClassVar[Mapping[int, Reader]]


class InvalidMessage(ValueError):
    """The payload does not fit the schema of its type: no retry will make it fit."""


class NotKnownYet(InvalidMessage):
    """A message, or a version of one, that this code does not know: newer code may."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def message(
    name: str, *, version: int, reads: Mapping[int, Reader] = MappingProxyType({})
) -> Callable[[type[T]], type[T]]:
    """Declare a message type: frozen, keyword-only, with its name and version on the wire.

    `reads`: for each older version that is still understood, how its payload becomes one of the
    next version. Without a gap up to this one.
    """
    if reads and sorted(reads) != list(range(min(reads), version)):
        raise ValueError(f"{name} cannot come from {sorted(reads)} to version {version}")

    def declare(cls: type[T]) -> type[T]:
        declared = dataclass(frozen=True, kw_only=True)(cls)
        declared.NAME = name  # type: ignore[attr-defined]
        declared.VERSION = version  # type: ignore[attr-defined]
        declared.READS = reads  # type: ignore[attr-defined]
        return declared

    return declare


def dump(value: Message) -> dict[str, Any]:
    """The payload of a message as JSON-ready values."""
    return typing.cast(dict[str, Any], schema_of(type(value)).dump(value))


def brought_up(cls: type[Message], payload: object, version: int) -> object:
    """The payload of an older version as that of this one.

    Raises NotKnownYet for a newer version, InvalidMessage for one that is understood no longer.
    """
    if version > cls.VERSION:
        raise NotKnownYet(f"{cls.NAME} has no version {version} here: {cls.VERSION} is the newest")
    for step in range(version, cls.VERSION):
        read = cls.READS.get(step)
        if read is None:
            raise InvalidMessage(f"{cls.NAME} has no version {version} any more")
        if not isinstance(payload, dict):
            break  # which is no message of any version
        try:
            payload = read(payload)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise InvalidMessage(f"{cls.NAME} is no version {step}: {error!r}") from error
    return payload


def load(cls: type[T], payload: object) -> T:
    """A message from its payload. Raises InvalidMessage naming each wrong field."""
    if not isinstance(payload, dict):
        raise InvalidMessage("the payload is not a JSON object")
    try:
        return typing.cast(T, schema_of(cls).load(payload))
    except ValidationError as error:
        raise InvalidMessage(str(error.messages)) from error


def schema_of(cls: type) -> Schema:
    """The marshmallow schema of a dataclass, made once: making one costs more than using it."""
    if cls not in _SCHEMAS:
        _SCHEMAS[cls] = _make_schema(cls)
    return _SCHEMAS[cls]


def _make_schema(cls: type) -> Schema:
    hints = typing.get_type_hints(cls)
    declared = {spec.name: _field(hints[spec.name], spec) for spec in fields(cls)}

    def build(_self: Schema, data: dict[str, Any], **_: object) -> object:
        return cls(**data)

    meta = type("Meta", (), {"unknown": EXCLUDE})  # a newer sender may say more than we know
    members = {**declared, "Meta": meta, "build": post_load(build)}
    return typing.cast(Schema, type(f"{cls.__name__}Schema", (Schema,), members)())


def _field(hint: object, spec: "Field[Any] | None" = None) -> ma.Field[Any]:
    options: dict[str, Any] = {"required": True}
    if spec is not None and spec.default is not MISSING:
        options = {"load_default": spec.default}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        options["allow_none"] = True
        (hint,) = (argument for argument in arguments if argument is not type(None))
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return _Tuple(_field(arguments[0]), **options)
    if origin is Literal:
        return ma.String(validate=validate.OneOf(arguments), **options)
    if is_dataclass(hint):
        return ma.Nested(schema_of(typing.cast(type, hint)), **options)
    return _SCALARS[hint](**options)


class _Tuple(ma.List[Any]):
    """Lists arrive as tuples, so that messages stay immutable and hashable."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        return tuple(super()._deserialize(*args, **kwargs))


class _UtcDateTime(ma.AwareDateTime):
    """Times travel as ISO 8601 UTC with `Z`."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return None if value is None else utc_text(value)


def utc_text(moment: datetime) -> str:
    """An aware time as ISO 8601 UTC with `Z`, to the microsecond."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be sent")
    from datetime import UTC

    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_SCHEMAS: dict[type, Schema] = {}
_SCALARS: dict[object, Callable[..., ma.Field[Any]]] = {
    str: ma.String,
    int: functools.partial(ma.Integer, strict=True),
    bool: ma.Boolean,
    float: ma.Float,
    UUID: ma.UUID,
    datetime: _UtcDateTime,
}
