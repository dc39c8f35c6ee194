"""What money buys that names no payment: for whom, and which package."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.contract.packages import PackageTerms
from hotspot.phone import InvalidPhone, normalize
from payment_service.models import Package, Payment, Subscription, Voucher
from payment_service.packages import terms
from payment_service.settling.payers import Payer, payments_of
from payment_service.vouchers import codes as vouchers


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """Whom access is for, and the package that was meant; None where nobody said."""

    phone: str | None = None
    package_id: UUID | None = None


def largest_that_fits(
    on_sale: Sequence[PackageTerms], amount: int, meant: UUID | None
) -> PackageTerms | None:
    """The package that was meant, where the amount (cents) pays for it, else the dearest that it
    pays for; None where it pays for none."""
    fits = [package for package in on_sale if package.price.amount <= amount]
    for package in fits:
        if package.package_id == meant:
            return package
    return max(
        fits, key=lambda package: (package.price.amount, package.duration_seconds), default=None
    )


def on_sale(session: Session) -> list[PackageTerms]:
    """All that is sold now."""
    rows = session.execute(select(*terms.TERMS_COLUMNS).where(Package.on_sale))
    return [terms.terms_of(row) for row in rows]


def buyer_of(session: Session, reference: str | None, payer: Payer) -> Buyer:
    """What a payer typed as account, and what M-Pesa told of the payer, together.

    The account is a package's code, a phone number, or a voucher to top up; anything else means
    nothing. A phone that is named there gets the access, whoever paid.
    """
    written = (reference or "").strip()
    phone = _phone(written)
    meant = _package(session, written)
    if phone is None and meant is None:
        phone, meant = _voucher(session, written)
    phone = phone or payer.phone or _known_customer(session, payer)
    if meant is None and phone is not None:
        meant = _subscribed(session, phone)
    return Buyer(phone=phone, package_id=meant)


def _phone(written: str) -> str | None:
    try:
        return normalize(written)
    except InvalidPhone:
        return None


def _package(session: Session, written: str) -> UUID | None:
    """By its code: small or large letters, with or without spaces."""
    code = re.sub(r"[\s_-]", "", written).upper()
    if not code:
        return None
    plain = func.upper(func.regexp_replace(Package.code, r"[\s_-]", "", "g"))
    return session.scalar(select(Package.id).where(plain == code).limit(1))


def _voucher(session: Session, written: str) -> tuple[str | None, UUID | None]:
    """The phone that has a voucher's access, and the voucher's package."""
    codes = vouchers.codes_in(written)
    if not codes:
        return None, None
    payment_id = func.coalesce(Voucher.payment_id, Voucher.redeemed_payment_id)
    wanted = (
        select(Payment.phone, Voucher.package)
        .join(Payment, Payment.id == payment_id, isouter=True)
        .where(Voucher.code.in_(codes))
    )
    found = session.execute(wanted).first()
    if found is None:
        return None, None
    return found.phone, terms.from_json(found.package).package_id


def _known_customer(session: Session, payer: Payer) -> str | None:
    """The number behind a hash, where it paid here before. A mask fits too many numbers."""
    if payer.hashed is None:
        return None
    return session.scalar(select(Payment.phone).where(payments_of(payer)).limit(1))


def _subscribed(session: Session, phone: str) -> UUID | None:
    """The package that a subscriber pays for each month."""
    newest = Subscription.changed_at.desc()
    wanted = select(Subscription.package_id).where(Subscription.phone == phone)
    return session.scalar(wanted.order_by(newest).limit(1))
