"""Where M-Pesa calls back to: unguessable, unlike for each payment, and in no table."""

import base64
import binascii
from typing import Final
from uuid import UUID

from hotspot.vault import Vault

_PURPOSE = "stk-callback"

# The doors that are one for all payments, each with a token of its own.
DOORS: Final = {
    "c2b_validation": "c2b/validation",
    "c2b_confirmation": "c2b/confirmation",
    "result": "result",
}
_EVERYONE = UUID("7c0d3f4e-2f0b-4a57-8a3c-6b0f5b2f9d10")


def callback_url(base_url: str, vault: Vault, payment_id: UUID) -> str:
    """Where M-Pesa shall say what became of a payment's prompt.

    The token is written in hexadecimal: Safaricom refuses URLs with words such as `cmd` or `sql`,
    which base64 spells by chance in one of some hundred tokens.
    """
    token = vault.token(_PURPOSE, payment_id)
    return f"{base_url}/callbacks/stk/{_bytes(token).hex()}"


def door_url(base_url: str, vault: Vault, kind: str) -> str:
    """Where M-Pesa shall report what answers no prompt: C2B payments, results of requests."""
    token = _bytes(vault.token(kind, _EVERYONE)).hex()
    return f"{base_url}/callbacks/{DOORS[kind]}/{token}"


def result_url(base_url: str, vault: Vault, request_id: UUID) -> str:
    """Where M-Pesa shall report what came of one request, and of no other."""
    token = _bytes(vault.token("result", request_id)).hex()
    return f"{base_url}/callbacks/{DOORS['result']}/{token}"


def request_of(vault: Vault, token: str) -> UUID | None:
    """The request that a result's token was made for; None where it is not ours."""
    return vault.subject_of("result", _from_hex(token))


def opens_door(vault: Vault, kind: str, token: str) -> bool:
    """Whether a token is the one of this door."""
    return vault.subject_of(kind, _from_hex(token)) == _EVERYONE


def payment_of(vault: Vault, token: str) -> UUID | None:
    """The payment that a token was made for, written either way; None where it is not ours."""
    return vault.subject_of(_PURPOSE, token) or vault.subject_of(_PURPOSE, _from_hex(token))


def _bytes(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def _from_hex(token: str) -> str:
    try:
        return base64.urlsafe_b64encode(binascii.unhexlify(token)).rstrip(b"=").decode()
    except (ValueError, binascii.Error):
        return ""
