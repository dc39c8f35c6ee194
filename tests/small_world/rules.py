"""All that can happen. Every rule is one event; workers work only when a rule says so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    invariant,
    precondition,
    rule,
)

from hotspot.contract.payments import (
    CheckMoneyWithoutServiceJob,
    ClaimPaymentJob,
    ReconcilePaymentsJob,
    RequestPaymentJob,
    ReversePaymentJob,
    ReverseReceiptJob,
)
from hotspot.contract.vouchers import CreateVoucherBatchJob, RedeemVoucherJob
from hotspot.ids import new_id
from payment_service.models import Access, Voucher
from payment_service.prompts.prompting import reference_of
from payment_service.vouchers.redeeming import Guest, Refusal

from .bus import Death, may_be_grouped
from .life import Life, news_of_session, of
from .mpesa import SOURCE, STRANGER, Mood, Movement, confirmation
from .town import PHONES

# Which of what there is: the machine takes it modulo how much there is.
WHICH = st.integers(0, 1000)
PHONE = st.sampled_from(PHONES)
DEATHS: list[Death | None] = [None, None, "handling", "calling", "called", "unacked"]
CODES = ["0", "0", "0", "0", "0", "1", "1032", "1037"]


class Everything(Life):
    """Whatever happens, in whatever order, the books are right after each event."""

    # --- guests

    @rule(phone=PHONE, which=WHICH, code=st.sampled_from(CODES), calls=st.integers(0, 2))
    def a_guest_buys(self, phone: str, which: int, code: str, calls: int) -> None:
        """As it goes on most days: prompted at once, and answered; the callback may get lost."""
        self.a_guest_asks_to_buy(phone, which)
        prompt = self.show_prompt(self.asked[-1])
        if prompt is not None and prompt.code is None:
            self.town.mpesa.answer(prompt, code)
            for _ in range(calls):
                self.call_back(prompt, self.town.mpesa.callback(prompt, code), SOURCE)

    @rule(phone=PHONE, which=WHICH)
    def a_guest_asks_to_buy(self, phone: str, which: int) -> None:
        payment_id = new_id()
        self.asked.append(payment_id)
        job = RequestPaymentJob(
            payment_id=payment_id,
            package=of(self.town.packages, which),
            phone=phone,
            requested_at=self.town.bus.now,
        )
        self.town.bus.post(job, correlation_id=payment_id)

    @precondition(lambda self: self.open_prompts())
    @rule(which=WHICH, code=st.sampled_from(CODES))
    def a_guest_answers_a_prompt(self, which: int, code: str) -> None:
        self.town.mpesa.answer(of(self.open_prompts(), which), code)

    @precondition(lambda self: self.given_up_prompts())
    @rule(which=WHICH)
    def a_guest_pays_a_prompt_after_all(self, which: int) -> None:
        """M-Pesa said that it was not paid, and then it was."""
        self.town.mpesa.answer(of(self.given_up_prompts(), which), "0")

    @rule(
        phone=PHONE,
        shillings=st.sampled_from([3, 5, 20, 47]),
        account=st.sampled_from(["nothing", "package", "phone", "voucher", "prompt", "prompt"]),
        confirmed=st.booleans(),
    )
    def a_guest_pays_by_hand(
        self, phone: str, shillings: int, account: str, confirmed: bool
    ) -> None:
        typed = {
            "nothing": "rent",
            "package": "hour 1",
            "phone": "0" + PHONES[0][3:],
            "voucher": ([one.code for one in self.town.rows(Voucher)] or ["-"])[0],
            "prompt": ([reference_of(one) for one in self.asked[-1:]] or ["-"])[0],
        }
        moved = self.town.mpesa.move(phone, shillings, typed[account])
        if confirmed:
            self.confirm(confirmation(moved, "masked"), SOURCE)

    @rule(phone=PHONE, which=WHICH, is_real=st.sampled_from([True, True, False]))
    def a_guest_claims(self, phone: str, which: int, is_real: bool) -> None:
        known = list(self.town.mpesa.moved)
        receipt = of(known, which) if known and is_real else "GUESS00001"
        if is_real and known and which % 2:
            phone = self.town.mpesa.moved[receipt].phone
        payment_id = self.town.claimed(receipt, phone) or new_id()
        job = ClaimPaymentJob(
            payment_id=payment_id, receipt=receipt, phone=phone, claimed_at=self.town.bus.now
        )
        self.town.bus.post(job, correlation_id=payment_id)

    @precondition(lambda self: self.town.rows(Voucher))
    @rule(which=WHICH, phone=st.sampled_from([None, *PHONES]))
    def a_guest_types_a_voucher(self, which: int, phone: str | None) -> None:
        guest = Guest(phone=phone, mac=None if phone else "02:00:5E:10:00:01")
        voucher_id = of(self.town.rows(Voucher), which).id
        outcome = self.town.type_voucher(voucher_id, guest)
        if isinstance(outcome, Refusal):
            return  # the route refuses: no job is sent
        job = RedeemVoucherJob(
            payment_id=outcome.payment_id,
            voucher_id=voucher_id,
            redeemed_at=self.town.bus.now,
            phone=guest.phone,
            mac=guest.mac,
        )
        self.town.bus.post(job, correlation_id=outcome.payment_id)

    @precondition(lambda self: self.town.rows(Access, Access.username.is_not(None)))
    @rule(which=WHICH, what=st.sampled_from(["starts", "ends", "uses up its data"]))
    def a_session(self, which: int, what: str) -> None:
        access = of(self.town.rows(Access, Access.username.is_not(None)), which)
        self.town.bus.post(news_of_session(access, what, self.town.bus.now))

    # --- M-Pesa

    @precondition(lambda self: self.answered_prompts())
    @rule(which=WHICH, newest=st.booleans())
    def mpesa_calls_back(self, which: int, newest: bool) -> None:
        """Again, or for the first time; perhaps with what it would have said at first."""
        prompt = of(self.answered_prompts(), which)
        code = prompt.codes[-1 if newest else 0]
        self.call_back(prompt, self.town.mpesa.callback(prompt, code), SOURCE)

    @precondition(lambda self: self.town.mpesa.moved)
    @rule(which=WHICH, version=st.sampled_from(["masked", "hashed", "plain"]))
    def mpesa_confirms(self, which: int, version: Any) -> None:
        moved = of(list(self.town.mpesa.moved.values()), which)
        self.confirm(confirmation(moved, version), SOURCE)

    @precondition(lambda self: self.town.mpesa.prompts)
    @rule(which=WHICH, lie=st.sampled_from(["callback", "confirmation"]))
    def a_stranger_lies(self, which: int, lie: str) -> None:
        prompt = of(list(self.town.mpesa.prompts.values()), which)
        if lie == "callback":
            false = replace(prompt, receipt="LIE0000001")
            self.call_back(prompt, self.town.mpesa.callback(false, "0"), STRANGER)
            return
        false_money = Movement(
            receipt="LIE0000002",
            shillings=prompt.shillings,
            phone=prompt.phone,
            reference=prompt.reference,
            at=self.town.bus.now,
        )
        self.confirm(confirmation(false_money, "plain"), STRANGER)

    @precondition(lambda self: self.town.office.requests)
    @rule(which=WHICH)
    def mpesa_answers_a_request(self, which: int) -> None:
        self.answer_request(of(list(self.town.office.requests), which))

    @rule(mood=st.sampled_from(["ok", "ok", "ok", "down", "reply_lost"]))
    def mpesa_changes_its_mood(self, mood: Mood) -> None:
        self.town.mpesa.mood = mood

    # --- operators and the schedule

    @precondition(lambda self: self.town.mpesa.moved)
    @rule(first=WHICH, count=st.integers(1, 5))
    def a_statement_is_imported(self, first: int, count: int) -> None:
        moved = list(self.town.mpesa.moved.values())
        start = first % len(moved)
        self.import_statement(moved[start : start + count])

    @precondition(lambda self: self.town.receipts())
    @rule(which=WHICH)
    def an_owner_sends_money_back(self, which: int) -> None:
        row = of(self.town.receipts(), which)
        about: dict[str, Any] = {
            "reason": "asked for",
            "requested_by": "owner@example.com",
            "requested_at": self.town.bus.now,
        }
        if self.town.may_go_back(row.receipt):
            is_its_payment = row.payment_id is not None and row.held is None
            self.town.bus.post(
                ReversePaymentJob(payment_id=row.payment_id, **about)
                if is_its_payment
                else ReverseReceiptJob(receipt=row.receipt, **about)
            )

    @precondition(lambda self: len(self.vouchers) < 2)
    @rule(which=WHICH)
    def vouchers_are_printed(self, which: int) -> None:
        batch_id = new_id()
        self.vouchers.append(batch_id)
        job = CreateVoucherBatchJob(
            batch_id=batch_id,
            package=of(self.town.packages, which),
            count=2,
            requested_by="owner@example.com",
            requested_at=self.town.bus.now,
        )
        self.town.bus.post(job)

    @rule(job=st.sampled_from([CheckMoneyWithoutServiceJob, ReconcilePaymentsJob]))
    def the_schedule_is_kept(self, job: Callable[[], Any]) -> None:
        self.town.bus.post(job())

    @rule(seconds=st.sampled_from([5, 30, 61, 700, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.town.pass_time(timedelta(seconds=seconds))
        self.town.mpesa.mood = "ok"
        for prompt in self.open_prompts() if seconds > 60 else []:
            self.town.mpesa.answer(prompt, "1037")  # nobody looks at a prompt for so long

    # --- workers

    @precondition(lambda self: self.town.bus.due())
    @rule(which=WHICH, death=st.sampled_from(DEATHS))
    def a_worker_handles_any_message(self, which: int, death: Death | None) -> None:
        self.handle(of(self.town.bus.due(), which), death)

    @precondition(lambda self: self.town.bus.due())
    @rule(count=st.integers(2, 30))
    def workers_handle_what_waits(self, count: int) -> None:
        for _ in range(count):
            due = self.town.bus.due()
            if due:
                self.handle(due[0], None)

    @precondition(lambda self: self.town.bus.due())
    @rule(which=WHICH)
    def a_worker_handles_a_group(self, which: int) -> None:
        due = [one for one in self.town.bus.due() if may_be_grouped(one)]
        if due:
            queue = of(due, which).queue
            self.town.bus.handle_together([one for one in due if one.queue == queue])

    @precondition(lambda self: self.repeatable())
    @rule(which=WHICH)
    def a_message_is_sent_once_more(self, which: int) -> None:
        """Under another id: whoever healed something asked again, and nothing was missing."""
        self.town.bus.post(of(self.repeatable(), which))

    # --- what must be true

    @invariant()
    def the_books_are_right(self) -> None:
        self.town.check()

    def teardown(self) -> None:
        """Let everything come to rest: nobody who paid may be left over."""
        mpesa, bus = self.town.mpesa, self.town.bus
        mpesa.mood = "ok"
        self.come_to_rest()
        for prompt in self.open_prompts():
            mpesa.answer(prompt, "1037")
        self.import_statement(list(mpesa.moved.values()))
        self.come_to_rest()
        for request_id in self.town.office.requests:
            self.answer_request(request_id)
        for _ in range(3):
            bus.retry_failed()
            bus.post(ReconcilePaymentsJob())
            bus.post(CheckMoneyWithoutServiceJob())
            self.town.pass_time(timedelta(minutes=2))
            self.come_to_rest()
        self.town.check_at_rest()
