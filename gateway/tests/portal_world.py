"""What the tests of the guests' pages share: a service as it answers, and a guest's forms."""

from typing import Any
from uuid import uuid4

PACKAGE: dict[str, Any] = {
    "id": str(uuid4()),
    "code": "HOUR1",
    "name": "1 hour",
    "price": {"amount": 2000, "currency": "KES"},
    "duration_seconds": 3600,
    "down_kbps": 5000,
    "up_kbps": 2500,
    "data_bytes": None,
    "devices": 1,
    "kind": "hotspot",
}
ID = str(uuid4())
BUY = f"/buy/{PACKAGE['id']}"
STATUS = f"/status/{ID}"
MAC = "02:00:5E:10:00:99"
LOGIN = "http://10.5.50.1/login"
# As a router's login page sends its guests here.
ARRIVAL = {
    "mac": MAC,
    "ip": "10.5.50.7",
    "link-login-only": LOGIN,
    "link-orig": "http://example.net/",
    "error": "",
    "router": "shop",
}
CHALLENGE = {"chap-id": r"\371", "chap-challenge": "".join(rf"\{one:03o}" for one in range(16))}


def payment(status: str, **more: Any) -> dict[str, Any]:
    """A payment as payment-service shows it."""
    return {
        "id": ID,
        "status": status,
        "price": {"amount": 2000, "currency": "KES"},
        "phone": "2547*****678",
        "package_id": PACKAGE["id"],
        "receipt": "UKM7RT61SV" if status == "completed" else None,
        "failure": None,
        "waits_for": None,
        "access": None,
    } | more


def failed(code: str, message: str = "in the service's words") -> dict[str, Any]:
    """A payment without money."""
    return payment("failed", failure={"code": code, "message": message})


def served(state: str, **more: Any) -> dict[str, Any]:
    """A paid payment with its access."""
    access = {
        "state": state,
        "username": "0712345678" if state != "provisioning" else None,
        "password": "p<ss" if state != "provisioning" else None,
        "voucher": "4KCX9-DM7RH-PWT3V",
        "login_url": LOGIN,
        "until": "2099-01-17T13:20:00Z",
    }
    return payment("completed", access=access | more)


def left(state: str, **more: Any) -> dict[str, Any]:
    """What radius-service says is left."""
    return {
        "state": state,
        "username": "0712345678",
        "payment_id": ID,
        "until": "2099-01-17T13:20:00Z",
        "seconds_left": 7800,
        "bytes_left": None,
    } | more
