"""Which function handles which message."""

from functools import partial
from uuid import UUID

from hotspot.bus.upkeep import upkeep_handlers
from hotspot.bus.work import Handlers
from hotspot.contract.access import SubscriptionChanged
from hotspot.contract.packages import SavePackageJob
from hotspot.contract.payments import (
    AskAboutPaymentJob,
    AskAboutReceiptJob,
    CacheCredentialsJob,
    CheckMoneyWithoutServiceJob,
    CheckReversalJob,
    ClaimPaymentJob,
    ClearAttentionJob,
    ImportStatementJob,
    ProcessPaymentJob,
    PromptPhoneJob,
    ReconcilePaymentsJob,
    RecordMpesaMessageJob,
    RecordStkCallbackJob,
    RequestPaymentJob,
    ReversePaymentJob,
    ReverseReceiptJob,
)
from hotspot.contract.sessions import SessionEnded, SessionExpired, SessionStarted
from hotspot.contract.vouchers import (
    CancelVouchersJob,
    CreateVoucherBatchJob,
    RedeemVoucherJob,
)
from hotspot.vault import Vault
from payment_service.access import (
    cache_credentials,
    session_ended,
    session_expired,
    session_started,
)
from payment_service.attention import clear_attention
from payment_service.callbacks.hearing import record_mpesa_message, record_stk_callback
from payment_service.callbacks.spool import fill
from payment_service.claims.claiming import claim_payment
from payment_service.claims.receipts_asked import ask_about_receipt
from payment_service.config import Config
from payment_service.handlers import process_payment, request_payment
from payment_service.history import KEPT
from payment_service.mpesa.api import Mpesa
from payment_service.mpesa.callback_urls import callback_url, result_url
from payment_service.mpesa.daraja import Daraja
from payment_service.mpesa.daraja_requests import DarajaRequests, Requests, ResultUrls
from payment_service.mpesa.daraja_session import DarajaSession
from payment_service.packages.saving import save_package
from payment_service.promise.keeping import check_money_without_service
from payment_service.prompts.asking import ask_about_payment
from payment_service.prompts.prompting import prompt_phone
from payment_service.prompts.reconciling import reconcile_payments
from payment_service.reversals.requesting import check_reversal, reverse_payment, reverse_receipt
from payment_service.statements.importing import import_statement
from payment_service.subscriptions import subscription_changed
from payment_service.vouchers.batches import cancel_vouchers, create_voucher_batch
from payment_service.vouchers.redemptions import redeem_voucher


def handlers(
    config: Config, mpesa: Mpesa | None = None, requests: Requests | None = None
) -> Handlers:
    """The handlers of payment-service; `mpesa` and `requests` stand in for Daraja where given."""
    vault = Vault(config.encryption_keys)
    session = DarajaSession(config)
    daraja = mpesa or Daraja(config, session=session)

    def address(payment_id: UUID) -> str:
        return callback_url(config.callback_base_url, vault, payment_id)

    def result_urls(request_id: UUID) -> ResultUrls:
        url = result_url(config.callback_base_url, vault, request_id)
        return ResultUrls(result=url, timeout=f"{url}/timeout")

    asked = requests or DarajaRequests(config, session, result_urls)

    return {
        RequestPaymentJob: request_payment,
        PromptPhoneJob: prompt_phone(daraja, address),
        AskAboutPaymentJob: ask_about_payment(daraja),
        RecordStkCallbackJob: record_stk_callback(config.trust),
        RecordMpesaMessageJob: record_mpesa_message(config.trust, config.our_shortcodes),
        ClaimPaymentJob: claim_payment,
        AskAboutReceiptJob: ask_about_receipt(asked),
        ReversePaymentJob: reverse_payment(asked),
        ReverseReceiptJob: reverse_receipt(asked),
        CheckReversalJob: check_reversal,
        ClearAttentionJob: clear_attention,
        ReconcilePaymentsJob: reconcile_payments,
        SubscriptionChanged: subscription_changed,
        ProcessPaymentJob: process_payment,
        SavePackageJob: save_package,
        CreateVoucherBatchJob: create_voucher_batch,
        CancelVouchersJob: cancel_vouchers,
        RedeemVoucherJob: redeem_voucher,
        CacheCredentialsJob: cache_credentials,
        SessionStarted: session_started,
        SessionEnded: session_ended,
        SessionExpired: session_expired,
        ImportStatementJob: import_statement,
        CheckMoneyWithoutServiceJob: check_money_without_service,
        **upkeep_handlers(KEPT, spool=partial(fill, config.spool_dir, config.spool_most)),
    }
