"""One round of CheckRoutersJob over many routers, a fifth of which never answer.

    ./hotspot bench routers

The routers are simulated: of each ten, eight answer, one has no power, and out of one nothing
comes. The round is what a worker does: every router is asked by its API, a month of hourly sales
is looked through for silence, and what was found is written in one transaction.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hotspot.bus.envelope import enclose
from hotspot.bus.work import Work
from hotspot.clock import utc_now
from hotspot.contract.routers import CheckRoutersJob, RouterStatusUpdated
from hotspot.ids import new_id
from hotspot.testing.databases import Databases
from hotspot.testing.simulators import Simulators
from hotspot.vault import Vault
from router_service.checking import PATIENCE_SECONDS, ask_router, check_all
from router_service.config import Controller
from router_service.monitoring import prepare, record_round
from router_service.reaching import Reach
from router_service.registration import Registry

ROUTERS = 1_000
SILENT = {3: "down", 7: "blackhole"}  # of each ten
SALES_DAYS = 30
ROUNDS = 3
# The job's period: a round must be over well before the next one.
PERIOD_SECONDS = 120
SAMPLED_EACH_SECONDS = 0.05


@dataclass
class Peak:
    """What this process needed at most while it was watched."""

    megabytes: float = 0.0
    threads: int = 0
    files: int = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at this process all the time, from a thread that counts as none."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(SAMPLED_EACH_SECONDS):
                self.megabytes = max(self.megabytes, _megabytes())
                self.threads = max(self.threads, threading.active_count() - 1)
                self.files = max(self.files, len(list(Path("/proc/self/fd").iterdir())))

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


@dataclass(kw_only=True)
class Round:
    """How long a round took, and what came of it."""

    asked: float
    recorded: float
    reached: int
    told: int


def run(*, routers: int = ROUTERS, rounds: int = ROUNDS, patience: float = PATIENCE_SECONDS) -> int:
    """Measure, and print the table; 1 where a round was too slow or found the wrong ones."""
    databases = Databases(os.environ["TEST_DATABASE_ADMIN_URL"])
    try:
        with Simulators.started() as simulators:
            engine = databases.fresh("router")
            reach = _reach()
            _set_up(engine, simulators, reach, routers)
            before, peak = _megabytes(), Peak()
            with peak.watched():
                done = [_round(engine, reach, number, patience) for number in range(rounds)]
    finally:
        databases.drop_all()
    _print(done, routers, peak, before)
    expected = sum(number % 10 not in SILENT for number in range(routers))
    slow = max(one.asked + one.recorded for one in done) > PERIOD_SECONDS / 2
    return int(slow or any(one.reached != expected for one in done))


def _print(done: list[Round], routers: int, peak: Peak, before: float) -> None:
    out = sys.stdout.write
    header = f"round over {routers:,} routers"
    out(f"{header:<30}{'asked, s':>10}{'recorded, s':>13}{'reached':>9}{'told':>6}\n")
    for number, one in enumerate(done, start=1):
        out(f"{number:<30}{one.asked:>10.1f}{one.recorded:>13.2f}{one.reached:>9}{one.told:>6}\n")
    out(
        f"memory +{peak.megabytes - before:.0f} MB (to {peak.megabytes:.0f} MB),"
        f" {peak.threads} threads, {peak.files} open files at most\n"
    )


def _round(engine: Engine, reach: Reach, number: int, patience: float) -> Round:
    now = utc_now() + timedelta(seconds=PERIOD_SECONDS * number)
    with Session(engine) as session:
        asked = prepare(_work(session, now), reach)
    assert asked is not None
    began = time.perf_counter()
    found = check_all(asked.routers, partial(ask_router, patience=patience))
    answered = time.perf_counter()
    with Session(engine) as session, session.begin():
        work = _work(session, now)
        record_round(found, work)
    ended = time.perf_counter()
    told = sum(parcel.envelope.name == RouterStatusUpdated.NAME for parcel in work.sent)
    return Round(
        asked=answered - began,
        recorded=ended - answered,
        reached=sum(health.reached for health in found.values()),
        told=told,
    )


def _work(session: Session, now: datetime) -> Work:
    envelope = enclose(CheckRoutersJob(), sender="bench", now=now)
    return Work(session=session, now=now, envelope=envelope, service="router")


def _reach() -> Reach:
    controller = Controller(
        addresses=("127.0.0.1",),
        radius_address="127.0.0.1",
        radius_auth_port=1812,
        radius_acct_port=1813,
        coa_port=3799,
        connect_url="http://127.0.0.1",
        portal_url="http://127.0.0.1",
    )
    vault = Vault([Fernet.generate_key().decode()])
    return Reach(registry=Registry(vault=vault, controller=controller))


def _set_up(engine: Engine, simulators: Simulators, reach: Reach, routers: int) -> None:
    """Routers from their boxes with an open API; their rows; a month in which each sold."""
    login = {"api_username": "me", "api_password": "pw"}
    made = simulators.post("/routers", count=routers, nas_ip="127.3.0.1", factory="hap", **login)
    for number, one in enumerate(made["items"]):
        mode = SILENT.get(number % 10)
        if mode is not None:
            simulators.post(f"/routers/{one['id']}/behaviour", mode=mode)
    sealed, now = reach.registry.vault.seal("pw"), utc_now()
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "name": one["name"],
            "address": one["nas_ip"],
            "sealed": sealed,
            "port": simulators.api_port,
            "at": now,
        }
        for one in made["items"]
    ]
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO routers (id, name, ip_address, username, sealed_password, api_port,"
                " api_tls, sealed_radius_secret, status, connected_at, created_at, changed_at)"
                " VALUES (:id, :name, :address, 'me', :sealed, :port, false, :sealed, 'online',"
                " :at, :at, :at)"
            ),
            rows,
        )
        connection.execute(
            text(
                "INSERT INTO sales SELECT id, date_trunc('hour', cast(:at AS timestamptz))"
                " - hour * interval '1 hour', 2 FROM routers, generate_series(3, :hours) hour"
            ),
            {"at": now, "hours": SALES_DAYS * 24},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
