"""Messages about money."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from hotspot.contract.message import Message, message
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms


@dataclass(frozen=True, kw_only=True)
class StatementRow:
    """Money that came in, as a line of the organisation's statement tells it.

    `sent_back`: a later line says that it was reversed.
    """

    receipt: str
    completed_at: datetime
    paid_in: Money
    details: str
    sent_back: bool = False


@message("RequestPaymentJob", version=1)
class RequestPaymentJob(Message):
    """A guest wants to buy: record the payment, then have the phone prompted."""

    payment_id: UUID
    package: PackageTerms
    phone: str
    requested_at: datetime
    mac: str | None = None
    ip: str | None = None
    router_id: str | None = None
    link_login_only: str | None = None
    idempotency_key: str | None = None


@message("PromptPhoneJob", version=1)
class PromptPhoneJob(Message):
    """Ask M-Pesa to show the payer the prompt of a recorded payment."""

    payment_id: UUID


@message("AskAboutPaymentJob", version=1)
class AskAboutPaymentJob(Message):
    """Nothing was heard of a prompt: ask M-Pesa what became of it. `asked` counts from 0."""

    payment_id: UUID
    asked: int


@message("RecordStkCallbackJob", version=1)
class RecordStkCallbackJob(Message):
    """M-Pesa called back about a prompt: keep the body as it came, then settle."""

    payment_id: UUID
    body: str
    source_address: str
    received_at: datetime


@message("RecordMpesaMessageJob", version=1)
class RecordMpesaMessageJob(Message):
    """M-Pesa said something that answers no prompt: keep it, and the money that it names.

    A result answers the request that its URL was made for. `timed_out`: M-Pesa let it wait in a
    queue for too long.
    """

    kind: Literal["c2b_validation", "c2b_confirmation", "result"]
    body: str
    source_address: str
    received_at: datetime
    request_id: UUID | None = None
    timed_out: bool = False


@message("ProcessPaymentJob", version=1)
class ProcessPaymentJob(Message):
    """Make the voucher that proves a completed payment."""

    payment_id: UUID


@message("CacheCredentialsJob", version=1)
class CacheCredentialsJob(Message):
    """The login works: keep its credentials for the buyer's page, which logs in by itself.

    The password is sealed (`hotspot.vault`).
    """

    payment_id: UUID
    user_id: UUID
    grant_id: UUID
    username: str
    sealed_password: str
    until: datetime


@message("PaymentRequested", version=1)
class PaymentRequested(Message):
    """A guest asked to buy a package."""

    payment_id: UUID
    phone: str
    package_id: UUID
    price: Money
    requested_at: datetime
    router_id: str | None = None


@message("PaymentCompleted", version=1)
class PaymentCompleted(Message):
    """Money arrived and was matched to a payment."""

    payment_id: UUID
    phone: str
    package_id: UUID
    receipt: str
    amount: Money
    completed_at: datetime
    router_id: str | None = None


@message("PaymentFailed", version=1)
class PaymentFailed(Message):
    """A payment ended without money, as far as is known now."""

    payment_id: UUID
    status: Literal["failed", "cancelled", "expired"]
    code: str
    reason: str
    failed_at: datetime


@message("VoucherIssued", version=1)
class VoucherIssued(Message):
    """A completed payment got its voucher. The code itself stays with payment-service."""

    voucher_id: UUID
    payment_id: UUID
    issued_at: datetime


@message("ReconcilePaymentsJob", version=1)
class ReconcilePaymentsJob(Message):
    """Ask about payments that heard nothing, and end those that stayed silent for a day."""


@message("CheckMoneyWithoutServiceJob", version=1)
class CheckMoneyWithoutServiceJob(Message):
    """Count confirmed payments that nobody is served for, and ask the missing step again."""


@message("ClaimPaymentJob", version=1)
class ClaimPaymentJob(Message):
    """A guest shows a receipt: serve its payment once, or move its access to this device.

    `payment_id` is what the guest's page watches: the payment that has the receipt, or the one
    that is made when M-Pesa knows it.
    """

    payment_id: UUID
    receipt: str
    phone: str
    claimed_at: datetime
    mac: str | None = None
    ip: str | None = None
    router_id: str | None = None
    link_login_only: str | None = None


@message("AskAboutReceiptJob", version=1)
class AskAboutReceiptJob(Message):
    """A claimed receipt is unknown here: ask M-Pesa for it (transaction status)."""

    payment_id: UUID
    receipt: str


@message("ReversePaymentJob", version=1)
class ReversePaymentJob(Message):
    """An owner wants a payment's money sent back: ask M-Pesa for the reversal."""

    payment_id: UUID
    reason: str
    requested_by: str
    requested_at: datetime


@message("ReverseReceiptJob", version=1)
class ReverseReceiptJob(Message):
    """An owner wants money sent back that bought nothing: ask M-Pesa for the reversal."""

    receipt: str
    reason: str
    requested_by: str
    requested_at: datetime


@message("CheckReversalJob", version=1)
class CheckReversalJob(Message):
    """A reversal was asked for some time ago: put it in front of a person if nothing came."""

    reversal_id: UUID


@message("ClearAttentionJob", version=1)
class ClearAttentionJob(Message):
    """A person has dealt with what a payment needed them for. `needs_attention`: as they read it.

    What was added to it since then stays.
    """

    payment_id: UUID
    needs_attention: str
    cleared_by: str
    cleared_at: datetime


@message("PaymentReversed", version=1)
class PaymentReversed(Message):
    """M-Pesa sent a payment's money back; its access ended."""

    payment_id: UUID
    receipt: str
    amount: Money
    reversed_at: datetime


@message("ImportStatementJob", version=1)
class ImportStatementJob(Message):
    """Settle what one part of an M-Pesa statement names and we never heard of.

    `begins_at` and `ends_at`: the time that the whole statement covers.
    """

    statement_id: UUID
    part: int
    parts: int
    rows: tuple[StatementRow, ...]
    requested_by: str
    requested_at: datetime
    begins_at: datetime | None = None
    ends_at: datetime | None = None
