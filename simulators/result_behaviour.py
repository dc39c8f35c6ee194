"""How badly M-Pesa treats requests that it answers later."""

from dataclasses import dataclass
from enum import StrEnum

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

from simulators.behaviour import DEFAULT_DELAY, DELAY_MS, LATE_DELAY, ResultCodeField


class ResultMode(StrEnum):
    """What comes of a request that is answered later: a transaction status, a reversal."""

    OK = "ok"
    LATE = "late"
    # Done, but the result never arrives.
    LOST = "lost"
    DUPLICATE = "duplicate"
    # The result comes before the reply to the request.
    FIRST = "first"
    # Taken and done, but the reply to the request never arrives; the result does.
    REPLY_LOST = "reply_lost"
    # Not done: it waited too long in a queue, and the QueueTimeOutURL is told.
    TIMED_OUT = "timed_out"
    # Not done: `result_code` says why.
    RESULT = "result"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class ResultBehaviour:
    """What comes of the following requests that are answered later.

    `mask_payer`: payers are told as C2B tells them, with most digits hidden.
    """

    mode: ResultMode = ResultMode.OK
    delay_ms: int | None = None
    result_code: int | str | None = None
    mask_payer: bool = False

    @property
    def delay(self) -> float:
        """Seconds until the result."""
        if self.delay_ms is not None:
            return self.delay_ms / 1000
        return LATE_DELAY if self.mode is ResultMode.LATE else DEFAULT_DELAY


class ResultBehaviourSchema(Schema):
    """Body of POST /mpesa/results/behaviour."""

    mode = fields.Enum(ResultMode, by_value=True, required=True)
    delay_ms = fields.Integer(validate=DELAY_MS, allow_none=True)
    result_code = ResultCodeField(allow_none=True)
    mask_payer = fields.Boolean()

    @validates_schema
    def names_its_result(self, data: dict[str, object], **_: object) -> None:
        """Mode `result` is nothing without a code."""
        if data.get("mode") is ResultMode.RESULT and data.get("result_code") is None:
            raise ValidationError("needed for the mode result", "result_code")

    @post_load
    def make(self, data: dict[str, object], **_: object) -> ResultBehaviour:
        """The behaviour."""
        return ResultBehaviour(**data)  # type: ignore[arg-type]  # the fields above are its own
