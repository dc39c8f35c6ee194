"""Where the databases are: named in the environment, or in this copy's own PostgreSQL."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hotspot.command import keeper, leftovers, ports, secrets, services
from hotspot.command.errors import Unable
from hotspot.command.home import Home, locked
from hotspot.command.postgres import Cluster
from hotspot.command.system import Running, cluster_of

_PATIENCE_SECONDS = 30.0


class DatabaseUnreachable(Unable):
    """A database does not answer, or its URL is none; the text says which."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One service's database. `conninfo` names it without the password, `environment` has that:
    what stands in a command line, everybody on the machine can read."""

    service: str
    conninfo: str
    environment: Mapping[str, str]
    url: str

    @classmethod
    def of(cls, service: str, url: str) -> "Place":
        """From a URL as services take it. Raises DatabaseUnreachable where it is none."""
        plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
        try:
            parts = conninfo_to_dict(plain)
        except psycopg.ProgrammingError as error:
            # The error may quote the password.
            raise DatabaseUnreachable(f"{url_variable(service)} is not postgresql://...") from error
        password = parts.pop("password", None)
        return cls(
            service=service,
            conninfo=make_conninfo(**{name: str(value) for name, value in parts.items()}),
            environment={} if password is None else {"PGPASSWORD": str(password)},
            url=plain,
        )

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection, in which nothing is committed by itself. Raises DatabaseUnreachable."""
        try:
            connection = psycopg.connect(
                self.url, connect_timeout=5, application_name="hotspot backup"
            )
        except psycopg.OperationalError as error:
            raise DatabaseUnreachable(f"The database of {self.service}: {error}") from error
        return connection


def url_variable(service: str) -> str:
    """The variable that names a service's database."""
    return f"DATABASE_URL_{service.upper()}"


def keys_of(home: Home, environ: Mapping[str, str]) -> list[str]:
    """The keys that seal secrets here, newest first: of the environment, else of this copy."""
    given = _told(environ, "ENCRYPTION_KEYS")
    if given is None and home.secrets.exists():
        given = secrets.load(home.secrets, opens=home.postgres / "data")["encryption key"]
    return [key.strip() for key in (given or "").split(",") if key.strip()]


def _told(environ: Mapping[str, str], name: str) -> str | None:
    """A setting, or what stands in the file that NAME_FILE names, as services read theirs."""
    if file := environ.get(f"{name}_FILE"):
        try:
            return Path(file).read_text().strip()
        except OSError as error:
            raise Unable(f"{name}_FILE: {error}") from error
    return environ.get(name) or None


@contextmanager
def reached(
    home: Home, environ: Mapping[str, str], *, at_rest: bool = False
) -> Iterator[list[Place]]:
    """The database of each service, in the order of `services.RUNNING`.

    Those that no DATABASE_URL_... names are this copy's own: where it is stopped, its PostgreSQL
    runs for as long as the block lasts. `at_rest`: it must be stopped, and databases may be made.
    Raises Unable.
    """
    given = {name: _told(environ, url_variable(name)) for name in services.RUNNING}
    if all(given.values()):
        yield [Place.of(name, str(url)) for name, url in given.items()]
        return
    with _own(home, environ, at_rest=at_rest) as own:
        yield [Place.of(name, url or own[name]) for name, url in given.items()]


@contextmanager
def _own(home: Home, environ: Mapping[str, str], *, at_rest: bool) -> Iterator[Mapping[str, str]]:
    """The URLs of this copy's own databases."""
    if keeper.is_running(home):
        if at_rest:
            raise Unable("The system is running. Stop it first: ./hotspot down")
        running = Running.of(home)
        if running is None:
            raise Unable("The system is just starting. Try again when it is ready.")
        yield {
            name: running.environments[f"{name}-migrate"]["DATABASE_URL"]
            for name in services.RUNNING
        }
        return
    if not at_rest and not (home.postgres / "data").exists():
        raise Unable(
            f"There is nothing in {home.path} yet, and {url_variable('payment')} and so on are "
            "not set: there are no databases to back up."
        )
    home.make()
    with locked(home.run / "start.lock") as lock:
        if lock is None:
            raise Unable("Another command is starting the system. Try again when it is done.")
        with _started(home, environ) as urls:
            yield urls


@contextmanager
def _started(home: Home, environ: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """This copy's PostgreSQL alone, with a database for each service."""
    leftovers.end(home)
    kept = secrets.load(home.secrets, opens=home.postgres / "data")
    planned = ports.plan(environ, ports.is_free)
    ports.check(planned, ["postgres"], ports.is_free)
    cluster = cluster_of(home, planned, kept)
    cluster.prepare()
    with home.log_of("postgres").open("ab") as output:
        server = subprocess.Popen(
            cluster.argv(),
            # The mark has it found and ended, should this command be killed.
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", leftovers.MARK: str(home.path)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is this command's to handle
        )
    try:
        _wait_for(cluster, server, home)
        passwords = {name: kept[f"{name} database password"] for name in services.SERVICES}
        cluster.grant_databases(passwords)
        yield {name: cluster.url(name, password, name) for name, password in passwords.items()}
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
        server.wait()


def _wait_for(cluster: Cluster, server: "subprocess.Popen[bytes]", home: Home) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not cluster.answers():
        if server.poll() is not None or time.monotonic() > end:
            log = home.log_of("postgres")
            raise DatabaseUnreachable(
                f"PostgreSQL does not come up. The end of {log}:\n{keeper.tail(log)}"
            )
        time.sleep(0.05)
