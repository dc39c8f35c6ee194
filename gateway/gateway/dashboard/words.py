"""Values as operators read them: money, times in Nairobi, sizes, states."""

from datetime import date, datetime, timedelta
from typing import Any

from hotspot.clock import NAIROBI
from hotspot.contract.rows import Event
from hotspot.contract.table import DASHBOARD_QUEUE, MESSAGES

_GOOD = (
    "completed online active delivered ready done redeemed used_up accepted ok running removed "
    "succeeded success stopped published matched"
)
_BAD = (
    "failed offline suspended expired refused unclear waiting needs_person unreachable "
    "unknown_router missing_there"
)
_WAITS = (
    "pending provisioning sending grace awaiting asking asked making retried importing "
    "in_progress queued different_amount missing_here"
)
_CLASSES = {
    **dict.fromkeys(_GOOD.split(), "good"),
    **dict.fromkeys(_BAD.split(), "bad"),
    **dict.fromkeys(_WAITS.split(), "waits"),
}

# What the live feed says of each event; {fields} are filled in by the page's script.
_FEED = {
    "PaymentRequested": "{phone} was asked for {price}",
    "PaymentCompleted": "{amount} paid by {phone}, receipt {receipt}",
    "PaymentFailed": "Not paid: {reason}",
    "PaymentReversed": "{amount} of receipt {receipt} went back",
    "VoucherIssued": "A payment has its voucher",
    "VoucherBatchProgressed": "{made} of {count} vouchers are made",
    "VoucherRedeemed": "A voucher was redeemed",
    "PackageChanged": "Package {code} is sold on new terms",
    "SubscriptionChanged": "The subscription of {phone} is {state}",
    "RadiusUserAuthorized": "{username} may log in",
    "HotspotUserCreated": "{username} has access",
    "LoginAccepted": "{username} logged in at {nas}",
    "SessionStarted": "{username} is online",
    "SessionEnded": "{username} left ({cause})",
    "SessionExpired": "{username} used up the {cause} that was paid",
    "AccountSuspended": "The subscription of {phone} was suspended",
    "AccountUnsuspended": "The subscription of {phone} goes on",
    "SmsSent": "SMS to {phone} sent",
    "SmsDelivered": "SMS to {phone} delivered",
    "SmsFailed": "SMS to {phone} failed: {reason}",
    "RouterConnected": "Router {identity} phoned home",
    "RouterStatusUpdated": "A router is {status}",
    "RouterProvisioningProgressed": "Provisioning: {step} {state}",
    "DashboardStatsUpdated": "Figures worked out",
    "JobFailed": "{message} was given up: {reason}",
    "AlarmRaised": "{said}",
    "AlarmCleared": "Alarm over: {alarm}",
    "PromiseChecked": "{promise}: {broken}",
}


def feed() -> dict[str, str]:
    """What to say of each event that the API broadcasts, by its name."""
    heard = [
        row.message.NAME
        for row in MESSAGES
        if isinstance(row, Event) and DASHBOARD_QUEUE in row.lands_in and row.traced
    ]
    return {name: _FEED.get(name, spaced(name)) for name in heard}


def spaced(name: str) -> str:
    """`money_without_service` and `MoneyWithoutService` as words."""
    apart = "".join(f" {one.lower()}" if one.isupper() else one for one in name)
    return apart.replace("_", " ").replace("-", " ").strip()


def money(value: Any) -> str:
    """An amount of the API: KES 1,250 or KES 12.50."""
    if not value:
        return "–"
    whole, cents = divmod(int(value["amount"]), 100)
    return f"{value['currency']} {whole:,}" + (f".{cents:02d}" if cents else "")


def moment(value: str) -> datetime:
    """A time of the API, on the clocks of Nairobi."""
    return datetime.fromisoformat(value).astimezone(NAIROBI)


def clock(value: str, now: datetime) -> str:
    """The time of today, else day and time."""
    at, today = moment(value), now.astimezone(NAIROBI).date()
    if at.date() == today:
        return f"{at:%H:%M:%S}"
    return f"{at.day} {at:%b %H:%M}" if at.year == today.year else f"{at.day} {at:%b %Y %H:%M}"


def full(value: str) -> str:
    """Day, time and zone."""
    return f"{moment(value):%A %d %B %Y, %H:%M:%S} EAT"


def phone(value: str) -> str:
    """A Kenyan number as people write it: 0712 345 678."""
    if len(value) == 12 and value.startswith("254") and value.isdigit():
        return f"0{value[3:6]} {value[6:9]} {value[9:]}"
    return value


def size(value: float) -> str:
    """Bytes in units of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def span(seconds: float) -> str:
    """A length of time in its two largest units."""
    left, found = int(seconds), []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        many, left = divmod(left, length)
        if many:
            found.append(f"{many} {unit}")
    return " ".join(found[:2]) or "0 s"


def milliseconds(value: float) -> str:
    """A short time: 86.4 ms, or seconds from a thousand on."""
    return f"{value / 1000:,.1f} s" if value >= 1000 else f"{value:.1f} ms"


def day(value: str) -> str:
    """A date of the API, 2026-01-05, as charts have it: 5 Jan."""
    on = date.fromisoformat(value)
    return f"{on.day} {on:%b}"


def speed(kbps: float) -> str:
    """kbit/s, or Mbit/s from a thousand on."""
    return f"{kbps / 1000:g} Mbit/s" if kbps >= 1000 else f"{kbps:g} kbit/s"


def state_class(value: str) -> str:
    """How a state is coloured: good, bad, waits, or nothing of these."""
    return _CLASSES.get(value, "plain")


def ago(value: str, now: datetime) -> str:
    """How long ago a time of the API is, or in how long it will be."""
    passed = now - datetime.fromisoformat(value)
    if abs(passed) < timedelta(seconds=2):
        return "now"
    length = span(abs(passed).total_seconds())
    return f"{length} ago" if passed > timedelta(0) else f"in {length}"


def many(number: int, what: str) -> str:
    """`1 payment`, `2 payments`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
