"""Prompts on guests' phones: one open at a time on each, and what became of them."""

import itertools
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from simulators.behaviour import MpesaMode
from simulators.kept import Kept
from simulators.post import Delivery
from simulators.stk import EAST_AFRICA, DarajaError, StkRequest
from simulators.transactions import Transactions

PROMPTS_KEPT: Final = 10_000
DELIVERIES_KEPT: Final = 20
REPEAT_WITHIN: Final = timedelta(minutes=2)


class PromptState(StrEnum):
    """What a prompt has come to."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    CANCELLED = "cancelled"
    WRONG_PIN = "wrong_pin"
    NO_BALANCE = "no_balance"
    TIMED_OUT = "timed_out"
    REFUSED = "refused"


PENDING: Final = (PromptState.OPEN, PromptState.PROCESSING)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a prompt ends: its state and M-Pesa's result code."""

    state: PromptState
    result_code: int | str


PAID: Final = Outcome(state=PromptState.PAID, result_code=0)
TIMED_OUT: Final = Outcome(state=PromptState.TIMED_OUT, result_code=1037)
RULE_LIMITED: Final = Outcome(state=PromptState.REFUSED, result_code=17)
OUTCOMES: Final = {
    MpesaMode.CANCEL: Outcome(state=PromptState.CANCELLED, result_code=1032),
    MpesaMode.WRONG_PIN: Outcome(state=PromptState.WRONG_PIN, result_code=2001),
    MpesaMode.NO_BALANCE: Outcome(state=PromptState.NO_BALANCE, result_code=1),
    MpesaMode.TIMEOUT: TIMED_OUT,
    # Nobody came to the page to answer it.
    MpesaMode.MANUAL: TIMED_OUT,
}


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One prompt. `amount` in whole shillings; `receipt` only once it is paid."""

    checkout_request_id: str
    merchant_request_id: str
    request: StkRequest
    mode: MpesaMode
    at: datetime
    state: PromptState = PromptState.OPEN
    result_code: int | str | None = None
    receipt: str | None = None
    settled_at: datetime | None = None
    queries: int = 0
    deliveries: tuple[Delivery, ...] = ()

    @property
    def pending(self) -> bool:
        """Whether M-Pesa has no result yet."""
        return self.state in PENDING


class Prompts:
    """All prompts by CheckoutRequestID, and which phone has one open."""

    def __init__(self, transactions: Transactions | None = None) -> None:
        self._kept: Kept[str, Prompt] = Kept(PROMPTS_KEPT)
        self._newest_of: Kept[str, str] = Kept(PROMPTS_KEPT)
        self._opening = threading.Lock()
        self._turn = itertools.count(secrets.randbelow(1000))
        self._transactions = transactions or Transactions()

    def open(self, request: StkRequest, mode: MpesaMode, now: datetime) -> Prompt:
        """Show a prompt; DarajaError while the phone has another one open."""
        with self._opening:
            last = self.newest_of(request.phone)
            if last is not None and last.state is PromptState.OPEN:
                raise DarajaError(
                    500,
                    "500.001.1001",
                    "Unable to lock subscriber, "
                    "a transaction is already in process for the current subscriber",
                )
            prompt = self._new(request, mode, now)
            self._kept.add(prompt.checkout_request_id, prompt)
            self._newest_of.add(request.phone, prompt.checkout_request_id)
            return prompt

    def newest_of(self, phone: str) -> Prompt | None:
        """The last prompt that a phone showed."""
        checkout_request_id = self._newest_of.get(phone)
        return None if checkout_request_id is None else self._kept.get(checkout_request_id)

    def get(self, checkout_request_id: str) -> Prompt | None:
        """The prompt, or None for an id that is unknown."""
        return self._kept.get(checkout_request_id)

    def items(self) -> list[Prompt]:
        """All prompts, oldest first."""
        return self._kept.items()

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._newest_of.clear()

    def answered(self, checkout_request_id: str) -> Prompt | None:
        """The guest has answered, M-Pesa has no result yet; None where it was answered before."""
        return self._kept.change(
            checkout_request_id,
            lambda prompt: (
                replace(prompt, state=PromptState.PROCESSING)
                if prompt.state is PromptState.OPEN
                else None
            ),
        )

    def settle(self, checkout_request_id: str, outcome: Outcome, now: datetime) -> Prompt | None:
        """Give it its result, once; None where it has one."""

        def settled(prompt: Prompt) -> Prompt | None:
            if not prompt.pending:
                return None
            paid = outcome.state is PromptState.PAID
            return replace(
                prompt,
                state=outcome.state,
                result_code=outcome.result_code,
                receipt=self._take_money(prompt.request, now) if paid else None,
                settled_at=now,
            )

        return self._kept.change(checkout_request_id, settled)

    def queried(self, checkout_request_id: str) -> Prompt | None:
        """Someone asked what became of it; None for an id that is unknown."""
        return self._kept.change(
            checkout_request_id, lambda prompt: replace(prompt, queries=prompt.queries + 1)
        )

    def called_back(self, checkout_request_id: str, delivery: Delivery) -> None:
        """Note an attempt to call back."""

        def noted(prompt: Prompt) -> Prompt:
            return replace(prompt, deliveries=(*prompt.deliveries, delivery)[-DELIVERIES_KEPT:])

        self._kept.change(checkout_request_id, noted)

    def _take_money(self, request: StkRequest, now: datetime) -> str:
        return self._transactions.of_prompt(
            request.phone, request.amount, request.account_reference, now
        ).receipt

    def _new(self, request: StkRequest, mode: MpesaMode, now: datetime) -> Prompt:
        # The shapes that ids have had over the years, in turns: nobody may rely on one.
        local = now.astimezone(EAST_AFRICA)
        millis = local.strftime("%d%m%Y%H%M%S") + f"{local.microsecond // 1000:03d}"
        serial = secrets.randbelow(10**9)
        checkout, merchant = (
            (f"ws_CO_{millis}{request.phone[3:]}", f"{serial % 100000}-{serial}-1"),
            (f"ws_CO_DMZ_{serial}_{millis}", f"{serial % 90000 + 10000}-{serial % 9999991}-1"),
            (f"ws_CO_{millis}{serial:09d}", f"{secrets.token_hex(2)}-{secrets.token_hex(22)}"),
        )[next(self._turn) % 3]
        while self._kept.get(checkout) is not None:
            checkout = f"{checkout}{secrets.randbelow(10)}"
        return Prompt(
            checkout_request_id=checkout,
            merchant_request_id=merchant,
            request=request,
            mode=mode,
            at=now,
        )
