"""Money that comes with a receipt and not with a payment: C2B, a claim, a statement.

One way for all of it. It is the money of a payment that we know, or it buys a package, or it is
held in front of a person with the reason; it is never dropped.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Work
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms
from hotspot.ids import new_id
from payment_service.models import COMPLETED, PENDING, AnyRow, Payment, Receipt, change
from payment_service.packages import offers, terms
from payment_service.packages.offers import Buyer
from payment_service.settling import matching
from payment_service.settling.matching import Several
from payment_service.settling.payers import Payer
from payment_service.settling.settlement import Paid, Source, Verdict, settle

log = structlog.get_logger()

# How a payment began that was made for money of this source.
_BEGAN: dict[Source, str] = {"c2b_confirmation": "c2b", "claim": "claim", "statement": "statement"}


@dataclass(frozen=True, kw_only=True)
class ArrivedMoney:
    """Money that M-Pesa says is there, and what it tells of who paid it and what for.

    `phone` is the payer's number in the clear (254...), `hashed_phone` its SHA-256 in hex (C2B v1),
    `masked_phone` as C2B v2 writes it (`2547 ***** 126`). `reference` is what the payer typed
    (BillRefNumber), or our AccountReference. `payment_id`: the id that a payment made for this
    money shall have.
    """

    source: Source
    receipt: str
    amount: Money
    paid_at: datetime | None = None
    phone: str | None = None
    hashed_phone: str | None = None
    masked_phone: str | None = None
    reference: str | None = None
    payer_name: str | None = None
    payment_id: UUID | None = None
    mac: str | None = None
    ip: str | None = None
    router_id: str | None = None
    link_login_only: str | None = None


@dataclass(frozen=True, kw_only=True)
class Credited:
    """Where the money went: to this payment, or (None) to nobody and in front of a person."""

    payment_id: UUID | None
    verdict: Verdict


def credit(arrived: ArrivedMoney, work: Work) -> Credited:
    """Give the money to its payment, make a payment for it, or hold it. Twice changes nothing.

    What was held before and belongs to no payment is tried again with what is known now.
    """
    known = _known(arrived.receipt, work)
    if known is not None and known.reversed_at is not None:  # money that went back buys nothing
        return Credited(payment_id=known.payment_id, verdict=Verdict.CHANGED_NOTHING)
    if known is not None and known.payment_id is not None:
        verdict = Verdict.HELD if known.held else Verdict.CHANGED_NOTHING
        return Credited(payment_id=known.payment_id, verdict=verdict)
    reference = arrived.reference or (known.reference if known else None)
    named = matching.by_reference(work.session, reference)
    if named is not None:
        credited = _settle(named, arrived, work)
    else:
        buyer = offers.buyer_of(work.session, reference, _payer(arrived))
        credited = _credit_buyer(buyer, arrived, work)
    _describe(arrived, work)
    log.info("money credited", receipt=arrived.receipt, verdict=credited.verdict.value)
    return credited


def _known(receipt: str, work: Work) -> AnyRow | None:
    wanted = select(Receipt.payment_id, Receipt.held, Receipt.reference, Receipt.reversed_at)
    return work.session.execute(wanted.where(Receipt.receipt == receipt)).one_or_none()


def _settle(payment_id: UUID, arrived: ArrivedMoney, work: Work) -> Credited:
    verdict = settle(payment_id, _paid(arrived), work)
    return Credited(payment_id=payment_id, verdict=verdict)


def _credit_buyer(buyer: Buyer, arrived: ArrivedMoney, work: Work) -> Credited:
    """To the payment that waits for this money, or else for what it buys."""
    payer = Payer(phone=buyer.phone) if buyer.phone else _payer(arrived)
    waiting = matching.by_payer(
        work.session, payer, arrived.amount.amount, arrived.paid_at or work.now
    )
    if isinstance(waiting, UUID):
        return _settle(waiting, arrived, work)
    if isinstance(waiting, Several):
        return _hold(arrived, f"{waiting.count} guests wait for {_told(arrived)}", work)
    return _sell(buyer, arrived, work)


def _sell(buyer: Buyer, arrived: ArrivedMoney, work: Work) -> Credited:
    """A new payment, for what the money buys."""
    if buyer.phone is None:
        return _hold(arrived, f"it is not known who paid {_told(arrived)}", work)
    on_sale = offers.on_sale(work.session)
    package = offers.largest_that_fits(on_sale, arrived.amount.amount, buyer.package_id)
    if package is None:
        return _hold(arrived, f"{arrived.amount} is less than any package costs", work)
    # The receipt first: whoever has written it down decides what it buys.
    if not _book(arrived, "being credited", work):
        return _credited_meanwhile(arrived, work)
    payment_id = _make_payment(arrived, buyer.phone, package, work)
    left_over = arrived.amount.amount - package.price.amount
    verdict = settle(payment_id, _paid(arrived, left_over=left_over), work)
    return Credited(payment_id=payment_id, verdict=verdict)


def _make_payment(arrived: ArrivedMoney, phone: str, package: PackageTerms, work: Work) -> UUID:
    """A payment that waits for nothing but its settlement.

    One that is there under this id, made for the same receipt and refused, is made anew.
    """
    bought: dict[str, object] = {
        "status": PENDING,
        "source": _BEGAN.get(arrived.source, "c2b"),
        "phone": phone,
        "package": terms.to_json(package),
        "price": package.price.amount,
        "mac": arrived.mac,
        "ip": arrived.ip,
        "router_id": arrived.router_id,
        "link_login_only": arrived.link_login_only,
        "prompt_state": "none",
        "prompt_attempt": 0,
    }
    payment_id = arrived.payment_id or new_id()
    made = insert(Payment).values(bought | {"id": payment_id, "requested_at": work.now})
    work.session.execute(
        made.on_conflict_do_update(
            index_elements=[Payment.id], set_=bought, where=Payment.status != COMPLETED
        )
    )
    return payment_id


def _hold(arrived: ArrivedMoney, reason: str, work: Work) -> Credited:
    if not _book(arrived, reason, work):
        return _credited_meanwhile(arrived, work)
    return Credited(payment_id=None, verdict=Verdict.HELD)


def _book(arrived: ArrivedMoney, held: str, work: Work) -> bool:
    """Write the receipt down as nobody's yet. False where it is somebody's by now."""
    new = insert(Receipt).values(
        receipt=arrived.receipt,
        id=new_id(),
        payment_id=None,
        amount=arrived.amount.amount,
        source=arrived.source,
        paid_at=arrived.paid_at,
        recorded_at=work.now,
        held=held,
    )
    booked = work.session.execute(
        new.on_conflict_do_update(
            index_elements=[Receipt.receipt],
            set_={
                "amount": new.excluded.amount,
                "source": new.excluded.source,
                "paid_at": func.coalesce(new.excluded.paid_at, Receipt.paid_at),
                "held": held,
            },
            where=Receipt.payment_id.is_(None) & Receipt.reversed_at.is_(None),
        ).returning(Receipt.receipt)
    )
    return booked.first() is not None


def _credited_meanwhile(arrived: ArrivedMoney, work: Work) -> Credited:
    known = _known(arrived.receipt, work)
    payment_id = known.payment_id if known else None
    return Credited(payment_id=payment_id, verdict=Verdict.CHANGED_NOTHING)


def _describe(arrived: ArrivedMoney, work: Work) -> None:
    """Keep with the receipt what helps a person to find whose it is."""
    told = {
        "payer": _payer(arrived).told,
        "payer_name": arrived.payer_name,
        "reference": arrived.reference,
    }
    said = {name: value for name, value in told.items() if value is not None}
    if said:
        described = change(Receipt).where(Receipt.receipt == arrived.receipt)
        work.session.execute(described.values(said))


def _paid(arrived: ArrivedMoney, *, left_over: int = 0) -> Paid:
    return Paid(
        source=arrived.source,
        receipt=arrived.receipt,
        amount=arrived.amount,
        paid_at=arrived.paid_at,
        left_over=left_over,
    )


def _payer(arrived: ArrivedMoney) -> Payer:
    return Payer(phone=arrived.phone, hashed=arrived.hashed_phone, masked=arrived.masked_phone)


def _told(arrived: ArrivedMoney) -> str:
    """The money as a person would speak of it."""
    payer, account = _payer(arrived).told, arrived.reference
    by = f" by {payer[:20]}" if payer else ""
    return f"{arrived.amount}{by}" + (f" for account {account!r}" if account else "")
