"""Users, grants, sessions, accounting and subscriptions by the million, made with COPY."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from sqlalchemy import Engine

from hotspot.contract import message as contract
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

DUE = 100
_LINES_AT_ONCE = 5_000

_PACKAGE = PackageTerms(
    package_id=UUID(int=1),
    name="Month",
    kind="subscription",
    price=Money(amount=150_000),
    duration_seconds=30 * 24 * 3600,
    down_kbps=5000,
    up_kbps=2000,
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much there is. One user in five has a running grant, three in four of those are online,
    and the rest of the accounting is what was; one user in ten has a subscription."""

    users: int
    accounting: int

    @property
    def running(self) -> int:
        """Grants that run."""
        return self.users // 5

    @property
    def online(self) -> int:
        """Sessions that are open."""
        return self.running * 3 // 4

    @property
    def subscriptions(self) -> int:
        """Subscriptions."""
        return self.users // 10


def name_of(number: int) -> str:
    """The username of a user, which is a phone number."""
    return f"2547{number:08d}"


def mac_of(number: int) -> str:
    """A device's address."""
    digits = f"02{number:010X}"
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def fill_radius(engine: Engine, size: Size, now: datetime) -> None:
    """Everything that radius-service has. None of the old accounting was moved out of radacct:
    that is the worst there can be. The first DUE sessions are over."""
    with _loading(engine) as connection:
        connection.execute("ALTER TABLE radacct DISABLE TRIGGER USER")
        _copy(connection, "radcheck (username, attribute, op, value)", _checks(size))
        _copy(connection, "radreply (username, attribute, op, value)", _replies(size))
        _copy(connection, f"grants ({_GRANT})", _grants(size, now))
        _copy(connection, f"sessions ({_SESSION})", _sessions(size, now))
        _copy(connection, f"radacct ({_ACCT})", _accounting(size, now))
        connection.execute("ALTER TABLE radacct ENABLE TRIGGER USER")


def fill_provisioning(engine: Engine, size: Size, now: datetime) -> None:
    """Users, their grants, and subscriptions of which the first DUE are over."""
    terms = contract.schema_of(PackageTerms).dumps(_PACKAGE)
    users = ((_id(1, one), name_of(one), name_of(one), "sealed", now) for one in range(size.users))
    with _loading(engine) as connection:
        _copy(connection, "hotspot_users (id, phone, username, sealed_password, created_at)", users)
        _copy(connection, f"grants ({_PROVISIONED})", _provisioned(size, now, terms))
        _copy(connection, f"subscriptions ({_SUBSCRIBED})", _subscribed(size, now, terms))


def _checks(size: Size) -> Iterator[Sequence[object]]:
    for one in range(size.users):
        yield name_of(one), "Cleartext-Password", ":=", "secret-pw"


def _replies(size: Size) -> Iterator[Sequence[object]]:
    for one in range(size.users):
        yield name_of(one), "Acct-Interim-Interval", ":=", "300"
        yield name_of(one), "Idle-Timeout", ":=", "600"


_GRANT = (
    "grant_id, user_id, username, phone, payment_id, starts_at, ends_at, data_bytes, used_bytes,"
    " down_kbps, up_kbps, devices, mac, authorized_at"
)


def _grants(size: Size, now: datetime) -> Iterator[Sequence[object]]:
    """One a user; the first run, the others were."""
    for one in range(size.users):
        begins, ends = _time_of(one, size, now)
        name = name_of(one)
        who = (_id(2, one), _id(1, one), name, name, _id(3, one), begins, ends)
        yield *who, 2**33, 2**20, 5000, 2000, 1, mac_of(one), begins


_SESSION = (
    "session_id, grant_id, user_id, username, phone, payment_id, status, acctuniqueid,"
    " acctsessionid, nas, mac, ip, created_at, started_at, seen_at, ends_at, ended_at, cause"
)


def _sessions(size: Size, now: datetime) -> Iterator[Sequence[object]]:
    """One a grant: online, awaited, or ended."""
    for one in range(size.users):
        begins, ends = _time_of(one, size, now)
        name, device = name_of(one), mac_of(one)
        who = (_id(4, one), _id(2, one), _id(1, one), name, name, _id(3, one))
        if one < size.online:
            seen = ("online", f"open{one}", f"80{one:08x}", "10.8.0.2", device, "10.5.50.7")
            yield *who, *seen, begins, begins, now - MINUTE, ends, None, None
        elif one < size.running:
            yield (
                *who,
                "awaiting",
                None,
                None,
                None,
                None,
                None,
                begins,
                None,
                None,
                ends,
                None,
                None,
            )
        else:
            seen = ("ended", f"last{one}", f"80{one:08x}", "10.8.0.2", device, "10.5.50.7")
            yield *who, *seen, begins, begins, ends, ends, ends, "Session-Timeout"


_ACCT = (
    "acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime, acctupdatetime,"
    " acctstoptime, acctsessiontime, acctinputoctets, acctoutputoctets, callingstationid,"
    " acctterminatecause, framedipaddress, class"
)


def _accounting(size: Size, now: datetime) -> Iterator[Sequence[object]]:
    """What is open, and a year of what was."""
    for one in range(size.online):
        begins, _ = _time_of(one, size, now)
        what = (f"80{one:08x}", f"open{one}", name_of(one), "10.8.0.2", begins, now - MINUTE)
        yield *what, None, 3600, 2**20, 2**24, mac_of(one), None, "10.5.50.7", str(_id(2, one))
    past = size.accounting - size.online
    for at in range(past):
        one, ended = at % size.users, now - HOUR - (365 * DAY) * at / past
        began = ended - HOUR
        past_one = (f"81{at:08x}", f"past{at}", name_of(one), "10.8.0.2", began, ended)
        cause = "Session-Timeout"
        yield (
            *past_one,
            ended,
            3600,
            2**20,
            2**24,
            mac_of(one),
            cause,
            "10.5.50.7",
            str(_id(2, one)),
        )


_PROVISIONED = (
    "id, user_id, payment_id, kind, revision, package, receipt, paid_at, starts_at, ends_at, state,"
    " created_at, ready_at"
)


def _provisioned(size: Size, now: datetime, terms: str) -> Iterator[Sequence[object]]:
    for one in range(size.users):
        begins, ends = _time_of(one, size, now)
        yield (
            *(_id(2, one), _id(1, one), _id(3, one), "paid", 0, terms, f"R{one:09d}"),
            *(begins, begins, ends, "ready", begins, begins),
        )


_SUBSCRIBED = "id, user_id, package, state, paid_until, created_at, changed_at"


def _subscribed(size: Size, now: datetime, terms: str) -> Iterator[Sequence[object]]:
    for one in range(size.subscriptions):
        until = now - MINUTE if one < DUE else now + DAY + one * 30 * DAY / size.subscriptions
        yield _id(5, one), _id(1, one), terms, "active", until, now - 30 * DAY, now - 30 * DAY


def _time_of(one: int, size: Size, now: datetime) -> tuple[datetime, datetime]:
    """From when until when the grant of a user runs, or ran."""
    if one < DUE:
        return now - HOUR, now - 10 * timedelta(seconds=1)
    if one < size.running:
        return now - HOUR, now + 5 * MINUTE + one * 10 * DAY / size.running
    ended = now - DAY - one * 364 * DAY / size.users
    return ended - HOUR, ended


def _id(kind: int, number: int) -> UUID:
    """Ids in the order of time, as the services make them."""
    return UUID(int=(0x0190 << 112) | (number << 80) | (7 << 76) | (kind << 48) | (2 << 62))


@contextmanager
def _loading(engine: Engine) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A connection that loads quickly, and leaves the tables as they are after a vacuum."""
    url = engine.url.set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        yield connection
        connection.execute("VACUUM (ANALYZE)")


def _copy(
    connection: "psycopg.Connection[tuple[object, ...]]",
    table: str,
    rows: Iterable[Sequence[object]],
) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        lines: list[str] = []
        for row in rows:
            lines.append("\t".join(_text(value) for value in row))
            if len(lines) == _LINES_AT_ONCE:
                copy.write("\n".join(lines) + "\n")
                lines.clear()
        if lines:
            copy.write("\n".join(lines) + "\n")


def _text(value: object) -> str:
    return "\\N" if value is None else str(value)
