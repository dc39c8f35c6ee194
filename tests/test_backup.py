"""A backup that is put back: the books are right, and whoever had paid is online.

The real command, PostgreSQL's real programs, and the real handlers of the services on real
databases; only the broker is a small one, whose queues are lost with all else.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from sqlalchemy import Engine, delete, text

from hotspot.bus import ledger
from hotspot.bus.tables import outbox
from hotspot.clock import utc_now
from hotspot.command import backup_taking, services
from hotspot.command.backup_manifest import sha256_of
from hotspot.command.cli import hotspot
from hotspot.command.errors import Unable
from hotspot.contract.payments import CheckMoneyWithoutServiceJob, ClaimPaymentJob
from hotspot.ids import new_id
from hotspot.testing.databases import Databases
from hotspot.testing.identity import Keys

from .small_world import town as towns
from .small_world.rules import Everything
from .small_world.settings import set_up
from .small_world.town import PHONES, Town

EARLY, LATE = PHONES[:2]


class Installation:
    """The databases of all services, life in them, and the command."""

    def __init__(self, engines: Mapping[str, Engine], keys: Keys, home: Path) -> None:
        self.engines, self.folder = engines, home / "backups"
        served = {name: engines[name] for name in towns.SERVICES}
        founded = staticmethod(lambda: towns.found(served, towns.handlers_of_services))
        self.life: Everything = type("LifeHere", (Everything,), {"make": founded})()
        self.town.pass_time(utc_now() - self.town.bus.now)  # the command has no other clock
        self.environment = {
            "HOTSPOT_HOME": str(home),
            "ENCRYPTION_KEYS": ",".join(keys.encryption),
            **{f"DATABASE_URL_{name.upper()}": _url(engine) for name, engine in engines.items()},
        }

    @property
    def town(self) -> Town:
        return self.life.town

    def run(self, *arguments: str, **environment: str) -> Result:
        """`./hotspot ...`"""
        return CliRunner().invoke(hotspot, list(arguments), env={**self.environment, **environment})

    def back_up(self, name: str = "one") -> Path:
        """With nothing on its way: what was sent has arrived."""
        for engine in self.engines.values():
            with engine.begin() as connection:
                connection.execute(delete(outbox))
        done = self.run("backup", "--to", str(self.folder / name))
        assert done.exit_code == 0, done
        assert "THE KEYS ARE NOT IN IT" in done.output
        (made,) = (self.folder / name).iterdir()
        return made

    def restore(self, folder: Path, *more: str, **environment: str) -> Result:
        """With the services stopped. The queues are lost."""
        for engine in self.engines.values():
            engine.dispose()
        done = self.run("restore", str(folder), *more, **environment)
        if done.exit_code == 0:
            self.town.bus.waiting.clear()
        return done

    def start(self) -> None:
        """Workers send what is in their outboxes, and handle what follows."""
        for service in towns.SERVICES:
            self._sweep(self.engines[service])
        self.town.bus.post(CheckMoneyWithoutServiceJob())
        self.life.come_to_rest()

    def buy(self, phone: str) -> None:
        """As on most days."""
        self.life.a_guest_buys(phone=phone, which=0, code="0", calls=1)
        self.life.come_to_rest()

    def claim(self, phone: str) -> None:
        """A guest shows the receipt of money that nobody here knows of."""
        mine = [one.receipt for one in self.town.mpesa.moved.values() if one.phone == phone]
        receipt = mine[-1]
        now = self.town.bus.now
        job = ClaimPaymentJob(payment_id=new_id(), receipt=receipt, phone=phone, claimed_at=now)
        self.town.bus.post(job)
        self.life.come_to_rest()

    def login(self, phone: str) -> tuple[str | None, str | None]:
        """What RADIUS answers a guest: the reason, and the password that it wants."""
        with self.engines["radius"].connect() as connection:
            row = connection.execute(
                text("SELECT reason, password FROM login_answer(:name, NULL, :at)"),
                {"name": "0" + phone[3:], "at": self.town.bus.now},
            ).one()
        return row.reason, row.password

    def _sweep(self, engine: Engine) -> None:
        with engine.begin() as connection:
            parcels = ledger.lock_stale_outbox(connection, utc_now(), timedelta(0))
            ledger.clear_outbox(connection, [one.envelope.message_id for one in parcels])
        self.town.bus.put(parcels)


@pytest.fixture
def installation(
    databases: Databases, keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Installation]:
    set_up(monkeypatch, keys, tmp_path)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield Installation({name: databases.fresh(name) for name in services.RUNNING}, keys, tmp_path)
    structlog.reset_defaults()
    databases.drop()


def test_after_a_restore_the_ledger_balances_and_who_paid_is_online(
    installation: Installation,
) -> None:
    installation.buy(EARLY)
    had = installation.login(EARLY)
    assert had[0] == "ok"
    backup = installation.back_up()
    installation.buy(EARLY)  # once more
    installation.buy(LATE)  # of whom the backup knows nothing
    assert installation.login(LATE)[0] == "ok"

    refused = installation.restore(backup)
    assert "not empty" in str(refused.exception)
    assert installation.login(LATE)[0] == "ok", "a refusal changes nothing"
    done = installation.restore(backup, "--replace")

    assert done.exit_code == 0, done
    assert installation.login(EARLY) == had, "who was in the backup logs in as before"
    assert installation.login(LATE)[0] is None
    installation.start()
    assert len(installation.town.grants("radius")) == 1
    installation.life.teardown()  # M-Pesa's statement is imported: no shilling is missing
    # Half a number is all that a statement tells: the money waits for whoever shows its receipt.
    assert installation.town.books().held == 2 * installation.town.packages[0].price.amount
    for phone in (EARLY, LATE):
        installation.claim(phone)
        assert installation.login(phone)[0] == "ok"
    assert len(installation.town.grants("radius")) == 3
    installation.town.check_at_rest()


@pytest.mark.parametrize("older", [["provisioning"], ["radius"], ["provisioning", "radius"]])
def test_who_paid_is_online_also_where_one_database_is_older_than_the_others(
    installation: Installation, older: Sequence[str]
) -> None:
    before = installation.back_up("before")
    installation.buy(EARLY)
    mixed = _mixed(installation.back_up("after"), before, older)

    done = installation.restore(mixed, "--replace")

    assert done.exit_code == 0, done
    if "radius" in older:
        assert installation.login(EARLY)[0] is None
    installation.start()
    assert installation.login(EARLY)[0] == "ok"
    assert len(installation.town.grants("provisioning")) == 1
    assert "waiting" not in installation.town.standings().values()
    assert installation.town.books().balance == 0


def test_a_backup_that_does_not_fit_touches_nothing(installation: Installation) -> None:
    backup = installation.back_up()
    (installation.folder / ".hotspot-x.partial").mkdir()
    changed = {"revision": "9999"}, {"postgres": 99}, {"service": "bakery"}

    assert "is no backup" in _refused(
        installation.restore(installation.folder / ".hotspot-x.partial", "--replace")
    )
    assert "Put the secrets back first" in _refused(
        installation.restore(backup, "--replace", ENCRYPTION_KEYS="another")
    )
    for change in changed:
        other = _changed(backup, change)
        assert _refused(installation.restore(other, "--replace"))
    (backup / "radius.dump").write_bytes((backup / "radius.dump").read_bytes()[:-1] + b"?")
    assert "damaged" in _refused(installation.restore(backup, "--replace"))
    with installation.engines["payment"].connect():
        in_use = installation.run("restore", str(_changed(backup, {})), "--replace")
        assert "in use, by" in _refused(in_use)


def test_a_dump_that_cannot_be_loaded_leaves_every_database_as_it_was(
    installation: Installation,
) -> None:
    installation.buy(EARLY)
    had = installation.login(EARLY)
    backup = installation.back_up()
    dump = backup / "gateway.dump"  # the last of them
    dump.write_bytes(dump.read_bytes()[:-2000])
    _changed(backup, {}, into=backup)

    done = installation.restore(backup, "--replace")

    assert "gateway could not be loaded" in _refused(done)
    assert installation.login(EARLY) == had


def test_a_server_that_cannot_be_dumped_leaves_no_backup(installation: Installation) -> None:
    done = installation.run(
        "backup", "--to", str(installation.folder), DATABASE_URL_GATEWAY="postgresql://127.0.0.1:1/"
    )

    assert "The database of gateway" in _refused(done)
    assert list(installation.folder.iterdir()) == []


def test_every_service_is_backed_up() -> None:
    assert sorted(backup_taking.ORDER) == sorted(services.RUNNING)


def _refused(done: Result) -> str:
    assert isinstance(done.exception, Unable), done
    return str(done.exception)


def _mixed(newer: Path, older: Path, names: Sequence[str]) -> Path:
    """The newer backup with some of the older one's dumps: databases put back one by one."""
    for name in names:
        (newer / f"{name}.dump").write_bytes((older / f"{name}.dump").read_bytes())
    return _changed(newer, {}, into=newer)


def _changed(backup: Path, change: Mapping[str, Any], *, into: Path | None = None) -> Path:
    """A backup whose manifest says the truth of its files, and `change` of its first database."""
    told = json.loads((backup / "manifest.json").read_text())
    folder = into or backup.with_name(f"{backup.name}-changed")
    folder.mkdir(exist_ok=True)
    for dump in told["dumps"]:
        content = (backup / dump["file"]).read_bytes()
        (folder / dump["file"]).write_bytes(content)
        dump["size"], dump["sha256"] = len(content), sha256_of(folder / dump["file"])
    told["dumps"][0].update(change)
    (folder / "manifest.json").write_text(json.dumps(told))
    return folder


def _url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)
