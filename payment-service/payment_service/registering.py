"""Telling M-Pesa where to report money that comes without a prompt (C2B). Done once, by hand."""

import sys
from dataclasses import dataclass

from hotspot.vault import Vault
from payment_service.config import Config
from payment_service.mpesa.api import DoNotRepeat, OutcomeUnknown, TryLater
from payment_service.mpesa.callback_urls import door_url
from payment_service.mpesa.daraja_session import DarajaSession
from payment_service.mpesa.results import PAID
from payment_service.mpesa.stk import code_of

_REGISTER = "/mpesa/c2b/v2/registerurl"
# Safaricom refuses addresses with any of these in them, the host's name included.
REFUSED_WORDS = ("mpesa", "m-pesa", "safaricom", "exe", "cmd", "sql", "query")


class CannotRegister(Exception):
    """M-Pesa does not take the addresses; the text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where M-Pesa asks whether a payment may be made, and tells that it was made."""

    validation: str
    confirmation: str


def run(config: Config) -> int:
    """Register this copy's addresses; answers the exit code."""
    addresses = addresses_of(config)
    try:
        register(addresses, config, DarajaSession(config))
    except CannotRegister as error:
        sys.stderr.write(f"hotspot: {error}\n")
        return 1
    sys.stdout.write(
        f"M-Pesa reports payments to {config.daraja_shortcode} from now on to\n"
        f"  {addresses.validation}\n  {addresses.confirmation}\n"
    )
    return 0


def addresses_of(config: Config) -> Addresses:
    """The addresses of this copy."""
    vault, base = Vault(config.encryption_keys), config.callback_base_url
    return Addresses(
        validation=door_url(base, vault, "c2b_validation"),
        confirmation=door_url(base, vault, "c2b_confirmation"),
    )


def register(addresses: Addresses, config: Config, session: DarajaSession) -> None:
    """Have M-Pesa report to these. Raises CannotRegister."""
    for word in REFUSED_WORDS:
        if word in config.callback_base_url.lower():
            raise CannotRegister(
                f"M-Pesa refuses addresses with {word!r} in them: set another CALLBACK_BASE_URL"
            )
    body = {
        "ShortCode": config.daraja_shortcode,
        # What becomes of a payment while we cannot be asked: it is made. Refusing it helps nobody.
        "ResponseType": "Completed",
        "ConfirmationURL": addresses.confirmation,
        "ValidationURL": addresses.validation,
    }
    try:
        reply = session.post(_REGISTER, body)
    except (TryLater, OutcomeUnknown, DoNotRepeat) as error:
        raise CannotRegister(f"{error}. Nothing is lost by trying again.") from error
    if "already registered" in reply.error_message.lower():
        raise CannotRegister(
            f"Addresses are registered for {config.daraja_shortcode} already, and M-Pesa keeps"
            " those. If they are not this copy's, have them deleted in Safaricom's portal (or by"
            f" its support), then try again. This copy's are\n  {addresses.validation}\n"
            f"  {addresses.confirmation}"
        )
    if reply.status != 200 or code_of(reply.body.get("ResponseCode")) != PAID:
        raise CannotRegister(f"M-Pesa refuses: {reply.described()} {reply.text[:300]}")
