"""A small town of guests, the services that serve them, and what must be true of both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from environs import Env
from sqlalchemy import Engine, MetaData, select, text

import payment_service.config
import payment_service.models
import payment_service.worker
import provisioning_service.config
import provisioning_service.models
import provisioning_service.worker
import radius_service.config
import radius_service.models
import radius_service.worker
from benchmarks import books
from hotspot.bus.tables import bus_metadata
from hotspot.bus.work import Handlers
from hotspot.contract.packages import PackageTerms
from hotspot.testing.handling import NOON
from payment_service.claims import claiming
from payment_service.models import Base, Package, Payment, Receipt, Voucher
from payment_service.packages import terms
from payment_service.promise import standing
from payment_service.promise.standing import Standing
from payment_service.reversals import decisions as reversing
from payment_service.seed import insert_starters
from payment_service.vouchers import redeeming
from payment_service.vouchers.redeeming import Give, Guest, Refusal, Show

from .bus import Bus
from .mpesa import SmallMpesa
from .office import Office

# The second and the third look alike where the middle of a number is masked.
PHONES = ("254711000111", "254712345678", "254719995678")
# Two owners who want the same money back at once: one of them is told so.
MAY_FAIL = ("ReversePaymentJob", "ReverseReceiptJob")
FOREVER = timedelta(days=3650)
SERVICES: Mapping[str, MetaData] = {
    "payment": payment_service.models.metadata,
    "provisioning": provisioning_service.models.metadata,
    "radius": radius_service.models.metadata,
}


@dataclass(kw_only=True)
class Town:
    """The real handlers on real databases, the bus between them, and M-Pesa."""

    engines: Mapping[str, Engine]
    bus: Bus
    mpesa: SmallMpesa
    office: Office
    packages: list[PackageTerms]

    def pass_time(self, by: timedelta) -> None:
        """Everybody's clock goes on."""
        self.bus.now += by
        self.mpesa.now = self.bus.now

    def payments(self, *which: Any) -> list[Any]:
        """Rows of payments."""
        return self.rows(Payment, *which)

    def receipts(self) -> list[Any]:
        """Rows of receipts."""
        return self.rows(Receipt)

    def standings(self) -> dict[UUID, str]:
        """Where each confirmed payment stands, found as the service finds it."""
        now = self.bus.now
        with self.engines["payment"].connect() as connection:
            return {
                row.id: row.standing
                for ids in (standing.over_since(now - FOREVER), standing.not_over(now))
                for row in connection.execute(standing.standings(ids, now))
            }

    def books(self) -> books.Books:
        """The sums."""
        with self.engines["payment"].connect() as connection:
            return books.read(connection)

    def grants(self, service: str = "provisioning") -> list[UUID]:
        """The payments that gave access, once for each time."""
        with self.engines[service].connect() as connection:
            return list(connection.scalars(text("SELECT payment_id FROM grants")))

    def rows(self, table: type[Base], *which: Any) -> list[Any]:
        """Rows of one of payment-service's tables."""
        with self.engines["payment"].connect() as connection:
            return list(connection.execute(select(table.__table__).where(*which)))

    def type_voucher(self, voucher_id: UUID, guest: Guest) -> Give | Show | Refusal:
        """What the route finds that typing a voucher's code does."""
        with self.engines["payment"].connect() as connection:
            voucher = redeeming.find(connection, Voucher.id == voucher_id)
        assert voucher is not None
        return redeeming.decide(voucher, guest, self.bus.now)

    def claimed(self, receipt: str, phone: str) -> UUID | None:
        """The payment that the claim's route says the page should watch, if any."""
        with self.engines["payment"].connect() as connection:
            known = claiming.standing_of(claiming.known(connection, receipt), phone)
        return known.payment_id if isinstance(known, claiming.Theirs) else None

    def may_go_back(self, receipt: str) -> bool:
        """Whether the reversal's route lets an owner ask for this money."""
        with self.engines["payment"].connect() as connection:
            known = reversing.find(connection, Receipt.receipt == receipt)
        return reversing.objection(known) is None

    def check(self) -> None:
        """What is true at any moment, however far anything is."""
        paid = {row.id: row for row in self.payments(Payment.status == "completed")}
        _check_receipts(self.receipts(), paid, self.mpesa)
        gone = {row.receipt for row in self.receipts() if row.reversed_at}
        assert gone <= self.office.sent_back, "money was said to go back, and did not"
        _check_prompts(paid, self.receipts(), self.mpesa)
        found = self.books()
        assert found.balance == 0, f"the books are wrong: {found}"
        assert found.credited_to_nothing == 0, f"money was credited and bought nothing: {found}"
        for service in ("provisioning", "radius"):
            grants = self.grants(service)
            assert len(grants) == len(set(grants)), f"{service} served a payment twice"
            assert set(grants) <= set(paid), f"{service} served somebody unpaid"
        confirmed = set(paid) | {row.id for row in self.payments(Payment.failure_code == "held")}
        assert set(self.standings()) == confirmed, "a confirmed payment stands nowhere"

    def check_at_rest(self) -> None:
        """What is true when all has come to rest, and M-Pesa's statement was read."""
        self.check()
        failed = [why for one, why in self.bus.failed if one.envelope.name not in MAY_FAIL]
        assert not failed, f"failed jobs: {failed}"
        gone = {row.receipt for row in self.receipts() if row.reversed_at}
        assert gone == self.office.sent_back, "money went back, and nobody knows"
        known = {row.receipt for row in self.receipts() if not _was_untrue(row)}
        assert known == set(self.mpesa.moved), "a receipt is missing, or was made up"
        places = self.standings()
        assert Standing.WAITING.value not in places.values(), "somebody paid and waits"
        served = set(self.grants("radius"))
        for row in self.payments(Payment.status == "completed"):
            assert row.id in served or row.reversed_at, f"payment {row.id} was never served"


def _check_receipts(receipts: list[Any], paid: Mapping[UUID, Any], mpesa: SmallMpesa) -> None:
    """Receipts are money that really came; each buys at most one thing, and what it costs."""
    for row in receipts:
        if _is_only_said(row) or _was_untrue(row):
            continue
        real = mpesa.moved.get(row.receipt)
        assert real is not None, f"receipt {row.receipt} was made up"
        assert row.amount == real.shillings * 100, f"receipt {row.receipt} has another amount"
        if row.held is None and row.reversed_at is None:
            bought = paid.get(row.payment_id)
            assert bought is not None, f"receipt {row.receipt} is credited and bought nothing"
            assert row.amount == bought.price + row.left_over, f"{row.receipt}: another price"


def _check_prompts(paid: Mapping[UUID, Any], receipts: list[Any], mpesa: SmallMpesa) -> None:
    """Who was served without a receipt answered a prompt, and its money bought nothing else."""
    certain = {row.receipt: row for row in receipts if not _is_only_said(row)}
    spent = {row.receipt for row in certain.values() if row.held is None}
    for row in paid.values():
        mine = certain.get(row.receipt)
        if mine is not None:
            is_right = mine.held is None and mine.payment_id == row.id
            assert is_right, f"payment {row.id} was served for receipt {row.receipt}, now {mine}"
        if mine is not None or row.source == "voucher":
            continue
        prompt = mpesa.prompts[row.checkout_request_id]
        assert prompt.receipt is not None, f"payment {row.id} was served and never paid"
        assert prompt.receipt not in spent, f"{prompt.receipt} bought something else as well"


def _is_only_said(receipt: Any) -> bool:
    """An unknown source named it for a payment that M-Pesa confirms: perhaps it is another one."""
    return bool(receipt.source == "stk_query")


def _was_untrue(receipt: Any) -> bool:
    """An unknown source named it, and then M-Pesa named another: no money."""
    return bool(receipt.amount == 0 and receipt.held and receipt.payment_id is None)


def handlers_of_services(mpesa: SmallMpesa, office: Office) -> Mapping[str, Handlers]:
    """The services' own tables of handlers, by the settings in the environment."""
    env = Env()
    payment = payment_service.config.load(env)
    return {
        "payment": payment_service.worker.handlers(payment, mpesa, office),
        "provisioning": provisioning_service.worker.handlers(provisioning_service.config.load(env)),
        "radius": radius_service.worker.handlers(radius_service.config.load(env)),
    }


def found(
    engines: Mapping[str, Engine],
    handlers: Callable[[SmallMpesa, Office], Mapping[str, Handlers]],
) -> Town:
    """A town where nothing has happened yet."""
    for service, metadata in SERVICES.items():
        _empty(engines[service], metadata)
    with engines["payment"].begin() as connection:
        insert_starters(connection, NOON)
        rows = connection.execute(select(*terms.TERMS_COLUMNS).where(Package.kind == "hotspot"))
        packages = [terms.terms_of(row) for row in rows]
    bus, mpesa = Bus(now=NOON), SmallMpesa(now=NOON)
    office = Office(mpesa)
    for service, theirs in handlers(mpesa, office).items():
        bus.serve(service, theirs, engines[service])
    cheap = sorted(packages, key=lambda one: one.price)[:3]
    return Town(engines=engines, bus=bus, mpesa=mpesa, office=office, packages=cheap)


def _empty(engine: Engine, metadata: MetaData) -> None:
    """Forget all rows: faster than a new database, and than TRUNCATE."""
    tables = [*metadata.tables.values(), *bus_metadata.tables.values()]
    statements = ["SET LOCAL session_replication_role = replica"]
    statements += [f"DELETE FROM {table.name}" for table in tables]
    with engine.begin() as connection:
        connection.exec_driver_sql("; ".join(statements))
