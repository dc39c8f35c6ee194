"""Money that comes without a prompt of ours: paid to the till or paybill by hand (C2B)."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from hotspot.bus.work import Work
from hotspot.contract.money import Money
from hotspot.contract.payments import RecordMpesaMessageJob
from payment_service.callbacks.sources import Trust
from payment_service.models import COMPLETED, Payment, Receipt
from payment_service.mpesa.stk import amount_of, identifier_of, receipt_of, time_of
from payment_service.prompts.asking import ask_for_receipt, ask_now
from payment_service.settling import hearsay, matching
from payment_service.settling.credit import ArrivedMoney, credit
from payment_service.settling.payers import Payer, read_payer
from payment_service.settling.settlement import Paid, Verdict, settle

UNPROVEN = "from an unknown source: nobody is served before M-Pesa confirms it"


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What a C2B confirmation tells. Numbers of payers may be hashed or masked, names absent.

    `reference` is what the payer typed as account number; nothing for a till.
    """

    receipt: str
    amount: Money
    paid_at: datetime | None
    payer: Payer
    payer_name: str | None
    reference: str | None

    def arrived(self) -> ArrivedMoney:
        """As money to be credited."""
        return ArrivedMoney(
            source="c2b_confirmation",
            receipt=self.receipt,
            amount=self.amount,
            paid_at=self.paid_at,
            phone=self.payer.phone,
            hashed_phone=self.payer.hashed,
            masked_phone=self.payer.masked,
            payer_name=self.payer_name,
            reference=self.reference,
        )


def read_confirmation(body: str) -> Confirmation | None:
    """A confirmation as Daraja sends it (v1 and v2); None for what names no money."""
    try:
        told = json.loads(body, parse_float=Decimal, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    receipt, amount = receipt_of(told.get("TransID")), amount_of(told.get("TransAmount"))
    if receipt is None or amount is None:
        return None
    names = (told.get(name) for name in ("FirstName", "MiddleName", "LastName"))
    return Confirmation(
        receipt=receipt,
        amount=amount,
        paid_at=time_of(told.get("TransTime")),
        payer=read_payer(told.get("MSISDN")),
        payer_name=" ".join(filter(None, map(identifier_of, names))) or None,
        reference=identifier_of(told.get("BillRefNumber")),
    )


def hear_confirmation(job: RecordMpesaMessageJob, trust: Trust, work: Work) -> str | None:
    """Credit money that came; answers what a person should know of it, if anything.

    A prompt that was paid on a shortcode with C2B URLs is confirmed here as well: the same receipt,
    credited once, whichever comes first.
    """
    told = read_confirmation(job.body)
    if told is None:
        return "names no receipt, or no amount"
    if trust.needs_proof(job.source_address):
        return _doubt(told, job, work)
    credited = credit(told.arrived(), work)
    return "its money is held" if credited.verdict is Verdict.HELD else None


def _doubt(told: Confirmation, job: RecordMpesaMessageJob, work: Work) -> str | None:
    """From an unknown source: M-Pesa is asked, about the prompt where there is one."""
    credited = select(Receipt.payment_id).where(Receipt.receipt == told.receipt)
    if work.session.scalar(credited) is not None:
        return None
    payment_id = matching.by_reference(work.session, told.reference)
    if payment_id is None and not hearsay.is_known(work.session, told.receipt):
        ask_for_receipt(told.receipt, work)
    elif payment_id is not None and _is_completed(payment_id, told, work):
        return None
    hearsay.keep(
        work.session,
        id=work.envelope.message_id,
        kind="c2b_confirmation",
        payment_id=payment_id,
        receipt=told.receipt,
        amount=told.amount.amount,
        paid_at=told.paid_at,
        payer=told.payer.told,
        payer_name=told.payer_name,
        reference=told.reference,
        source_address=job.source_address,
        heard_at=work.now,
    )
    if payment_id is not None:
        ask_now(payment_id, work)
    return UNPROVEN


def _is_completed(payment_id: UUID, told: Confirmation, work: Work) -> bool:
    """Whether M-Pesa confirmed the payment before. A query tells no receipt: here it is."""
    wanted = select(Payment.status, Payment.receipt, Payment.price).where(Payment.id == payment_id)
    payment = work.session.execute(wanted.with_for_update()).one()
    if payment.status != COMPLETED:
        return False
    if payment.receipt is None and payment.price == told.amount.amount:
        paid = Paid(
            source="stk_query",
            receipt=told.receipt,
            amount=told.amount,
            paid_at=told.paid_at,
        )
        settle(payment_id, paid, work)
        return True
    return bool(payment.receipt == told.receipt)
