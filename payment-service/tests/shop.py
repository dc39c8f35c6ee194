"""payment-service in a test: its database, its handlers, and an M-Pesa that does as it is told."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select, text

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms
from hotspot.contract.payments import (
    CacheCredentialsJob,
    PromptPhoneJob,
    RecordStkCallbackJob,
    RequestPaymentJob,
)
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, run
from hotspot.vault import Vault
from payment_service.models import Access, MpesaMessage, Payment, Receipt, Voucher
from payment_service.mpesa.api import Accepted, Answered, NotYet, PromptRequest
from payment_service.mpesa.daraja_requests import Taken

PHONE = "254712345678"
# One of those that Safaricom is known to call from, and one that it is not.
SAFARICOM, STRANGER = "196.201.214.200", "203.0.113.9"
PRICE = Money.shillings(20)
CHECKOUT = "ws_CO_15012026120000000712345678"
RECEIPT = "UAF7RT61SV"
# As their listeners read them: HotspotUserProvisionRequested is handled as CreateHotspotUserJob.
SUCCESS_MESSAGES = ["PaymentCompleted", "CreateHotspotUserJob", "ProcessPaymentJob"]
SAMPLES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("daraja_samples.json").read_text()
)["samples"]


def samples(kind: str) -> list[dict[str, Any]]:
    """The recorded samples of one kind."""
    return [sample for sample in SAMPLES if sample["kind"] == kind]


def id_of(sample: dict[str, Any]) -> str:
    """The name of a sample, for test ids."""
    return str(sample["id"])


def names(messages: Sequence[Message]) -> list[str]:
    """What was sent, by name."""
    return [message.NAME for message in messages]


def package(price: Money = PRICE, package_id: UUID | None = None) -> PackageTerms:
    """An hour."""
    return PackageTerms(
        package_id=package_id or new_id(),
        name="1 hour",
        kind="hotspot",
        price=price,
        duration_seconds=3600,
        down_kbps=5000,
        up_kbps=2500,
    )


def success(
    *,
    checkout: str | None = CHECKOUT,
    receipt: str | None = RECEIPT,
    amount: object = 20.0,
    code: object = 0,
) -> str:
    """The callback of a prompt that was paid."""
    items = [
        {"Name": "Amount", "Value": amount},
        {"Name": "MpesaReceiptNumber", "Value": receipt},
        {"Name": "TransactionDate", "Value": 20260115120005},
        {"Name": "PhoneNumber", "Value": int(PHONE)},
    ]
    return json.dumps(
        {
            "Body": {
                "stkCallback": {
                    "MerchantRequestID": "29115-34620561-1",
                    "CheckoutRequestID": checkout,
                    "ResultCode": code,
                    "ResultDesc": "The service request is processed successfully.",
                    "CallbackMetadata": {"Item": items},
                }
            }
        }
    )


def failure(code: object, *, checkout: str = CHECKOUT) -> str:
    """The callback of a prompt that was not paid."""
    return json.dumps(
        {
            "Body": {
                "stkCallback": {
                    "MerchantRequestID": "29115-34620561-1",
                    "CheckoutRequestID": checkout,
                    "ResultCode": code,
                    "ResultDesc": "whatever it says this year",
                }
            }
        }
    )


@dataclass
class FakeMpesa:
    """Answers prompts with what it was given, in turn; then with an acceptance.

    `meanwhile` happens between the request and its answer.
    """

    answers: list[Accepted | BaseException] = field(default_factory=list)
    outcomes: dict[str, Answered | NotYet | BaseException] = field(default_factory=dict)
    asked: list[PromptRequest] = field(default_factory=list)
    queried: list[str] = field(default_factory=list)
    outcome_of_all: Answered | NotYet | None = None
    meanwhile: Callable[[], object] = lambda: None

    def prompt(self, request: PromptRequest) -> Accepted:
        """Show a prompt."""
        self.asked.append(request)
        self.meanwhile()
        answer = self.answers.pop(0) if self.answers else accepted()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def query(self, checkout_request_id: str) -> Answered | NotYet:
        """What it was told of a prompt; else nobody knows."""
        self.queried.append(checkout_request_id)
        nothing = NotYet(reason=f"nothing is known of {checkout_request_id}")
        outcome = self.outcomes.get(checkout_request_id, self.outcome_of_all or nothing)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def answer_all(self, outcome: Answered | NotYet) -> None:
        """Say this of every prompt from now on."""
        self.outcome_of_all = outcome


@dataclass
class FakeRequests:
    """Takes requests that are answered later; answers first with what it was given, in turn.

    `meanwhile` happens between the request and its reply.
    """

    answers: list[Taken | NotYet | BaseException] = field(default_factory=list)
    asked: list[tuple[UUID, str]] = field(default_factory=list)
    reversed: list[tuple[UUID, str, Money]] = field(default_factory=list)
    may_ask: bool = True
    meanwhile: Callable[[UUID], object] = lambda _: None

    def status(self, request_id: UUID, receipt: str) -> Taken | NotYet:
        """Ask for a receipt."""
        self.asked.append((request_id, receipt))
        return self._reply(request_id)

    def reverse(self, request_id: UUID, receipt: str, amount: Money, remarks: str) -> Taken:
        """Have money sent back."""
        self.reversed.append((request_id, receipt, amount))
        reply = self._reply(request_id)
        assert isinstance(reply, Taken)
        return reply

    def _reply(self, request_id: UUID) -> Taken | NotYet:
        self.meanwhile(request_id)
        answer = self.answers.pop(0) if self.answers else taken(request_id)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def taken(request_id: UUID) -> Taken:
    """M-Pesa's reply to a request that it took: a conversation of its own for each."""
    return Taken(
        conversation_id=f"AG_{request_id.hex[-20:]}",
        originator_conversation_id=f"1-{request_id.hex[-8:]}-1",
        said="{}",
    )


def accepted(checkout: str = CHECKOUT) -> Accepted:
    """M-Pesa's reply to a prompt that it took."""
    said = json.dumps({"CheckoutRequestID": checkout, "ResponseCode": "0"})
    return Accepted(checkout_request_id=checkout, merchant_request_id="29115-34620561-1", said=said)


@dataclass(kw_only=True)
class Shop:
    """The service under test."""

    engine: Engine
    handlers: Handlers
    mpesa: FakeMpesa
    vault: Vault
    requests: FakeRequests = field(default_factory=FakeRequests)

    def run(self, message: Message, **options: Any) -> list[Message]:
        """Handle a message twice; answers what the first run sent."""
        return run(self.handlers, message, self.engine, service="payment", **options)

    def request(self, *, price: Money = PRICE, **more: Any) -> UUID:
        """A payment that was asked for, its phone not prompted yet."""
        values = {"payment_id": new_id(), "package": package(price), "phone": PHONE}
        job = RequestPaymentJob(**{**values, "requested_at": NOON, **more})
        self.run(job)
        return job.payment_id

    def prompted(self, *, checkout: str = CHECKOUT, price: Money = PRICE) -> UUID:
        """A payment whose phone shows the prompt."""
        payment_id = self.request(price=price)
        self.mpesa.answers.append(accepted(checkout))
        self.run(PromptPhoneJob(payment_id=payment_id))
        return payment_id

    def call_back(
        self,
        payment_id: UUID,
        body: str,
        *,
        source: str = SAFARICOM,
        now: datetime = NOON,
        times: int = 2,
    ) -> list[Message]:
        """M-Pesa calls back; answers what was sent."""
        job = RecordStkCallbackJob(
            payment_id=payment_id, body=body, source_address=source, received_at=now
        )
        return self.run(job, now=now, times=times)

    def completed(self) -> UUID:
        """A payment that was paid."""
        payment_id = self.prompted(checkout=f"ws_CO_{new_id().hex}")
        with self.engine.connect() as connection:
            checkout = connection.scalar(
                select(Payment.checkout_request_id).where(Payment.id == payment_id)
            )
        self.call_back(
            payment_id, success(checkout=checkout, receipt="UA" + payment_id.hex[-8:].upper())
        )
        return payment_id

    def cache_credentials(self, payment_id: UUID, until: datetime) -> None:
        """The login works."""
        self.run(
            CacheCredentialsJob(
                payment_id=payment_id,
                user_id=new_id(),
                grant_id=new_id(),
                username="0712345678",
                sealed_password=self.vault.seal("kifaru42"),
                until=until,
            )
        )

    def payment(self, payment_id: UUID) -> Any:
        """Its row."""
        return self._one(Payment, Payment.id == payment_id)

    def access(self, payment_id: UUID) -> Any:
        """What its page may use, or None."""
        return self._one(Access, Access.payment_id == payment_id)

    def voucher(self, payment_id: UUID) -> Any:
        """Its voucher, or None."""
        return self._one(Voucher, Voucher.payment_id == payment_id)

    def receipt(self, receipt: str) -> Any:
        """A receipt in the books, or None."""
        return self._one(Receipt, Receipt.receipt == receipt)

    def heard(self, payment_id: UUID, kind: str = "stk_callback") -> Sequence[Any]:
        """What M-Pesa said of a payment."""
        wanted = select(MpesaMessage.__table__).where(
            MpesaMessage.payment_id == payment_id, MpesaMessage.kind == kind
        )
        with self.engine.connect() as connection:
            return connection.execute(wanted.order_by(MpesaMessage.id)).all()

    def count(self, table: Any) -> int:
        """How many rows a table has."""
        with self.engine.connect() as connection:
            return int(connection.scalar(select(func.count()).select_from(table)) or 0)

    def engine_run(self, statement: str, **values: object) -> None:
        """Have something happen to the database that no handler does."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def _one(self, table: Any, condition: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(select(table.__table__).where(condition)).one_or_none()
