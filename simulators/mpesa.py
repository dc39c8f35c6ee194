"""M-Pesa: what guests do with their prompts, and when the merchant hears of it."""

from datetime import datetime
from functools import partial
from typing import Final

from simulators.behaviour import DEFAULT_DELAY, Behaviours, MpesaBehaviour, MpesaMode
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

# A callback that M-Pesa sends again: three at once, then two that straggle.
DUPLICATES: Final = (0.0, 0.0, 0.0, 0.2, 1.0)


class Mpesa:
    """Takes prompts, lets the guests answer them, and calls back."""

    def __init__(self, *, clock: Clock, postman: Postman) -> None:
        self._clock = clock
        self._postman = postman
        self.behaviours = Behaviours()
        self.prompts = Prompts()

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
        if prompt is None or prompt.mode is MpesaMode.NO_CALLBACK:
            return prompt
        deliver = partial(self._deliver, prompt, self._postman.write(prompt))
        if prompt.mode is MpesaMode.DUPLICATE:
            for delay in DUPLICATES:
                self._clock.after(delay, deliver)
        else:
            deliver()
        return prompt

    def _deliver(self, prompt: Prompt, body: bytes) -> None:
        delivery = self._postman.deliver(prompt, body, self._clock.now())
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
