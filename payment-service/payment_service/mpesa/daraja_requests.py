"""What is asked of Daraja and answered later, at a URL of ours: a receipt's status, a reversal.

Each request has a ResultURL of its own, which nobody can guess: a result needs no other proof of
which request it answers, and may come before the reply to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from hotspot.contract.money import Money
from payment_service.config import Config
from payment_service.mpesa import results
from payment_service.mpesa.api import DoNotRepeat, NotYet, OutcomeUnknown, Reply, TryLater
from payment_service.mpesa.daraja import QUERY_READ_SECONDS
from payment_service.mpesa.daraja_session import READ_SECONDS, DarajaSession
from payment_service.mpesa.results import PAID
from payment_service.mpesa.stk import code_of, identifier_of

_STATUS = "/mpesa/transactionstatus/v1/query"
_REVERSAL = "/mpesa/reversal/v1/request"
LONGEST_REMARKS = 100


@dataclass(frozen=True, kw_only=True)
class ResultUrls:
    """Where M-Pesa shall say what came of a request, and where that it waited for too long."""

    result: str
    timeout: str


@dataclass(frozen=True, kw_only=True)
class Taken:
    """M-Pesa took a request; its result names the same conversation. `said` is the reply."""

    conversation_id: str | None
    originator_conversation_id: str | None
    said: str


class Requests(Protocol):
    """What payment-service asks of M-Pesa that is answered later."""

    @property
    def may_ask(self) -> bool:
        """Whether there is an initiator to ask with."""

    def status(self, request_id: UUID, receipt: str) -> Taken | NotYet:
        """Ask for a receipt."""

    def reverse(self, request_id: UUID, receipt: str, amount: Money, remarks: str) -> Taken:
        """Have money sent back. Raises TryLater, DoNotRepeat or OutcomeUnknown."""


class DarajaRequests:
    """The requests of one process. Not for several threads at once."""

    def __init__(
        self, config: Config, session: DarajaSession, urls_of: Callable[[UUID], ResultUrls]
    ) -> None:
        self._config = config
        self._session = session
        self._urls_of = urls_of

    @property
    def may_ask(self) -> bool:
        """Whether there is an initiator to ask with."""
        return self._config.initiator is not None

    def status(self, request_id: UUID, receipt: str) -> Taken | NotYet:
        """Ask for a receipt (transaction status). Whatever goes wrong, it may be asked again."""
        body = {
            "CommandID": "TransactionStatusQuery",
            "TransactionID": receipt,
            "PartyA": self._config.daraja_shortcode,
            "IdentifierType": "4",
            "Remarks": "Claim",
            "Occasion": "Claim",
        }
        try:
            return self._ask(_STATUS, request_id, body, read_seconds=QUERY_READ_SECONDS)
        except DoNotRepeat as refusal:
            return NotYet(reason=refusal.said)
        except (TryLater, OutcomeUnknown) as error:
            return NotYet(reason=str(error), daraja_is_down=True)

    def reverse(self, request_id: UUID, receipt: str, amount: Money, remarks: str) -> Taken:
        """Have all of a receipt's money sent back."""
        body = {
            "CommandID": "TransactionReversal",
            "TransactionID": receipt,
            "Amount": shillings_of(amount),
            "ReceiverParty": self._config.daraja_shortcode,
            # Misspelt so at Safaricom; 11 is an organisation's shortcode.
            "RecieverIdentifierType": "11",
            "Remarks": remarks_of(remarks),
            "Occasion": "Reversal",
        }
        return self._ask(_REVERSAL, request_id, body, read_seconds=READ_SECONDS)

    def _ask(
        self, path: str, request_id: UUID, body: Mapping[str, str], *, read_seconds: float
    ) -> Taken:
        initiator, urls = self._config.initiator, self._urls_of(request_id)
        if initiator is None:
            raise DoNotRepeat(results.MISCONFIGURED, "there is no initiator to ask with")
        signed = {
            **body,
            "Initiator": initiator.name,
            "SecurityCredential": initiator.credential,
            "ResultURL": urls.result,
            "QueueTimeOutURL": urls.timeout,
        }
        return taken(self._session.post(path, signed, read_seconds=read_seconds))


def taken(reply: Reply) -> Taken:
    """What a reply to such a request means. Raises TryLater, DoNotRepeat or OutcomeUnknown."""
    if reply.asks_to_slow_down:
        raise TryLater(f"Daraja asks to slow down: {reply.described()}", after=timedelta(seconds=5))
    response_code = code_of(reply.body.get("ResponseCode"))
    is_error = 400 <= reply.status < 500 and reply.status != 408
    if is_error or (reply.status == 200 and response_code not in (None, PAID)):
        raise DoNotRepeat(results.MISCONFIGURED, _words(reply.body) or reply.described())
    if reply.status != 200 or response_code is None:
        raise OutcomeUnknown(f"Daraja's reply is unclear: {reply.described()}")
    return Taken(
        conversation_id=identifier_of(reply.body.get("ConversationID")),
        originator_conversation_id=identifier_of(reply.body.get("OriginatorConversationID")),
        said=reply.text,
    )


def shillings_of(amount: Money) -> str:
    """20, or 20.50 where there are cents."""
    shillings, cents = divmod(amount.amount, 100)
    return f"{shillings}.{cents:02d}" if cents else str(shillings)


def remarks_of(text: str) -> str:
    """Remarks: 2 to 100 plain characters."""
    plain = text.encode("ascii", "ignore").decode()
    kept = "".join(one for one in plain if one.isalnum() or one in " .,-")
    words = " ".join(kept.split())[:LONGEST_REMARKS].strip()
    return words if len(words) >= 2 else "Reversal"


def _words(body: Mapping[str, object]) -> str | None:
    for name in ("errorMessage", "ResponseDescription"):
        said = identifier_of(body.get(name))
        if said:
            return said
    return None
