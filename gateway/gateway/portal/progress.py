"""How far a guest's payment is, as its page shows it. Decisions, without Flask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from hotspot.contract.money import Money

Payment = Mapping[str, Any]  # as payment-service shows it to its buyer


class Stage(StrEnum):
    """What the page is about."""

    PROMPTED = "prompted"
    CLAIMED = "claimed"
    REDEEMED = "redeemed"
    PAID = "paid"
    READY = "ready"
    ONLINE = "online"
    ENDED = "ended"
    FAILED = "failed"


class Step(StrEnum):
    """What a guest can do next who has no access."""

    AGAIN = "again"
    NUMBER = "number"
    PACKAGE = "package"
    CLAIM = "claim"
    VOUCHER = "voucher"
    HELP = "help"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A payment on its page. `steps`: for a payment that failed, the best one first.

    `is_silent`: M-Pesa does not answer, and nobody knows whether it asks the phone.
    """

    payment_id: UUID
    stage: Stage
    package_id: UUID | None
    price: Money | None
    phone: str | None
    receipt: str | None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    voucher: str | None = field(default=None, repr=False)
    login: str | None = None
    until: datetime | None = None
    failure: str | None = None
    said: str | None = None
    is_silent: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def may_come(self) -> bool:
        """Whether the money of a payment that failed may still come."""
        return self.failure in _MAY_COME

    @property
    def is_active(self) -> bool:
        """Whether a guest who comes back wants to see this before anything else."""
        return self.stage not in (Stage.FAILED, Stage.ENDED)


_AGAIN = (Step.AGAIN, Step.NUMBER, Step.PACKAGE)
# Money may have left the guest's account: paying again comes last, if at all.
_PERHAPS_PAID = (Step.CLAIM, Step.AGAIN, Step.HELP)
_STEPS = {
    "bad_phone": (Step.NUMBER, Step.PACKAGE),
    "insufficient_balance": (Step.AGAIN, Step.PACKAGE, Step.NUMBER),
    "pin_blocked": (Step.NUMBER, Step.AGAIN),
    "account_inactive": (Step.NUMBER, Step.AGAIN),
    "daily_limit": (Step.NUMBER, Step.PACKAGE),
    "amount_too_low": (Step.PACKAGE,),
    "amount_too_high": (Step.PACKAGE,),
    "mpesa_unreachable": (Step.AGAIN, Step.VOUCHER),
    "mpesa_misconfigured": (Step.VOUCHER, Step.AGAIN),
    "receiver_limit": (Step.VOUCHER, Step.AGAIN),
    "prompt_unclear": _PERHAPS_PAID,
    "no_news": _PERHAPS_PAID,
    "held": (Step.HELP,),
    "receipt_not_found": (Step.CLAIM, Step.HELP),
    "claim_unanswered": (Step.CLAIM, Step.HELP),
    "claim_unclear": (Step.HELP, Step.CLAIM),
    "claim_unavailable": (Step.HELP, Step.CLAIM),
}
# Nobody said no: a PIN may have been entered late, or the answer was lost on its way.
_MAY_COME = ("no_answer", "expired", "prompt_unclear", "no_news", "prompt_not_sent")
_OF_VOUCHERS = (Step.VOUCHER, Step.PACKAGE)


def progress_of(payment: Payment, *, logged_in: bool = False, sent_here: bool = False) -> Progress:
    """Read what payment-service says of a payment.

    `logged_in`: the browser comes from a login at the router, whose accounting may be on its way.
    `sent_here`: the router sent the guest here, who therefore is not online, whatever is believed.
    """
    access, failure, price = payment["access"] or {}, payment["failure"] or {}, payment["price"]
    stage = _stage(payment, access.get("state"))
    if stage is Stage.READY and logged_in:
        stage = Stage.ONLINE
    elif stage is Stage.ONLINE and sent_here:
        stage = Stage.READY
    until = access.get("until")
    code = failure.get("code")
    return Progress(
        payment_id=UUID(payment["id"]),
        stage=stage,
        package_id=UUID(payment["package_id"]) if payment["package_id"] else None,
        price=Money(**price) if price else None,
        phone=payment["phone"],
        receipt=payment["receipt"],
        username=access.get("username"),
        password=access.get("password"),
        voucher=access.get("voucher"),
        login=access.get("login_url"),
        until=datetime.fromisoformat(until) if until else None,
        failure=code,
        said=failure.get("message"),
        is_silent=stage is Stage.PROMPTED and payment.get("waits_for") == "mpesa",
        steps=_steps(code) if stage is Stage.FAILED else (),
    )


def _stage(payment: Payment, access_state: str | None) -> Stage:
    if payment["status"] == "pending":
        if payment["price"] is None:  # no prompt: a receipt was shown
            return Stage.CLAIMED
        return Stage.PROMPTED if payment["phone"] else Stage.REDEEMED
    if payment["status"] != "completed":
        return Stage.FAILED
    return {
        "ready": Stage.READY,
        "online": Stage.ONLINE,
        "ended": Stage.ENDED,
    }.get(access_state or "", Stage.PAID)


def _steps(code: str | None) -> tuple[Step, ...]:
    if code and code.startswith("voucher_"):
        return _OF_VOUCHERS
    return _STEPS.get(code or "", _AGAIN)


# What routers say of a refused login (errors.txt of RouterOS, and our own Reply-Messages), by a
# part of it: operators may translate the rest.
_REFUSALS = (
    ("not responding", "slow"),
    ("already authorizing", "slow"),
    ("no more sessions", "devices"),
    ("too many devices", "devices"),
    ("time is used up", "expired"),
    ("uptime limit", "expired"),
    ("data is used up", "data"),
    ("traffic limit", "data"),
    ("suspended", "suspended"),
    ("no internet access yet", "none"),
    ("has not begun", "none"),
    ("invalid username or password", "wrong"),
    ("wrong username or password", "wrong"),
)


def refusal_of(said: str) -> str | None:
    """The key of our words for what a router said; None where it said nothing."""
    text = said.lower().strip()
    if not text:
        return None
    return next((key for part, key in _REFUSALS if part in text), "other")
