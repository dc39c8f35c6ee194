"""What the rules of a town's life stand on: its state, and the means to make things happen."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from hypothesis.stateful import (
    RuleBasedStateMachine,
)

from hotspot.contract.access import (
    AuthorizeRadiusUserJob,
    CreateHotspotUserJob,
    RadiusUserAuthorized,
)
from hotspot.contract.message import Message
from hotspot.contract.payments import (
    CacheCredentialsJob,
    ImportStatementJob,
    ProcessPaymentJob,
    PromptPhoneJob,
    RecordMpesaMessageJob,
    RecordStkCallbackJob,
    RequestPaymentJob,
)
from hotspot.contract.sessions import SessionEnded, SessionExpired, SessionStarted
from hotspot.contract.vouchers import CreateVoucherBatchJob, RedeemVoucherJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON
from payment_service.prompts.prompting import reference_of

from .bus import Death, Waiting
from .mpesa import SOURCE, Movement, Prompt, line
from .town import Town

MOST_DEATHS = 2
# Whose handlers must do nothing anew, though no inbox knows the message.
ASKED_AGAIN = (
    AuthorizeRadiusUserJob,
    CacheCredentialsJob,
    CreateHotspotUserJob,
    CreateVoucherBatchJob,
    ProcessPaymentJob,
    PromptPhoneJob,
    RadiusUserAuthorized,
    RedeemVoucherJob,
    RequestPaymentJob,
)


class Life(RuleBasedStateMachine):
    """One town from its founding until it comes to rest."""

    make: ClassVar[Callable[[], Town]]

    def __init__(self) -> None:
        super().__init__()
        self.town = type(self).make()
        self.asked: list[Any] = []  # payments that guests asked for
        self.vouchers: list[Any] = []

    def come_to_rest(self) -> None:
        """Handle all there is and all that follows, for some minutes."""
        bus, end = self.town.bus, self.town.bus.now + timedelta(minutes=15)
        while (due := bus.next_due()) is not None and due <= end:
            self.town.pass_time(max(due - bus.now, timedelta(0)))
            self.handle(bus.due()[0], None)

    def handle(self, one: Waiting, death: Death | None) -> None:
        self.town.bus.handle(one, death if one.deaths < MOST_DEATHS else None)

    def import_statement(self, moved: list[Movement]) -> None:
        self.town.bus.post(statement_of(moved, self.town.office.sent_back))

    def answer_request(self, request_id: UUID) -> None:
        self.town.bus.post(
            RecordMpesaMessageJob(
                kind="result",
                body=self.town.office.answer(request_id),
                source_address=SOURCE,
                received_at=self.town.bus.now,
                request_id=request_id,
            )
        )

    def show_prompt(self, payment_id: UUID) -> Prompt | None:
        """Handle what belongs to a payment, until M-Pesa shows its prompt, or does not."""
        bus, shown = self.town.bus, self.town.mpesa.prompts
        reference = reference_of(payment_id)
        while reference not in {one.reference for one in shown.values()}:
            mine = [one for one in bus.due() if one.envelope.correlation_id == payment_id]
            if not mine:
                return None
            self.handle(mine[0], None)
        return next(one for one in shown.values() if one.reference == reference)

    def repeatable(self) -> list[Message]:
        return [one for one in self.town.bus.sent if isinstance(one, ASKED_AGAIN)]

    def call_back(self, prompt: Prompt, body: str, source: str) -> None:
        (payment_id,) = [one for one in self.asked if reference_of(one) == prompt.reference]
        job = RecordStkCallbackJob(
            payment_id=payment_id,
            body=body,
            source_address=source,
            received_at=self.town.bus.now,
        )
        self.town.bus.post(job, correlation_id=payment_id)

    def confirm(self, body: str, source: str) -> None:
        self.town.bus.post(
            RecordMpesaMessageJob(
                kind="c2b_confirmation",
                body=body,
                source_address=source,
                received_at=self.town.bus.now,
            )
        )

    def open_prompts(self) -> list[Prompt]:
        return [one for one in self.town.mpesa.prompts.values() if one.code is None]

    def given_up_prompts(self) -> list[Prompt]:
        return [one for one in self.answered_prompts() if one.receipt is None]

    def answered_prompts(self) -> list[Prompt]:
        return [one for one in self.town.mpesa.prompts.values() if one.code is not None]


def of(several: Any, which: int) -> Any:
    return several[which % len(several)]


def statement_of(moved: list[Movement], sent_back: set[str]) -> ImportStatementJob:
    times = [one.at for one in moved] or [NOON]
    return ImportStatementJob(
        statement_id=new_id(),
        part=1,
        parts=1,
        rows=tuple(line(one, sent_back=one.receipt in sent_back) for one in moved),
        requested_by="owner@example.com",
        requested_at=NOON,
        begins_at=min(times),
        ends_at=max(times),
    )


def news_of_session(access: Any, what: str, now: datetime) -> Message:
    """Of the one session that each access has here."""
    about = {
        "session_id": access.payment_id,
        "user_id": access.user_id,
        "username": access.username,
        "grant_id": access.grant_id,
        "payment_id": access.payment_id,
    }
    if what == "starts":
        return SessionStarted(nas="127.0.0.1", started_at=now, **about)
    if what == "ends":
        return SessionEnded(cause="User-Request", bytes_in=1, bytes_out=1, ended_at=now, **about)
    return SessionExpired(cause="data", expired_at=now, **about)
