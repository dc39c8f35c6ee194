"""HTTP bodies about logins, accounts, keys and the audit."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from gateway.operators import ADVISED_PASSWORD, LONGEST_EMAIL, LONGEST_PASSWORD
from gateway.schemas import Utc
from hotspot.web.auth import ROLES

Check = Callable[[Any], Any]

_ROLE = validate.OneOf(ROLES)
_SOME_PASSWORD = "correct horse battery"  # noqa: S105  # an example


def printable(text: str) -> None:
    """Raise ValidationError for control characters, and what is no character at all."""
    if not text.isprintable():
        raise ValidationError("must not hold control characters")


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValidationError("must be text") from error


def _new_password() -> fields.String:
    return fields.String(
        required=True,
        load_only=True,
        validate=[validate.Length(ADVISED_PASSWORD, LONGEST_PASSWORD), _encodable],
        metadata={"example": _SOME_PASSWORD},
    )


def _password() -> fields.String:
    return fields.String(
        required=True,
        load_only=True,
        validate=[validate.Length(1, LONGEST_PASSWORD), _encodable],
        metadata={"example": _SOME_PASSWORD},
    )


class EmailAddress(fields.String):
    """An e-mail address, without blanks around it."""

    def __init__(self, **options: Any) -> None:
        said = {"example": "owner@example.com", "pattern": r"^ *[!-?A-~]+@[!-?A-~]+ *$"}
        checks: list[Check] = [validate.Length(1, LONGEST_EMAIL), printable]
        super().__init__(**options, validate=checks, metadata=said)

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(*args, **kwargs).strip()
        name, _, domain = text.partition("@")
        if not name or not domain:
            raise ValidationError("write an e-mail address such as owner@example.com")
        return text


class LoginSchema(Schema):
    """Who logs in. `device_token`: of an earlier login on this device."""

    email = fields.String(
        required=True,
        validate=[validate.Length(1, LONGEST_EMAIL), printable],
        metadata={"example": "owner@example.com"},
    )
    password = _password()
    device_token = fields.String(
        allow_none=True, validate=[validate.Length(max=1000)], metadata={"example": None}
    )


class RefreshSchema(Schema):
    """The refresh token of the last answer: each is good for one use."""

    refresh_token = fields.String(required=True, validate=[validate.Length(1, 200), _encodable])


class GrantSchema(Schema):
    """An access token and the means to get the next. `expires_in` is seconds."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"example": 900})


class LoginGrantSchema(GrantSchema):
    """With a token by which this device is known when it logs in again. It opens nothing."""

    device_token = fields.String(required=True)


class PasswordSchema(Schema):
    """One's own password, as it is and as it shall be."""

    current = _password()
    new = _new_password()


class NewOperatorSchema(Schema):
    """An account to make."""

    email = EmailAddress(required=True)
    role = fields.String(required=True, validate=_ROLE)
    password = _new_password()


class OperatorChangeSchema(Schema):
    """What shall be otherwise. Either ends the logins of the account."""

    class Meta:
        unknown = RAISE

    role = fields.String(validate=_ROLE)
    password = fields.String(
        load_only=True,
        validate=[validate.Length(ADVISED_PASSWORD, LONGEST_PASSWORD), _encodable],
        metadata={"example": _SOME_PASSWORD},
    )

    @validates_schema
    def changes_something(self, changes: Mapping[str, Any], **_: object) -> None:
        """Nothing is no change."""
        if not changes:
            raise ValidationError("name at least one field to change")


class OperatorSchema(Schema):
    """A person who runs the system."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True, validate=_ROLE)
    created_at = Utc(required=True)
    updated_at = Utc(required=True)


class OperatorsSchema(Schema):
    """A page of operators, the newest first."""

    items = fields.List(fields.Nested(OperatorSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class WhoSchema(Schema):
    """Who asks. `name`: an operator's e-mail address, or a key's name; null: an account no more."""

    subject = fields.String(required=True)
    role = fields.String(required=True, validate=_ROLE)
    name = fields.String(required=True, allow_none=True)


class NewKeySchema(Schema):
    """A key to make. `name`: for what it is."""

    name = fields.String(
        required=True,
        validate=[validate.Length(1, 100), printable],
        metadata={"example": "bookkeeping"},
    )
    role = fields.String(required=True, validate=_ROLE)


class KeySchema(Schema):
    """An API key. `hint`: how it begins. `last_used_at` is right to a minute."""

    id = fields.UUID(required=True)
    name = fields.String(required=True, metadata={"example": "bookkeeping"})
    role = fields.String(required=True, validate=_ROLE)
    hint = fields.String(required=True, metadata={"example": "hsk_3fQx"})
    created_by = fields.String(required=True)
    created_at = Utc(required=True)
    last_used_at = Utc(required=True, allow_none=True)
    revoked_at = Utc(required=True, allow_none=True)


class MadeKeySchema(KeySchema):
    """A key just made. `key` is shown this once and never again: send it as `X-API-Key`."""

    key = fields.String(required=True, metadata={"example": "hsk_3fQx..."})


class KeysSchema(Schema):
    """A page of keys, the newest first; with those that were revoked."""

    items = fields.List(fields.Nested(KeySchema), required=True)
    next = fields.String(required=True, allow_none=True)


class AuditQuery(Schema):
    """Which entries: of an actor, about an object, since when."""

    actor = fields.String(validate=[validate.Length(1, 100), printable])
    object_id = fields.String(validate=[validate.Length(1, 200), printable])
    since = fields.AwareDateTime()


class AuditEntrySchema(Schema):
    """Who did what. `actor`: an operator's id, or `key:` and a key's; `name` as it was then."""

    id = fields.UUID(required=True)
    at = Utc(required=True)
    actor = fields.String(required=True)
    name = fields.String(required=True, allow_none=True, metadata={"example": "owner@example.com"})
    role = fields.String(required=True)
    method = fields.String(required=True, metadata={"example": "DELETE"})
    route = fields.String(required=True, metadata={"example": "/api/v1/sessions/<uuid:id>"})
    object_id = fields.String(required=True, allow_none=True)
    status = fields.Integer(required=True, metadata={"example": 202})
    request_id = fields.String(required=True)
    address = fields.String(required=True, metadata={"example": "10.5.50.21"})


class AuditSchema(Schema):
    """A page of the audit, the newest first."""

    items = fields.List(fields.Nested(AuditEntrySchema), required=True)
    next = fields.String(required=True, allow_none=True)
