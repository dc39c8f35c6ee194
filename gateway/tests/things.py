"""What the services answer, with names that would be a script if a page let them."""

from typing import Any

ID = "01a1b2c3-0000-7000-8000-000000000001"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
AT = "2026-01-15T09:00:00Z"
BOB = {"amount": 2000, "currency": "KES"}

PAYMENT = {
    "id": ID, "status": "completed", "price": BOB, "phone": "254712345678", "package_id": ID,
    "receipt": "UAF9KD20QX", "failure": {"code": "1", "message": EVIL},
    "access": {"state": "online", "username": EVIL, "until": AT}, "package": {"name": EVIL},
    "paid_amount": BOB, "confirmed_by": "callback", "needs_attention": EVIL, "source": "prompt",
    "prompt_state": "done", "checkout_request_id": "ws_1", "mac": "02:00:5E:10:00:99",
    "ip": "10.5.50.9", "router_id": EVIL, "requested_at": AT, "completed_at": AT,
    "reversed_at": None,
    "reversal": {"id": ID, "receipt": "UAF9KD20QX", "state": "failed", "reason": EVIL,
                 "requested_by": EVIL, "requested_at": AT, "finished_at": None, "result": None},
}  # fmt: skip
RECEIPT = {
    "id": ID, "receipt": "UAF9KD20QX", "payment_id": ID, "amount": BOB, "left_over": BOB,
    "held": EVIL, "confirmed": True, "source": "c2b", "payer": EVIL, "payer_name": EVIL,
    "reference": EVIL, "paid_at": AT, "recorded_at": AT, "reversed_at": None,
}  # fmt: skip
STANDING = {
    "id": ID, "standing": "needs_person", "since": AT, "age_seconds": 90, "reason": EVIL,
    "needs_attention": EVIL,
    "status": "completed", "phone": None, "price": BOB, "receipt": None, "access_state": None,
}  # fmt: skip
USER = {"id": ID, "phone": "254712345678", "username": EVIL, "created_at": AT}
GRANT = {
    "id": ID, "payment_id": None, "kind": "grace", "package_id": ID, "package_name": EVIL,
    "state": "ready", "starts_at": AT, "ends_at": AT, "ended_at": None, "data_bytes": None,
    "receipt": None,
}  # fmt: skip
SUBSCRIPTION = {
    "id": ID, "user_id": ID, "phone": "254712345678", "package_id": ID, "package_name": EVIL,
    "status": "suspended", "paid_until": AT, "grace_until": None, "created_at": AT,
    "changed_at": AT,
}  # fmt: skip
SESSION = {
    "id": ID, "status": "online", "user_id": ID, "username": EVIL, "phone": None, "grant_id": ID,
    "payment_id": ID, "router_id": None, "nas": EVIL, "mac": None, "ip": None, "started_at": AT,
    "seen_at": AT, "until": AT, "expired_at": None, "ended_at": None, "cause": EVIL,
    "bytes_in": 1_500_000, "bytes_out": 40,
}  # fmt: skip
KICK = {
    "reason": "operator", "begun_at": AT, "attempts": 1, "due_at": AT, "ended_at": None,
    "outcome": None,
    "steps": [{"attempt": 1, "step": "coa", "outcome": "refused", "detail": EVIL, "at": AT}],
}  # fmt: skip
ROUTER = {
    "id": ID, "name": EVIL, "ip_address": "192.0.2.10", "username": EVIL, "api_port": 8728,
    "api_tls": False, "status": "offline", "tunnel_address": None, "identity": EVIL,
    "version": "7.16", "model": EVIL, "site": {"ports": [], "network": "10.5.50.0/24",
    "dns_name": "login.hotspot"}, "checked_at": AT, "connected_at": AT, "created_at": AT,
}  # fmt: skip
BACKUP = {"id": ID, "version": 2, "lines": 40, "taken_at": AT, "seen_at": AT}
CHANGE = {"change": "add", "menu": "/ip/hotspot", "what": EVIL, "from": {}, "to": {"name": EVIL}}
STEP = {
    "name": EVIL, "state": "done", "changes": [CHANGE], "reason": EVIL, "started_at": AT,
    "finished_at": AT,
}  # fmt: skip
RUN = {
    "id": ID, "state": "running", "changes": 1, "reason": None, "requested_at": AT,
    "finished_at": None, "steps": [STEP],
}  # fmt: skip
SAMPLES = [
    {"at": AT, "reached": True, "uptime_seconds": 1, "cpu_percent": 1, "memory_percent": 1,
     "active_guests": 3},
    {"at": AT, "reached": False, "uptime_seconds": None, "cpu_percent": None,
     "memory_percent": None, "active_guests": None},
]  # fmt: skip
PACKAGE = {
    "id": ID, "code": "HOUR1", "name": EVIL, "price": BOB, "duration_seconds": 3600,
    "down_kbps": 3000, "up_kbps": 1500, "data_bytes": None, "devices": 1, "kind": "hotspot",
    "on_sale": True, "changed_at": AT,
}  # fmt: skip
BATCH = {
    "id": ID, "number": 7, "status": "ready", "package_id": ID, "package_name": EVIL,
    "price": BOB, "count": 40, "made": 40, "expires_at": None, "requested_by": EVIL,
    "requested_at": AT, "finished_at": AT, "cancelled_at": None, "vouchers": {"unused": 40},
}  # fmt: skip
VOUCHER = {
    "id": ID, "code": EVIL, "status": "unused", "package_id": ID, "package_name": EVIL,
    "price": BOB, "phone": None, "payment_id": None, "batch_id": ID, "batch_number": 7,
    "serial": 1, "issued_at": AT, "expires_at": None, "redeemed_at": None, "cancelled_at": None,
}  # fmt: skip
MESSAGE = {
    "id": ID, "kind": "credentials", "phone": "254712345678", "text": EVIL, "status": "failed",
    "reason": EVIL, "provider": "log", "provider_message_id": None, "cost": None,
    "payment_id": ID, "resend_of": None, "created_at": AT, "sent_at": None,
    "delivered_at": None, "failed_at": AT,
    "reports": [{"status": EVIL, "failure_reason": EVIL, "received_at": AT}],
}  # fmt: skip
JOB = {
    "id": ID, "service": "payment", "message": EVIL, "queue": "payments", "reason": EVIL,
    "exception": EVIL, "attempts": 3, "failures": 1, "correlation_id": ID,
    "first_failed_at": AT, "last_failed_at": AT, "retried_at": None, "payload": EVIL,
    "traceback": EVIL, "causation_id": None,
}  # fmt: skip
SCHEDULE = {
    "job": "RotateLogs", "does": EVIL, "period_seconds": 86400, "daily_at": "03:00",
    "timezone": "Africa/Nairobi", "last_run": {"due_at": AT, "published_at": AT, "by": EVIL},
    "next_run_at": AT,
}  # fmt: skip
LINE = {
    "receipt": "UAF9KD20QX", "completed_at": AT, "there": BOB, "here": None, "payment_id": None,
    "details": EVIL, "outcome": None,
}  # fmt: skip
HEAP = {"count": 1, "amount": BOB, "rows": [LINE], "truncated": False}
STATEMENT = {
    "id": ID, "state": "importing", "parts": 1, "parts_done": 0, "begins_at": AT, "ends_at": AT,
    "requested_by": EVIL, "requested_at": AT,
    **dict.fromkeys(
        ("matched", "missing_here", "missing_there", "different_amount", "sent_back"), HEAP
    ),
}  # fmt: skip

LISTED: dict[str, dict[str, Any]] = {
    "/payments": PAYMENT,
    "/receipts": RECEIPT,
    "/statements": STATEMENT,
    "/users": USER,
    "/subscriptions": SUBSCRIPTION,
    "/sessions": SESSION,
    "/routers": ROUTER,
    "/packages": PACKAGE,
    "/vouchers/batches": BATCH,
    "/vouchers": VOUCHER,
    "/messages": MESSAGE,
    "/failed-jobs": JOB,
    "/schedules": SCHEDULE,
}
OTHERS: dict[str, Any] = {
    "/payments/standing": {
        "as_of": AT, "counted_since": AT, "counts": {"online": 1}, "money_without_service": 1,
        "held_receipts": {"count": 1, "amount": BOB}, "items": [STANDING], "next": None,
    },
    f"/users/{ID}": {**USER, "grants": [GRANT]},
    f"/sessions/{ID}": {**SESSION, "kicks": [KICK]},
    f"/routers/{ID}/provisioning": RUN,
    f"/routers/{ID}/drift": {"checked_at": AT, "changes": [CHANGE], "reason": None},
    f"/routers/{ID}/history": {"items": SAMPLES},
    f"/routers/{ID}/backups": {"items": [BACKUP], "next": None, "id": ID},
    f"/routers/{ID}/backups/2": EVIL,
    f"/routers/{ID}/backups/2/difference": EVIL,
    f"/routers/{ID}/connectivity-script": {"config_token": "t", "connectivity_script": EVIL},
}  # fmt: skip
PAGES = (
    "", "/payments", "/receipts", "/statements", "/vouchers", "/packages", "/users", "/sessions",
    "/subscriptions", "/messages", "/routers", "/failed-jobs", "/schedules", "/cases",
    "/overdue", "/search", "/audit", "/search?q=0712345678", "/search?q=UAF9KD20QX", "/queues",
    "/operators", "/api-keys", "/account", f"/routers/{ID}/backups/2",
    *(
        f"/{name}/{ID}"
        for name in (
            "payments", "users", "subscriptions", "sessions", "routers", "packages",
            "vouchers/batches", "messages", "failed-jobs", "statements", "operators",
        )
    ),
)  # fmt: skip
