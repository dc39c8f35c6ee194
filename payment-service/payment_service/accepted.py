"""The answer to whoever begins a payment, by whatever way: where to look, and what opens it."""

from typing import Any, cast

from flask import current_app

from payment_service.claims.tokens import Claim, Claims

PAYMENTS = "/api/v1/payments"
PRIVATE = {"Cache-Control": "no-store"}

Answer = tuple[dict[str, Any], int, dict[str, str]]


def accepted(claim: Claim, status: str) -> Answer:
    """202 with the claim token, which opens the payment and its live events."""
    body = {"id": claim.payment_id, "status": status, "claim_token": claims().token(claim)}
    return body, 202, {"Location": f"{PAYMENTS}/{claim.payment_id}", **PRIVATE}


def claims() -> Claims:
    """Signs and reads claim tokens."""
    return cast(Claims, current_app.extensions["claims"])
