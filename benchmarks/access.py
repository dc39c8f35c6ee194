"""What a login and the two checks cost as a provider grows: pages that PostgreSQL touches.

    python -m benchmarks.access [USERS]

makes a small provider (1,000 users) and a large one (USERS users, a fifth of them with running
grants, ten rows of accounting each), and prints what EXPLAIN (ANALYZE, BUFFERS) counts for

- a login: the function that both RADIUS servers ask, for users with running grants;
- the expiry check with 100 sessions due: every statement of a round, locks and orders included;
- the subscription check with 100 due: every statement of its handler.

Full size is 1000000. The target: at most twice of what the small provider pays.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session

from benchmarks.access_data import Size, fill_provisioning, fill_radius, mac_of, name_of
from hotspot import log
from hotspot.bus.envelope import enclose
from hotspot.bus.work import Work
from hotspot.clock import utc_now
from hotspot.contract.access import CheckExpiredSubscriptionsJob
from hotspot.testing.databases import Databases
from provisioning_service.subscription_handlers import check_expired_subscriptions
from radius_service.rounds import make_round

SMALL = 1_000
LARGE = 20_000
ROWS_OF_USER = 10
TARGET = 2.0
LOGINS = 25
# plpgsql plans anew in its first runs, and that touches the catalogue.
WARM_UP = 10


@dataclass
class Cost:
    """Pages that statements touched, in memory or not, and how long PostgreSQL took."""

    pages: float = 0
    milliseconds: float = 0
    largest: tuple[int, str] = field(default=(0, ""))

    def add(self, plan: dict[str, Any], statement: str) -> None:
        """One more statement, as EXPLAIN tells of it."""
        pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        self.pages += pages
        self.milliseconds += plan["Execution Time"]
        self.largest = max(self.largest, (pages, " ".join(statement.split())))


def run(*, users: int = LARGE, small: int = SMALL) -> bool:
    """Measure, and print the table; whether the target is met."""
    sizes = [Size(users=one, accounting=one * ROWS_OF_USER) for one in (small, users)]
    databases = Databases(os.environ["TEST_DATABASE_ADMIN_URL"])
    costs = []
    try:
        for size in sizes:
            costs.append(_measured(databases, size))
            databases.drop()
    finally:
        databases.drop_all()
    return _print(sizes, costs)


def _measured(databases: Databases, size: Size) -> dict[str, Cost]:
    now = utc_now()
    began = time.perf_counter()
    radius, provisioning = databases.fresh("radius"), databases.fresh("provisioning")
    fill_radius(radius, size, now)
    fill_provisioning(provisioning, size, now)
    sys.stderr.write(f"{size.users} users made in {time.perf_counter() - began:.0f} s\n")
    return {
        "login": _login(radius, size, now),
        "expiry check, 100 due": _check(radius, lambda db: _round(db, now)),
        "subscription check, 100 due": _check(provisioning, lambda db: _subscriptions(db, now)),
    }


def _login(engine: Engine, size: Size, now: datetime) -> Cost:
    """The median over logins of users all over the running grants."""
    answer = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM login_answer(:name, :mac, :at)"
    step = max(1, (size.running - size.online) // LOGINS)
    costs = []
    with engine.connect() as connection:
        for at in [*[size.online] * WARM_UP, *range(size.online, size.running, step)]:
            asked = {"name": name_of(at), "mac": mac_of(at), "at": now}
            cost = Cost()
            cost.add(connection.execute(text(answer), asked).scalar_one()[0], "login_answer")
            costs.append(cost)
    logins = costs[WARM_UP:]
    return Cost(
        pages=statistics.median(one.pages for one in logins),
        milliseconds=statistics.median(one.milliseconds for one in logins),
    )


def _check(engine: Engine, check: Callable[[Session], None]) -> Cost:
    """All statements of a check, each explained on its own before it runs."""
    with engine.connect() as connection, explaining(connection) as cost:
        with Session(connection) as db:
            check(db)
        connection.rollback()
    return cost


def _round(db: Session, now: datetime) -> None:
    made = make_round(db, now, tell_every=timedelta(0))
    assert made is not None
    told = [letter.message.NAME for letter in made.letters]
    assert (told.count("SessionExpired"), told.count("DisconnectSessionJob")) == (100, 100), told


def _subscriptions(db: Session, now: datetime) -> None:
    envelope = enclose(CheckExpiredSubscriptionsJob(), sender="bench", now=now)
    work = Work(session=db, now=now, envelope=envelope, service="provisioning")
    check_expired_subscriptions(CheckExpiredSubscriptionsJob(), work, days=timedelta(days=3))
    db.flush()
    assert len(work.sent) >= 100


@contextmanager
def explaining(connection: Connection) -> Iterator[Cost]:
    """Count what each statement on a connection costs: it runs under EXPLAIN (ANALYZE, BUFFERS),
    that is undone, and then it runs."""
    cost = Cost()

    def explain(
        _conn: Connection, cursor: Any, statement: str, parameters: Any, *about: Any
    ) -> None:
        raw, many = cursor.connection.cursor(), about[-1]
        for given in parameters if many else [parameters]:
            raw.execute("SAVEPOINT explained")
            raw.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", given)
            cost.add(raw.fetchone()[0][0], statement)
            raw.execute("ROLLBACK TO SAVEPOINT explained")

    event.listen(connection, "before_cursor_execute", explain)
    try:
        yield cost
    finally:
        event.remove(connection, "before_cursor_execute", explain)


def _print(sizes: list[Size], costs: list[dict[str, Cost]]) -> bool:
    small, large = sizes
    head = f"{'pages touched (ms)':<30}{f'{small.users:,} users':>20}{f'{large.users:,} users':>20}"
    sys.stdout.write(f"{head}{'ratio':>8}\n")
    met = True
    for what, before in costs[0].items():
        after = costs[1][what]
        ratio = after.pages / before.pages
        met = met and ratio <= TARGET
        figures = (f"{one.pages:,.0f} ({one.milliseconds:.1f})" for one in (before, after))
        sys.stdout.write(f"{what:<30}{''.join(f'{one:>20}' for one in figures)}{ratio:>8.2f}\n")
    sys.stdout.write(
        f"running grants {small.running:,} and {large.running:,}, accounting"
        f" {small.accounting:,} and {large.accounting:,} rows\n"
    )
    for what, cost in costs[1].items():
        if cost.largest[1] and os.environ.get("BENCH_VERBOSE"):
            sys.stdout.write(f"{what}: {json.dumps(cost.largest)[:300]}\n")
    return met


if __name__ == "__main__":
    log.configure("bench", "access", "WARNING")
    sys.exit(0 if run(users=int(sys.argv[1]) if len(sys.argv) > 1 else LARGE) else 1)
