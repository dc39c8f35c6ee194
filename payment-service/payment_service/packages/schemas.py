"""Bodies about packages."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate, validates_schema

from hotspot.contract.money import Money
from hotspot.web.fields import MoneySchema, TrueOrFalse
from payment_service.packages.saving import LONGEST_CODE

_MINUTE, _DAY = 60, 24 * 3600
_KINDS = ("hotspot", "subscription")
# What M-Pesa moves in one payment at most.
_DEAREST = Money.shillings(250_000)


class PriceSchema(MoneySchema):
    """Whole shillings: M-Pesa takes nothing else."""

    class Meta:
        unknown = RAISE

    amount = fields.Integer(required=True, strict=True, metadata={"example": 2000})
    currency = fields.String(load_default="KES", validate=validate.Equal("KES"))

    @validates_schema
    def is_whole_shillings(self, price: Mapping[str, Any], **_: object) -> None:
        """Cents cannot be paid."""
        if "amount" not in price:  # a change may leave out fields, but not of a price
            raise ValidationError("is needed", "amount")
        if not 0 < price["amount"] <= _DEAREST.amount or price["amount"] % 100:
            raise ValidationError(
                f"must be whole shillings in cents: a multiple of 100, up to {_DEAREST.amount}",
                "amount",
            )


def _name(value: str) -> None:
    if not value.strip() or not value.isprintable():
        raise ValidationError("must hold letters, and no control characters")


def _code(value: str) -> None:
    if not re.fullmatch(rf"(?=.*[A-Z])[A-Z0-9]{{2,{LONGEST_CODE}}}", value, re.ASCII):
        raise ValidationError(
            f"must be 2 to {LONGEST_CODE} letters and digits with a letter among them,"
            " such as HOUR1"
        )


class PackageRequestSchema(Schema):
    """What shall be sold. `code`: what a payer types as account number; else made from the name.

    Speeds in kbit/s as the guest sees them; `data_bytes` null: no cap; `devices` at once.
    """

    class Meta:
        unknown = RAISE

    code = fields.String(validate=_code, metadata={"example": "HOUR1"})
    name = fields.String(required=True, validate=[validate.Length(min=1, max=60), _name])
    kind = fields.String(load_default="hotspot", validate=validate.OneOf(_KINDS))
    price = fields.Nested(PriceSchema, required=True)
    duration_seconds = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=_MINUTE, max=5 * 366 * _DAY)
    )
    down_kbps = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=10_000_000)
    )
    up_kbps = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=10_000_000)
    )
    data_bytes = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1, max=10**15)
    )
    devices = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1, max=100))
    on_sale = TrueOrFalse(load_default=True)

    @pre_load
    def as_people_write(self, data: Any, **_: object) -> Any:
        """Codes in capitals, names without blanks around them."""
        if not isinstance(data, Mapping):
            return data
        written = dict(data)
        if isinstance(written.get("code"), str):
            written["code"] = written["code"].strip().upper()
        if isinstance(written.get("name"), str):
            written["name"] = written["name"].strip()
        return written


class PackageChangeSchema(PackageRequestSchema):
    """What shall be otherwise from now on; the rest stays. What was bought stays as it was."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "partial": True})

    @validates_schema
    def changes_something(self, changes: Mapping[str, Any], **_: object) -> None:
        """Nothing is no change."""
        if not changes:
            raise ValidationError("name at least one field to change")


class PackageAcceptedSchema(Schema):
    """The package that was created or changed, or soon will be."""

    id = fields.UUID(required=True)


class PackageQuerySchema(Schema):
    """Which packages to list."""

    all = fields.Boolean(
        load_default=False,
        metadata={"description": "with those that are not on sale: for operators"},
    )


class PackageSchema(Schema):
    """A package. `on_sale` and `changed_at` are for operators."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    price = fields.Nested(MoneySchema, required=True)
    duration_seconds = fields.Integer(required=True)
    down_kbps = fields.Integer(required=True)
    up_kbps = fields.Integer(required=True)
    data_bytes = fields.Integer(required=True, allow_none=True)
    devices = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(_KINDS))
    on_sale = fields.Boolean()
    changed_at = fields.String()


class PackagesSchema(Schema):
    """A page of packages, the cheapest first."""

    items = fields.List(fields.Nested(PackageSchema), required=True)
    next = fields.String(required=True, allow_none=True)
