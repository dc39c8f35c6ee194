"""What the organisation asks of M-Pesa and hears later: transaction status and reversals."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from simulators.callbacks import Postman
from simulators.clock import Clock
from simulators.kept import Kept
from simulators.later import Result, result_body, timeout_body
from simulators.post import Delivery
from simulators.result_behaviour import ResultBehaviour, ResultMode
from simulators.stk import EAST_AFRICA, Merchant, invalid, is_open_url, text_of, whole_of
from simulators.transactions import AlreadyReversed, Transactions

REQUESTS_KEPT: Final = 10_000
DELIVERIES_KEPT: Final = 20
DUPLICATES: Final = (0.0, 0.0, 0.2)
STATUS, REVERSAL = "transaction_status", "reversal"
COMMANDS: Final = {STATUS: "TransactionStatusQuery", REVERSAL: "TransactionReversal"}
# The fields that the two name differently; the misspelling is Safaricom's own.
PARTY: Final = {STATUS: "PartyA", REVERSAL: "ReceiverParty"}
PARTY_TYPE: Final = {STATUS: "IdentifierType", REVERSAL: "RecieverIdentifierType"}
PARTY_TYPES: Final = {STATUS: ("1", "2", "4"), REVERSAL: ("11",)}

WRONG_INITIATOR, UNKNOWN_RECEIPT, WRONG_PARTY = 2001, 2032, "SFC_IC0003"
REVERSED_BEFORE, NOT_REVERSIBLE = "R000001", "R000002"


@dataclass(frozen=True, kw_only=True)
class Initiator:
    """Who may ask: a name and the encrypted password that goes with it, as it is sent."""

    name: str
    credential: str = field(repr=False)

    def is_named_in(self, body: Mapping[str, object]) -> bool:
        """Whether a request comes from this one. Nobody may ask where there is none."""
        given = text_of(body, "SecurityCredential")
        known = hmac.compare_digest(given.encode(), self.credential.encode())
        return bool(self.name) and text_of(body, "Initiator") == self.name and known


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that was taken. `result_code` is None until M-Pesa has looked at it."""

    conversation_id: str
    originator_conversation_id: str
    kind: str
    receipt: str
    amount: int | None
    result_url: str
    timeout_url: str
    occasion: str
    behaviour: ResultBehaviour
    at: datetime
    refusal: int | str | None
    result_code: int | str | None = None
    deliveries: tuple[Delivery, ...] = ()


class Organisation:
    """Takes requests and answers them later."""

    def __init__(
        self,
        *,
        clock: Clock,
        postman: Postman,
        transactions: Transactions,
        merchant: Merchant,
        initiator: Initiator,
    ) -> None:
        self._clock = clock
        self._postman = postman
        self._transactions = transactions
        self._merchant = merchant
        self._initiator = initiator
        self.behaviour = ResultBehaviour()
        self.requests: Kept[str, Request] = Kept(REQUESTS_KEPT)

    def take(self, kind: str, body: Mapping[str, object]) -> Request:
        """Keep a request and arrange its answer. DarajaError for a wrong field.

        A wrong initiator or a receipt that does not exist is no wrong field: the result says so.
        """
        request = self._read(kind, body)
        self.requests.add(request.conversation_id, request)
        mode = request.behaviour.mode
        carry_out = partial(self._carry_out, request)
        if mode is ResultMode.FIRST:
            carry_out()
        else:
            self._clock.after(request.behaviour.delay, carry_out)
        return request

    def clear(self) -> None:
        """Nothing was asked, and everything is answered."""
        self.requests.clear()
        self.behaviour = ResultBehaviour()

    def _read(self, kind: str, body: Mapping[str, object]) -> Request:
        _check(kind, body)
        now = self._clock.now()
        day = now.astimezone(EAST_AFRICA).strftime("%Y%m%d")
        return Request(
            conversation_id=f"AG_{day}_{secrets.token_hex(10)}",
            originator_conversation_id=_originator_id(),
            kind=kind,
            receipt=text_of(body, "TransactionID"),
            amount=whole_of(body, "Amount"),
            result_url=text_of(body, "ResultURL"),
            timeout_url=text_of(body, "QueueTimeOutURL"),
            occasion=text_of(body, "Occasion"),
            behaviour=self.behaviour,
            at=now,
            refusal=self._refusal(kind, body),
        )

    def _refusal(self, kind: str, body: Mapping[str, object]) -> int | str | None:
        if not self._initiator.is_named_in(body):
            return WRONG_INITIATOR
        return None if text_of(body, PARTY[kind]) == self._merchant.shortcode else WRONG_PARTY

    def _carry_out(self, request: Request) -> None:
        """Do it, and tell what came of it as the behaviour has it."""
        behaviour = request.behaviour
        if behaviour.mode is ResultMode.TIMED_OUT:
            self._tell(request, request.timeout_url, timeout_body(request.conversation_id))
            return
        result = self._result(request)
        self.requests.change(
            request.conversation_id, lambda it: replace(it, result_code=result.code)
        )
        if behaviour.mode is ResultMode.LOST:
            return
        body = result_body(result, mask_payer=behaviour.mask_payer)
        tell = partial(self._tell, request, request.result_url, body)
        if behaviour.mode is ResultMode.DUPLICATE:
            for delay in DUPLICATES:
                self._clock.after(delay, tell)
        else:
            tell()

    def _result(self, request: Request) -> Result:
        result = Result(
            conversation_id=request.conversation_id,
            originator_conversation_id=request.originator_conversation_id,
            shortcode=self._merchant.shortcode,
            occasion=request.occasion,
            at=self._clock.now(),
            code=request.refusal or 0,
        )
        if request.behaviour.mode is ResultMode.RESULT:
            result = replace(result, code=request.behaviour.result_code or 0)
        if result.code != 0:
            return result
        found = self._transactions.get(request.receipt)
        if request.kind == STATUS:
            return replace(result, code=0 if found else UNKNOWN_RECEIPT, looked_up=found)
        try:
            made = self._transactions.reverse(
                request.receipt, request.amount or 0, self._clock.now()
            )
        except AlreadyReversed:
            return replace(result, code=REVERSED_BEFORE)
        return replace(result, code=0 if made else NOT_REVERSIBLE, sent_back=made)

    def _tell(self, request: Request, url: str, body: bytes) -> None:
        delivery = self._postman.deliver(url, body, self._clock.now())
        self.requests.change(
            request.conversation_id,
            lambda it: replace(it, deliveries=(*it.deliveries, delivery)[-DELIVERIES_KEPT:]),
        )


def _check(kind: str, body: Mapping[str, object]) -> None:
    """Raise DarajaError for the first field that Daraja would object to."""
    checks = (
        ("Initiator", text_of(body, "Initiator") != ""),
        ("SecurityCredential", text_of(body, "SecurityCredential") != ""),
        ("CommandID", text_of(body, "CommandID") == COMMANDS[kind]),
        ("TransactionID", text_of(body, "TransactionID").isalnum()),
        ("Amount", kind == STATUS or whole_of(body, "Amount") is not None),
        (PARTY[kind], text_of(body, PARTY[kind]).isdigit()),
        (PARTY_TYPE[kind], text_of(body, PARTY_TYPE[kind]) in PARTY_TYPES[kind]),
        ("ResultURL", is_open_url(text_of(body, "ResultURL"))),
        ("QueueTimeOutURL", is_open_url(text_of(body, "QueueTimeOutURL"))),
        ("Remarks", 2 <= len(text_of(body, "Remarks")) <= 100),
        ("Occasion", len(text_of(body, "Occasion")) <= 100),
    )
    for what, right in checks:
        if not right:
            raise invalid(what)


def _originator_id() -> str:
    """M-Pesa makes its own, whatever a request suggests; in the shapes that it has had."""
    serial = secrets.randbelow(10**8)
    if serial % 2:
        return f"{serial % 90000 + 10000}-{serial}-1"
    return f"{secrets.token_hex(2)}-{secrets.token_hex(2)}-{secrets.token_hex(8)}{serial}"
