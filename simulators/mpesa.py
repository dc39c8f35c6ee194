"""M-Pesa: what guests do with their prompts, and when the merchant hears of it."""

import itertools
from datetime import datetime
from functools import partial
from typing import Final

from simulators.behaviour import (
    DEFAULT_DELAY,
    Behaviours,
    C2bOrder,
    MpesaBehaviour,
    MpesaMode,
)
from simulators.c2b import C2b
from simulators.callbacks import Postman
from simulators.clock import Clock
from simulators.prompts import (
    OUTCOMES,
    PAID,
    REPEAT_WITHIN,
    RULE_LIMITED,
    Outcome,
    Prompt,
    Prompts,
    PromptState,
)
from simulators.stk import StkRequest
from simulators.transactions import Transactions

# A callback that M-Pesa sends again: three at once, then two that straggle.
DUPLICATES: Final = (0.0, 0.0, 0.0, 0.2, 1.0)


class Mpesa:
    """Takes prompts, lets the guests answer them, and calls back."""

    def __init__(self, *, clock: Clock, postman: Postman, shortcode: str) -> None:
        self._clock = clock
        self._postman = postman
        self._turn = itertools.count()
        self.behaviours = Behaviours()
        self.transactions = Transactions()
        self.prompts = Prompts(self.transactions)
        self.c2b = C2b(
            clock=clock, postman=postman, transactions=self.transactions, shortcode=shortcode
        )

    def ask(self, request: StkRequest) -> Prompt:
        """Show the prompt and arrange what follows; DarajaError while another one is open."""
        now = self._clock.now()
        behaviour = self.behaviours.of(request.phone)
        repeated = self.behaviours.default.refuse_repeats or behaviour.refuse_repeats
        repeated = repeated and self._is_repeat(request, now)
        prompt = self.prompts.open(request, behaviour.mode, now)
        outcome = RULE_LIMITED if repeated else _outcome(behaviour)
        settle = partial(self.settle, prompt.checkout_request_id, outcome)
        if behaviour.mode is MpesaMode.CALLBACK_FIRST:
            settle()
            return prompt
        if behaviour.mode is MpesaMode.LATE_CALLBACK:
            answered = partial(self.prompts.answered, prompt.checkout_request_id)
            self._clock.after(min(DEFAULT_DELAY, behaviour.delay), answered)
        self._clock.after(behaviour.delay, settle)
        return prompt

    def settle(self, checkout_request_id: str, outcome: Outcome) -> Prompt | None:
        """The result is there: call back as the prompt's mode has it; None if it was before."""
        prompt = self.prompts.settle(checkout_request_id, outcome, self._clock.now())
        if prompt is None:
            return None
        order = self._order_of(prompt)
        if order is C2bOrder.BEFORE:
            self._confirm(prompt)
        self._call_back(prompt)
        if order is C2bOrder.AFTER:
            self._confirm(prompt)
        return prompt

    def clear(self) -> None:
        """Nothing has happened, and everyone pays. URLs that were registered stay so."""
        self.behaviours.clear()
        self.prompts.clear()
        self.transactions.clear()
        self.c2b.clear()

    def _call_back(self, prompt: Prompt) -> None:
        if prompt.mode is MpesaMode.NO_CALLBACK:
            return
        deliver = partial(self._deliver, prompt, self._postman.write(prompt))
        if prompt.mode is MpesaMode.DUPLICATE:
            for delay in DUPLICATES:
                self._clock.after(delay, deliver)
        else:
            deliver()

    def _order_of(self, prompt: Prompt) -> C2bOrder:
        """When the same money is confirmed by C2B as well, beside the prompt's own callback."""
        if prompt.receipt is None:
            return C2bOrder.NONE
        chosen = self.behaviours.of(prompt.request.phone).c2b
        if chosen is not None:
            return chosen
        if prompt.mode is MpesaMode.NO_CALLBACK:  # nobody shall hear of it but who asks
            return C2bOrder.NONE
        return (C2bOrder.BEFORE, C2bOrder.AFTER)[next(self._turn) % 2]

    def _confirm(self, prompt: Prompt) -> None:
        paid = self.transactions.get(prompt.receipt or "")
        if paid is not None:
            self.c2b.confirm(paid)

    def _deliver(self, prompt: Prompt, body: bytes) -> None:
        url = prompt.request.callback_url
        delivery = self._postman.deliver(url, body, self._clock.now())
        self.prompts.called_back(prompt.checkout_request_id, delivery)

    def _is_repeat(self, request: StkRequest, now: datetime) -> bool:
        last = self.prompts.newest_of(request.phone)
        return (
            last is not None
            and last.state is PromptState.PAID
            and last.request.amount == request.amount
            and now - last.at < REPEAT_WITHIN
        )


def _outcome(behaviour: MpesaBehaviour) -> Outcome:
    if behaviour.mode is MpesaMode.RESULT:
        code = behaviour.result_code
        if code in (0, None):
            return PAID
        return Outcome(state=PromptState.REFUSED, result_code=code or 0)
    return OUTCOMES.get(behaviour.mode, PAID)
