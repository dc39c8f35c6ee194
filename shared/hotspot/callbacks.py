"""Callback URLs of gateways that sign nothing: the secret is in the URL."""

from typing import Final
from uuid import UUID

from hotspot.vault import Vault

SMS_DELIVERY: Final = "sms-delivery"

# What a token names: the gateway that it was made for. Those that report deliveries are here.
REPORTING_GATEWAYS: Final = {"africastalking": UUID("4f6e2b0a-5d0c-4c0e-9d3b-5a2f1c7e8b90")}


def sms_delivery_url(provider: str, *, base_url: str, vault: Vault) -> str | None:
    """Where an SMS gateway must be told to report to; None where it reports nothing."""
    subject = REPORTING_GATEWAYS.get(provider)
    if subject is None:
        return None
    return f"{base_url}/callbacks/delivery/{vault.token(SMS_DELIVERY, subject)}"
