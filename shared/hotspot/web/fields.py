"""Fields that bodies and queries of several services have."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from hotspot.phone import InvalidPhone, normalize


class Phone(fields.String):
    """A Kenyan mobile number as people type it, read as 254 and nine digits.

    More is understood than the pattern says, which is for those who write programs.
    """

    PATTERN = r"^(\+?254|0)? ?[17][0-9]{2} ?[0-9]{3} ?[0-9]{3}$"

    def __init__(self, *, metadata: Mapping[str, Any] | None = None, **options: Any) -> None:
        said = {"example": "0712 345 678", "pattern": self.PATTERN}
        super().__init__(metadata=said | dict(metadata or {}), **options)

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        try:
            return normalize(super()._deserialize(*args, **kwargs))
        except InvalidPhone as error:
            raise ValidationError(str(error)) from error


class TrueOrFalse(fields.Boolean):
    """A boolean of a JSON body: `true` or `false`, and nothing else that could be meant so."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class MoneySchema(Schema):
    """An amount in minor units (cents)."""

    amount = fields.Integer(required=True, metadata={"example": 2000})
    currency = fields.String(required=True, metadata={"example": "KES"})
