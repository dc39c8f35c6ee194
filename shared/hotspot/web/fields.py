"""Fields that bodies and queries of several services have."""

from typing import Any

from marshmallow import Schema, ValidationError, fields

from hotspot.phone import InvalidPhone, normalize


class Phone(fields.String):
    """A Kenyan mobile number as people type it, read as 254 and nine digits."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        try:
            return normalize(super()._deserialize(*args, **kwargs))
        except InvalidPhone as error:
            raise ValidationError(str(error)) from error


class MoneySchema(Schema):
    """An amount in minor units (cents)."""

    amount = fields.Integer(required=True, metadata={"example": 2000})
    currency = fields.String(required=True, metadata={"example": "KES"})
