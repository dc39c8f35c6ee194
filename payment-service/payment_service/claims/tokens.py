"""Claim tokens: what the buyer's page holds to see its payment, with no table to look them up."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from hotspot.contract.money import Money


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a page knows of its payment before any worker has recorded it.

    What a receipt bought that is unknown here is known once M-Pesa has told: None.
    """

    payment_id: UUID
    package_id: UUID | None
    price: Money | None
    masked_phone: str | None


class Claims:
    """Signs claims with ENCRYPTION_KEYS: the newest signs, all of them are accepted."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._signed = URLSafeSerializer(
            list(reversed(keys)),
            salt="payment-claim",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def token(self, claim: Claim) -> str:
        """The claim as text that nobody else can make."""
        values = (
            claim.payment_id.hex,
            claim.package_id.hex if claim.package_id else None,
            claim.price.amount if claim.price else None,
            claim.price.currency if claim.price else None,
            claim.masked_phone,
        )
        return str(self._signed.dumps(values))

    def read(self, token: str) -> Claim | None:
        """The claim in a token, or None where the token is not ours."""
        try:
            payment_id, package_id, amount, currency, masked_phone = self._signed.loads(token)
        except BadData:
            return None
        return Claim(
            payment_id=UUID(payment_id),
            package_id=UUID(package_id) if package_id else None,
            price=None if amount is None else Money(amount=amount, currency=currency),
            masked_phone=masked_phone,
        )
