"""What both RADIUS servers are asked, and what they must answer."""

from datetime import timedelta
from typing import Any

from hotspot.testing.handling import NOON

from .a_case import (
    Case,
    Chap,
    Guest,
    MsChap2,
    Pairs,
    Pap,
    Preparing,
    Proof,
    and_then,
    gives,
    gives_device,
    nothing,
)
from .world import GIB

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

AN_HOUR = gives({})
SUSPENDED = "INSERT INTO suspended_users VALUES (:name, 'suspended', :suspended, :noon)"
NO_GRANT = (
    "WITH gone AS (DELETE FROM sessions WHERE username = :name)"
    " DELETE FROM grants WHERE username = :name"
)
ONLINE = (
    "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime,"
    " acctupdatetime, callingstationid)"
    " VALUES ('1', 'open ' || :name, :name, '192.0.2.1', :at, :at, {device})"
)
ADDED = (
    "INSERT INTO radreply (username, attribute, op, value) VALUES (:name, 'Filter-Id', ':=', 'a'),"
    " (:name, 'Filter-Id', '+=', 'b'), (:name, 'Mikrotik-Address-List', '=', 'vip'),"
    " (:name, 'Mikrotik-Address-List', '=', 'paid'), (:name, 'Session-Timeout', ':=', '9')"
)
OTHER_DEVICE = "'02:00:5E:99:99:99'"
DEVICE: Pairs = (("Calling-Station-Id", "{mac}"),)
ROUTER_PASSWORD = "of-the-router"


def online(device: str, at: Any = NOON, **grant: Any) -> Preparing:
    """A guest of whom a device is online, last heard of then."""
    return and_then(gives(grant), ONLINE.format(device=device), at=at)


def device_logs_in(title: str, proof: Proof, typed: str = "{mac}") -> Case:
    """A case of a device with a grant."""
    return Case(
        title=f"a device {title}",
        answer="accept",
        prepare=gives_device(),
        typed=typed,
        proof=proof,
        more=DEVICE,
        shows=(("Session-Timeout", "3600"),),
    )


def refused(title: str, reason: str, prepare: Preparing, **fields: Any) -> Case:
    """A case of a refusal."""
    return Case(title=title, answer="reject", prepare=prepare, reason=reason, **fields)


LEFT = (
    ("Session-Timeout", "3600"),
    ("Mikrotik-Rate-Limit", "2M/5M"),
    ("Port-Limit", "1"),
    ("Acct-Interim-Interval", "300"),
    ("Idle-Timeout", "600"),
)
BURST_OF_ATTRIBUTES = (
    ("NAS-Identifier", "site-1"),
    ("NAS-Port-Type", "Wireless-802.11"),
    ("NAS-Port-Id", "bridge-hs"),
    ("Acct-Session-Id", "80200001"),
    ("Called-Station-Id", "hotspot1"),
    ("Calling-Station-Id", "{mac}"),
    ("Framed-IP-Address", "10.5.50.10"),
    ("Mikrotik-Host-IP", "10.5.50.10"),
    ("WISPr-Location-ID", "site-1"),
    ("WISPr-Logoff-URL", "http://10.5.50.1/logout"),
)
ENDED = gives({"starts_at": NOON - 2 * HOUR, "ends_at": NOON - HOUR})
TWO_GRANTS = (
    {"data_bytes": 3 * GIB},
    {"starts_at": NOON + HOUR, "ends_at": NOON + 3 * HOUR, "data_bytes": 2 * GIB},
)
TOMORROW = {"starts_at": NOON + 24 * HOUR, "ends_at": NOON + 25 * HOUR}

ACCEPTED = (
    Case(title="PAP", answer="accept", prepare=AN_HOUR, shows=LEFT),
    Case(title="CHAP", answer="accept", prepare=AN_HOUR, shows=LEFT, proof=Chap()),
    Case(title="MS-CHAPv2", answer="accept", prepare=AN_HOUR, shows=LEFT, proof=MsChap2()),
    Case(
        title="all that a hotspot sends",
        answer="accept",
        prepare=AN_HOUR,
        more=BURST_OF_ATTRIBUTES,
        shows=LEFT,
    ),
    Case(title="a capital and a space", answer="accept", prepare=AN_HOUR, typed="{name} "),
    Case(
        title="a proxy in between",
        answer="accept",
        prepare=AN_HOUR,
        more=(("Proxy-State", "0x70726f7879"), ("Proxy-State", "0x32")),
        shows=(("Proxy-State", "0x70726f7879"), ("Proxy-State", "0x32")),
    ),
    Case(
        title="5 GiB left",
        answer="accept",
        prepare=gives({"data_bytes": 5 * GIB}),
        shows=(
            ("Mikrotik-Total-Limit", str(GIB)),
            ("Mikrotik-Total-Limit-Gigawords", "1"),
        ),
    ),
    Case(
        title="1 GiB left of 2",
        answer="accept",
        prepare=and_then(
            gives({"data_bytes": 2 * GIB}),
            "UPDATE grants SET used_bytes = 1073741824 WHERE username = :name",
        ),
        shows=(("Mikrotik-Total-Limit", str(GIB)),),
    ),
    Case(
        title="two grants in a row",
        answer="accept",
        prepare=gives(*TWO_GRANTS),
        shows=(
            ("Session-Timeout", "10800"),
            ("Mikrotik-Total-Limit", str(GIB)),
            ("Mikrotik-Total-Limit-Gigawords", "1"),
        ),
    ),
    Case(
        title="bought again with data used up",
        answer="accept",
        prepare=and_then(
            gives(*TWO_GRANTS),
            "UPDATE grants SET used_bytes = data_bytes WHERE username = :name"
            " AND starts_at = :noon",
        ),
        shows=(("Session-Timeout", "10800"), ("Mikrotik-Total-Limit", str(2 * GIB))),
    ),
    Case(
        title="a clock that is seconds behind",
        answer="accept",
        prepare=gives({"starts_at": NOON + timedelta(seconds=20)}),
    ),
    Case(
        title="odd speeds",
        answer="accept",
        prepare=gives({"down_kbps": 1536, "up_kbps": 512}),
        shows=(("Mikrotik-Rate-Limit", "512k/1536k"),),
    ),
    Case(
        title="another device where two may",
        answer="accept",
        prepare=online(OTHER_DEVICE, devices=2),
        more=DEVICE,
        shows=(("Port-Limit", "2"),),
    ),
    Case(title="the same device", answer="accept", prepare=online(":mac"), more=DEVICE),
    Case(
        title="the same device, written otherwise",
        answer="accept",
        prepare=online(":mac"),
        more=(("Calling-Station-Id", "{dashed}"),),
    ),
    Case(
        title="the same device with a network's name behind it",
        answer="accept",
        prepare=online("upper(:mac || '@lobby')"),
        more=(("Calling-Station-Id", "{mac}@lobby"),),
    ),
    Case(
        title="a device that fell silent",
        answer="accept",
        prepare=online(OTHER_DEVICE, NOON - 17 * MINUTE),
        more=DEVICE,
    ),
    Case(
        title="what radreply adds",
        answer="accept",
        prepare=and_then(AN_HOUR, ADDED),
        shows=(
            ("Filter-Id", "a"),
            ("Filter-Id", "b"),
            ("Mikrotik-Address-List", "vip"),
            ("Session-Timeout", "3600"),
        ),
    ),
    Case(
        title="a password with quotes",
        answer="accept",
        prepare=gives({"password": "'a\"b\\c d"}),
        proof=Pap(password="'a\"b\\c d"),
    ),
    Case(
        title="released again",
        answer="accept",
        prepare=and_then(AN_HOUR, SUSPENDED, suspended=False),
    ),
    device_logs_in("with its address", Pap(password="{mac}")),
    device_logs_in("with dashes", Pap(password="{dashed}"), "{dashed}"),
    device_logs_in("with nothing", Pap(password="")),
    device_logs_in("without a password", None),
    device_logs_in("with its router's password", Pap(password=ROUTER_PASSWORD)),
    device_logs_in("with its address by CHAP", Chap(password="{mac}")),
    device_logs_in("with nothing by CHAP", Chap(password="")),
    device_logs_in("with its router's password by CHAP", Chap(password=ROUTER_PASSWORD)),
)

REFUSED = (
    refused("a wrong password", "wrong", AN_HOUR, proof=Pap(password="wrong")),
    refused("a wrong password by CHAP", "wrong", AN_HOUR, proof=Chap(password="wrong")),
    refused("a wrong password by MS-CHAPv2", "wrong", AN_HOUR, proof=MsChap2(password="wrong")),
    refused("no password", "wrong", AN_HOUR, proof=None),
    refused("an empty password", "wrong", AN_HOUR, proof=Pap(password="")),
    refused("the router's password", "wrong", AN_HOUR, proof=Pap(password=ROUTER_PASSWORD)),
    refused("nobody", "wrong", nothing),
    refused("nobody by MS-CHAPv2", "wrong", nothing, proof=MsChap2()),
    refused("no name", "wrong", AN_HOUR, typed=None),
    refused("a name with quotes", "wrong", AN_HOUR, typed="' OR ''='"),
    refused("time used up", "expired", ENDED),
    refused("time used up, by CHAP", "expired", ENDED, proof=Chap()),
    refused("time used up, by MS-CHAPv2", "expired", ENDED, proof=MsChap2()),
    refused("time used up, wrong password", "wrong", ENDED, proof=Pap(password="wrong")),
    refused(
        "data used up",
        "data",
        and_then(
            gives({"data_bytes": GIB}),
            "UPDATE grants SET used_bytes = data_bytes WHERE username = :name",
        ),
    ),
    refused("not yet", "later", gives(TOMORROW)),
    refused("never any access", "none", and_then(AN_HOUR, NO_GRANT)),
    refused("one device too many", "devices", online(OTHER_DEVICE), more=DEVICE),
    refused("suspended", "suspended", and_then(AN_HOUR, SUSPENDED, suspended=True)),
    refused(
        "the address of another's device",
        "wrong",
        gives_device(),
        typed="{mac}",
        proof=Pap(password="{mac}"),
        more=(("Calling-Station-Id", "02:00:5E:99:99:99"),),
    ),
    refused("a device that does not say who it is", "wrong", gives_device(), typed="{mac}",
        proof=Pap(password="{mac}")),
    refused("a device with a guess", "wrong", gives_device(), typed="{mac}",
        proof=Pap(password="guess"), more=DEVICE),
    refused("an unknown device", "wrong", AN_HOUR, typed="{mac}", proof=Pap(password="{mac}"),
        more=DEVICE),
    refused("a device whose time is used up", "expired",
        gives_device(starts_at=NOON - 2 * HOUR, ends_at=NOON - HOUR), typed="{mac}",
        proof=Pap(password="{mac}"), more=DEVICE),
)  # fmt: skip

SILENT = (Case(title="not signed", answer="silent", prepare=AN_HOUR, signed=False),)

CASES = (*ACCEPTED, *REFUSED, *SILENT)


def guest_of(case: Case) -> Guest:
    """The guest of a case: the place in the list makes names and addresses."""
    place = CASES.index(case)
    name = "o'brien" if case.title == "a capital and a space" else f"guest-{place}"
    return Guest(name=name, mac=f"02:00:5E:00:01:{place:02X}")
