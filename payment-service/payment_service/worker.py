"""Which function handles which message."""

from uuid import UUID

from hotspot.bus.failures import FAILED_JOBS_HANDLERS
from hotspot.bus.work import Handlers
from hotspot.contract.operations import RotateLogs
from hotspot.contract.payments import (
    AskAboutPaymentJob,
    CacheCredentialsJob,
    ProcessPaymentJob,
    PromptPhoneJob,
    RecordMpesaMessageJob,
    RecordStkCallbackJob,
    RequestPaymentJob,
)
from hotspot.contract.sessions import SessionEnded, SessionStarted
from hotspot.vault import Vault
from payment_service.access import cache_credentials, session_ended, session_started
from payment_service.asking import ask_about_payment
from payment_service.callback_urls import callback_url
from payment_service.config import Config
from payment_service.daraja import Daraja
from payment_service.handlers import (
    process_payment,
    record_mpesa_message,
    record_stk_callback,
    request_payment,
    rotate_logs,
)
from payment_service.mpesa import Mpesa
from payment_service.prompting import prompt_phone


def handlers(config: Config, mpesa: Mpesa | None = None) -> Handlers:
    """The handlers of payment-service; `mpesa` stands in for Daraja where it is given."""
    vault = Vault(config.encryption_keys)
    daraja = mpesa or Daraja(config)

    def address(payment_id: UUID) -> str:
        return callback_url(config.callback_base_url, vault, payment_id)

    return {
        RequestPaymentJob: request_payment,
        PromptPhoneJob: prompt_phone(daraja, address),
        AskAboutPaymentJob: ask_about_payment(daraja),
        RecordStkCallbackJob: record_stk_callback,
        RecordMpesaMessageJob: record_mpesa_message,
        ProcessPaymentJob: process_payment,
        CacheCredentialsJob: cache_credentials,
        SessionStarted: session_started,
        SessionEnded: session_ended,
        RotateLogs: rotate_logs,
        **FAILED_JOBS_HANDLERS,
    }
