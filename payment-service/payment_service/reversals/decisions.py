"""What may be sent back, and what M-Pesa's words about it mean: decisions."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, exists, select
from sqlalchemy.orm import Session

from payment_service.models import AnyRow, Payment, Receipt, Reversal
from payment_service.mpesa.results import NOT_ALLOWED, PAID

# asking -> asked -> done | failed. refused: not taken. unclear: nobody knows; a person looks.
ASKING: Final = "asking"
ASKED: Final = "asked"
UNCLEAR: Final = "unclear"
REFUSED: Final = "refused"
FAILED: Final = "failed"
DONE: Final = "done"
STATES = (ASKING, ASKED, UNCLEAR, REFUSED, FAILED, DONE)
OPEN = (ASKING, ASKED)

_DONE_BEFORE = "R000001"
_WORDS: Final = {
    "1": "there is not enough money in our M-Pesa account",
    "11": "our M-Pesa account is not active",
    "2006": "our M-Pesa account is not active",
    "R000002": "M-Pesa does not know this receipt as money that can be sent back",
}


def find(source: Connection | Session, which: ColumnElement[bool]) -> AnyRow | None:
    """A receipt, its payment, and whether it is being sent back."""
    return source.execute(_wanted().where(which)).first()


def objection(receipt: AnyRow | None) -> str | None:
    """Why a receipt's money (a row of `find`) cannot be asked back; None where it can."""
    if receipt is None:
        return "M-Pesa told no receipt for this payment: there is nothing to send back by."
    if receipt.reversed_at is not None:
        return f"The money of receipt {receipt.receipt} was sent back already."
    if receipt.is_asked:
        return f"M-Pesa was asked already to send back the money of receipt {receipt.receipt}."
    if receipt.amount is None:
        return f"How much receipt {receipt.receipt} paid is not known."
    return None


def is_done(result_code: str) -> bool:
    """Whether the money is back: by this request, or by one before that nobody heard of."""
    return result_code in (PAID, _DONE_BEFORE)


def words_of(result_code: str, said: str) -> str:
    """Why M-Pesa did not send money back, for an owner."""
    if result_code in NOT_ALLOWED:
        known = "M-Pesa refuses our initiator (its name, credential or rights)"
    else:
        known = _WORDS.get(result_code, said or "M-Pesa gives no reason")
    return f"{known} (code {result_code})"


def without(attention: str | None, receipt: str, held: str | None) -> str | None:
    """What a person must still look at, once this receipt's money is back (`settlement.hold`)."""
    left = [
        reason
        for reason in (attention or "").split("; ")
        if reason and receipt not in reason and reason != held
    ]
    return "; ".join(left) or None


def _wanted() -> Select[*tuple[Any, ...]]:
    is_asked = exists().where(Reversal.receipt == Receipt.receipt, Reversal.state.in_(OPEN))
    return select(
        Receipt.receipt,
        Receipt.payment_id,
        Receipt.amount,
        Receipt.reversed_at,
        Payment.status,
        is_asked.label("is_asked"),
    ).join(Payment, Payment.id == Receipt.payment_id, isouter=True)
