"""How badly the world behaves: the modes, and who they are chosen for."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from simulators.kept import Kept

LONGEST_DELAY_MS: Final = 24 * 3600 * 1000
PHONES_KEPT: Final = 10_000
LONGEST_CODE: Final = 20


class MpesaMode(StrEnum):
    """What comes of a prompt."""

    PAY = "pay"
    CANCEL = "cancel"
    WRONG_PIN = "wrong_pin"
    NO_BALANCE = "no_balance"
    TIMEOUT = "timeout"
    NO_CALLBACK = "no_callback"
    LATE_CALLBACK = "late_callback"
    DUPLICATE = "duplicate"
    CALLBACK_FIRST = "callback_first"
    DOWN = "down"
    # The prompt is taken, but the reply to it never arrives.
    REPLY_LOST = "reply_lost"
    # Any other result: `result_code` says which.
    RESULT = "result"
    # Someone answers the prompt by hand, on the page.
    MANUAL = "manual"


class C2bOrder(StrEnum):
    """When a prompt that is paid is confirmed by C2B as well, where URLs are registered."""

    BEFORE = "before"
    AFTER = "after"
    NONE = "none"


class ConfirmationMode(StrEnum):
    """What becomes of the confirmation of money that is paid by hand."""

    OK = "ok"
    LATE = "late"
    LOST = "lost"
    DUPLICATE = "duplicate"


class SmsMode(StrEnum):
    """What an SMS gateway does with a message."""

    OK = "ok"
    REFUSE = "refuse"
    SLOW = "slow"
    DOWN = "down"
    # Accepted, then reported as failed.
    UNDELIVERED = "undelivered"


class RouterMode(StrEnum):
    """What a router does."""

    OK = "ok"
    # Without power: its sessions are gone without a Stop; on return it sends Accounting-On.
    DOWN = "down"
    # Its line is cut: sessions go on, no packet comes or goes.
    BLACKHOLE = "blackhole"
    # Its API refuses the password; RADIUS has nothing to do with that and works.
    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    # Its RADIUS secret is not the one that was agreed.
    WRONG_SECRET = "wrong_secret"  # noqa: S105
    SLOW = "slow"
    # /radius incoming accept=no, RouterOS's default: Disconnect and CoA go unheard.
    IGNORE_DISCONNECT = "ignore_disconnect"
    # Its API breaks off in the middle, once, and is there again after `delay_ms`.
    REBOOTS = "reboots"


# A guest who looks at the prompt and types the PIN at once.
DEFAULT_DELAY: Final = 0.3
MPESA_DELAYS: Final = {MpesaMode.LATE_CALLBACK: 5.0, MpesaMode.MANUAL: 60.0}
LATE_DELAY: Final = 5.0
SLOW_SMS_DELAY: Final = 3.0
SLOW_ROUTER_DELAY: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class MpesaBehaviour:
    """What comes of the following prompts, or of those to one phone."""

    mode: MpesaMode = MpesaMode.PAY
    phone: str | None = None
    delay_ms: int | None = None
    result_code: int | str | None = None
    refuse_repeats: bool = False
    c2b: C2bOrder | None = None

    @property
    def delay(self) -> float:
        """Seconds until the guest has answered (in `late_callback`: until the callback)."""
        if self.delay_ms is not None:
            return self.delay_ms / 1000
        return MPESA_DELAYS.get(self.mode, DEFAULT_DELAY)


@dataclass(frozen=True, kw_only=True)
class SmsBehaviour:
    """What the SMS gateways do from now on."""

    mode: SmsMode = SmsMode.OK
    delay_ms: int | None = None
    report_url: str | None = None

    @property
    def reply_delay(self) -> float:
        """Seconds that a reply takes."""
        if self.mode is not SmsMode.SLOW:
            return 0.0
        return SLOW_SMS_DELAY if self.delay_ms is None else self.delay_ms / 1000

    @property
    def report_delay(self) -> float:
        """Seconds from the reply to the delivery report."""
        if self.mode is SmsMode.SLOW or self.delay_ms is None:
            return DEFAULT_DELAY
        return self.delay_ms / 1000


@dataclass(frozen=True, kw_only=True)
class RouterBehaviour:
    """What one router does from now on."""

    mode: RouterMode = RouterMode.OK
    delay_ms: int | None = None
    # How many sentences of a conversation it hears before it reboots.
    after: int | None = None

    @property
    def packet_delay(self) -> float:
        """Seconds that each of its packets takes."""
        if self.mode is not RouterMode.SLOW:
            return 0.0
        return SLOW_ROUTER_DELAY if self.delay_ms is None else self.delay_ms / 1000


def international(phone: str) -> str:
    """A Kenyan number as M-Pesa writes it: 2547... or 2541...; ValueError for any other."""
    digits = re.sub(r"[\s+-]", "", phone)
    digits = re.sub(r"^0", "254", digits)
    if not re.fullmatch(r"254[17]\d{8}", digits):
        raise ValueError(f"not a Kenyan mobile number: {phone}")
    return digits


class Behaviours:
    """The behaviour of prompts: one for all, and one for each phone that has its own."""

    def __init__(self) -> None:
        self.default = MpesaBehaviour()
        self._by_phone: Kept[str, MpesaBehaviour] = Kept(PHONES_KEPT)

    def choose(self, behaviour: MpesaBehaviour) -> None:
        """From now on: for its phone, or for all phones without a behaviour of their own."""
        if behaviour.phone is None:
            self.default = behaviour
        else:
            self._by_phone.add(behaviour.phone, behaviour)

    def of(self, phone: str) -> MpesaBehaviour:
        """What comes of a prompt to this phone."""
        return self._by_phone.get(phone) or self.default

    def clear(self) -> None:
        """Everyone pays again."""
        self.default = MpesaBehaviour()
        self._by_phone.clear()


class PhoneField(fields.String):
    """A Kenyan number, in any of the usual spellings."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        try:
            return international(str(value))
        except ValueError as error:
            raise ValidationError(str(error)) from error


class ResultCodeField(fields.Field[int | str]):
    """A result code: a number or, rarely, a word such as SFC_IC0003; kept as it is given."""

    def _deserialize(
        self, value: object, attr: str | None, data: object, **kwargs: object
    ) -> int | str:
        if isinstance(value, int) or (isinstance(value, str) and 0 < len(value) <= LONGEST_CODE):
            return value
        raise ValidationError("not a number or a short word")


DELAY_MS = validate.Range(min=0, max=LONGEST_DELAY_MS)


class MpesaBehaviourSchema(Schema):
    """Body of POST /mpesa/behaviour."""

    mode = fields.Enum(MpesaMode, by_value=True, required=True)
    phone = PhoneField(allow_none=True)
    delay_ms = fields.Integer(validate=DELAY_MS, allow_none=True)
    result_code = ResultCodeField(allow_none=True)
    refuse_repeats = fields.Boolean()
    c2b = fields.Enum(C2bOrder, by_value=True, allow_none=True)

    @validates_schema
    def names_its_result(self, data: dict[str, object], **_: object) -> None:
        """Mode `result` is nothing without a code."""
        if data.get("mode") is MpesaMode.RESULT and data.get("result_code") is None:
            raise ValidationError("needed for the mode result", "result_code")

    @post_load
    def make(self, data: dict[str, object], **_: object) -> MpesaBehaviour:
        """The behaviour."""
        return MpesaBehaviour(**data)  # type: ignore[arg-type]  # the fields above are its own


class SmsBehaviourSchema(Schema):
    """Body of POST /sms/behaviour."""

    mode = fields.Enum(SmsMode, by_value=True, required=True)
    delay_ms = fields.Integer(validate=DELAY_MS, allow_none=True)
    report_url = fields.Url(schemes={"http", "https"}, require_tld=False, allow_none=True)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> SmsBehaviour:
        """The behaviour."""
        return SmsBehaviour(**data)  # type: ignore[arg-type]  # the fields above are its own


class RouterBehaviourSchema(Schema):
    """Body of POST /routers/{id}/behaviour."""

    mode = fields.Enum(RouterMode, by_value=True, required=True)
    delay_ms = fields.Integer(validate=DELAY_MS, allow_none=True)
    after = fields.Integer(validate=validate.Range(min=0, max=10_000), allow_none=True)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> RouterBehaviour:
        """The behaviour."""
        return RouterBehaviour(**data)  # type: ignore[arg-type]  # the fields above are its own
