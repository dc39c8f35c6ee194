"""M-Pesa's API, Daraja, over HTTP."""

import base64

from hotspot.clock import NAIROBI, Clock, utc_now
from payment_service.config import Config
from payment_service.mpesa import api as mpesa
from payment_service.mpesa.api import (
    Accepted,
    Answered,
    DoNotRepeat,
    NotYet,
    OutcomeUnknown,
    PromptRequest,
    TryLater,
)
from payment_service.mpesa.daraja_session import DarajaSession

_PROMPT = "/mpesa/stkpush/v1/processrequest"
_QUERY = "/mpesa/stkpushquery/v1/query"
# A question may be asked again, and prompts wait behind it.
QUERY_READ_SECONDS = 8.0


class Daraja:
    """The calls of one process. Not for several threads at once."""

    def __init__(
        self,
        config: Config,
        *,
        session: DarajaSession | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._config = config
        self._clock = clock
        self.session = session or DarajaSession(config)

    def prompt(self, request: PromptRequest) -> Accepted:
        """Show a prompt (STK push). Raises TryLater, DoNotRepeat or OutcomeUnknown."""
        body = {
            **self._signature(),
            "TransactionType": self._config.daraja_transaction_type,
            "Amount": str(request.shillings),
            "PartyA": request.phone,
            "PartyB": self._config.daraja_party_b,
            "PhoneNumber": request.phone,
            "CallBackURL": request.callback_url,
            "AccountReference": request.reference,
            "TransactionDesc": request.description,
        }
        return mpesa.accepted(self.session.post(_PROMPT, body))

    def query(self, checkout_request_id: str) -> Answered | NotYet:
        """Ask what became of a prompt. Whatever goes wrong, the payment stays as open as it was."""
        body = {**self._signature(), "CheckoutRequestID": checkout_request_id}
        try:
            return mpesa.answered(self.session.post(_QUERY, body, read_seconds=QUERY_READ_SECONDS))
        except (TryLater, DoNotRepeat, OutcomeUnknown) as error:
            return NotYet(reason=str(error), daraja_is_down=True)

    def _signature(self) -> dict[str, str]:
        shortcode = self._config.daraja_shortcode
        timestamp = self._clock().astimezone(NAIROBI).strftime("%Y%m%d%H%M%S")
        clear = f"{shortcode}{self._config.daraja_passkey}{timestamp}"
        return {
            "BusinessShortCode": shortcode,
            "Password": base64.b64encode(clear.encode()).decode(),
            "Timestamp": timestamp,
        }
