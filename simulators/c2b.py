"""Money that guests send by hand (C2B): the URLs that hear of it, and what they are told."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from simulators.behaviour import DEFAULT_DELAY, LATE_DELAY, ConfirmationMode
from simulators.callbacks import Postman
from simulators.clock import Clock
from simulators.kept import Kept
from simulators.post import Delivery
from simulators.stk import (
    EAST_AFRICA,
    TIMESTAMP_FORMAT,
    DarajaError,
    invalid,
    is_open_url,
    text_of,
)
from simulators.transactions import TRANSACTIONS_KEPT, Kind, Transaction, Transactions

RESPONSE_TYPES: Final = ("Completed", "Cancelled")
# What M-Pesa does without an answer to a validation after this time is the ResponseType's say.
VALIDATION_TIMEOUT: Final = 8.0
DELIVERIES_KEPT: Final = 20
DUPLICATES: Final = (0.0, 0.0, 0.5)


@dataclass(frozen=True, kw_only=True)
class C2bUrls:
    """Where a shortcode's money is told. `version` 1 hashes the payer's number, 2 masks it."""

    version: int
    response_type: str
    confirmation_url: str
    validation_url: str


@dataclass(frozen=True, kw_only=True)
class Paying:
    """What a guest does by hand: an amount in whole shillings, with a reference.

    `delay_ms` is the time until the confirmation.
    """

    phone: str
    amount: int
    reference: str = ""
    name: str = ""
    mode: ConfirmationMode = ConfirmationMode.OK
    delay_ms: int | None = None

    @property
    def delay(self) -> float:
        """Seconds until the confirmation."""
        if self.delay_ms is not None:
            return self.delay_ms / 1000
        return LATE_DELAY if self.mode is ConfirmationMode.LATE else DEFAULT_DELAY


class C2b:
    """The registered URLs, and the money that they hear of."""

    def __init__(
        self, *, clock: Clock, postman: Postman, transactions: Transactions, shortcode: str
    ) -> None:
        self._clock = clock
        self._postman = postman
        self._transactions = transactions
        self._shortcode = shortcode
        self._turn = itertools.count()
        self._confirmed: Kept[str, tuple[Delivery, ...]] = Kept(TRANSACTIONS_KEPT)
        self.urls: C2bUrls | None = None

    def register(self, body: Mapping[str, object], version: int) -> None:
        """Keep the URLs, once. DarajaError for what Safaricom would not register."""
        urls = C2bUrls(
            version=version,
            response_type=text_of(body, "ResponseType"),
            confirmation_url=text_of(body, "ConfirmationURL"),
            validation_url=text_of(body, "ValidationURL"),
        )
        checks = (
            ("ShortCode", text_of(body, "ShortCode") == self._shortcode),
            ("ResponseType", urls.response_type in RESPONSE_TYPES),
            ("ConfirmationURL", is_open_url(urls.confirmation_url)),
            ("ValidationURL", is_open_url(urls.validation_url)),
        )
        for what, right in checks:
            if not right:
                raise invalid(what)
        if self.urls is not None:
            raise DarajaError(500, "500.003.1001", "Urls are already registered")
        self.urls = urls

    def forget_urls(self) -> None:
        """As if none had ever been registered."""
        self.urls = None

    def clear(self) -> None:
        """Forget who was told what; the URLs stay."""
        self._confirmed.clear()

    def confirmations_of(self, receipt: str) -> tuple[Delivery, ...]:
        """How the confirmations of a receipt were received."""
        return self._confirmed.get(receipt) or ()

    def pay(self, paying: Paying) -> Transaction | None:
        """Send the money, if the validation lets it pass; None where it does not."""
        now = self._clock.now()
        wish = Transaction(
            # A validation names the receipt that the payment is about to get.
            receipt=self._transactions.next_receipt(now),
            kind=Kind.C2B,
            phone=paying.phone,
            name=paying.name or "JOHN DOE",
            amount=paying.amount,
            reference=paying.reference,
            at=now,
        )
        if not self._is_valid(wish):
            return None
        self._transactions.keep(wish)
        confirm = partial(self.confirm, wish)
        delays = {
            ConfirmationMode.OK: (paying.delay,),
            ConfirmationMode.LATE: (paying.delay,),
            ConfirmationMode.LOST: (),
            ConfirmationMode.DUPLICATE: tuple(paying.delay + more for more in DUPLICATES),
        }
        for delay in delays[paying.mode]:
            self._clock.after(delay, confirm)
        return wish

    def confirm(self, paid: Transaction) -> None:
        """Tell the confirmation URL, where there is one."""
        if self.urls is None:
            return
        body = body_of(paid, self._shortcode, self.urls.version, next(self._turn))
        delivery = self._postman.deliver(self.urls.confirmation_url, body, self._clock.now())
        known = self.confirmations_of(paid.receipt)
        self._confirmed.add(paid.receipt, (*known, delivery)[-DELIVERIES_KEPT:])

    def _is_valid(self, wish: Transaction) -> bool:
        if self.urls is None:
            return True
        body = body_of(wish, self._shortcode, self.urls.version, next(self._turn), validating=True)
        delivery, said = self._postman.ask(
            self.urls.validation_url, body, self._clock.now(), VALIDATION_TIMEOUT
        )
        if delivery.status is None or not said:
            return self.urls.response_type == "Completed"
        try:
            answer = json.loads(said)
        except ValueError:
            return self.urls.response_type == "Completed"
        return isinstance(answer, dict) and str(answer.get("ResultCode")) == "0"


def body_of(
    paid: Transaction, shortcode: str, version: int, turn: int, *, validating: bool = False
) -> bytes:
    """A confirmation or a validation; `turn` picks its variant."""
    names = paid.name.split()
    body = {
        "TransactionType": "Pay Bill" if paid.reference else "Buy Goods",
        "TransID": paid.receipt,
        "TransTime": paid.at.astimezone(EAST_AFRICA).strftime(TIMESTAMP_FORMAT),
        "TransAmount": f"{paid.amount}.00" if turn % 2 == 0 else str(paid.amount),
        "BusinessShortCode": shortcode,
        "BillRefNumber": paid.reference,
        "InvoiceNumber": "",
        "OrgAccountBalance": "" if validating else "16500.00",
        "ThirdPartyTransID": "",
        "MSISDN": hashed(paid.phone) if version == 1 else masked(paid.phone),
        "FirstName": names[0],
    }
    if turn % 3:
        body |= {"MiddleName": "", "LastName": names[-1] if version == 1 else ""}
    return json.dumps(body).encode()


def hashed(phone: str) -> str:
    """A payer as v1 tells it."""
    return hashlib.sha256(phone.encode()).hexdigest()


def masked(phone: str) -> str:
    """A payer as v2 tells it: 2547 ***** 126."""
    return f"{phone[:4]} ***** {phone[-3:]}"
