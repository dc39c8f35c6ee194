"""The books of payment-service: every shilling that came, and the one place where it is."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

# A receipt is exactly one of: sent back, held in front of a person, or credited to a payment that
# it completed. What of a credited one bought nothing is left over.
_RECEIPTS = """
    SELECT coalesce(sum(receipts.amount), 0) AS received,
        coalesce(sum(payments.price) FILTER (WHERE {credited}), 0) AS sold,
        coalesce(sum(receipts.left_over) FILTER (WHERE {credited}), 0) AS left_over,
        coalesce(sum(receipts.amount) FILTER (WHERE {held}), 0) AS held,
        coalesce(sum(receipts.amount) FILTER (WHERE receipts.reversed_at IS NOT NULL), 0)
            AS sent_back,
        count(*) FILTER (WHERE {credited} AND (
            payments.status <> 'completed' OR payments.receipt IS DISTINCT FROM receipts.receipt
        )) AS credited_to_nothing
    FROM receipts LEFT JOIN payments ON payments.id = receipts.payment_id
""".format(
    credited="receipts.reversed_at IS NULL AND receipts.held IS NULL",
    held="receipts.reversed_at IS NULL AND receipts.held IS NOT NULL",
)
# Confirmed by a query, which tells no receipt: the money is there, its receipt may still come.
_UNRECEIPTED = """
    SELECT coalesce(sum(price), 0) FROM payments
    WHERE status = 'completed' AND source <> 'voucher' AND receipt IS NULL
"""


@dataclass(frozen=True, kw_only=True)
class Books:
    """Sums in cents. `unreceipted` was paid for certain, by receipts that nobody told us."""

    received: int
    sold: int
    left_over: int
    held: int
    sent_back: int
    credited_to_nothing: int
    unreceipted: int

    @property
    def balance(self) -> int:
        """What came less where it is: 0, or the books are wrong."""
        return self.received - self.sold - self.left_over - self.held - self.sent_back


def read(connection: Connection) -> Books:
    """The books of a payment-service's database."""
    row = connection.execute(text(_RECEIPTS)).one()
    sums = {name: int(value) for name, value in row._mapping.items()}
    unreceipted = int(connection.execute(text(_UNRECEIPTED)).scalar_one())
    return Books(**sums, unreceipted=unreceipted)
