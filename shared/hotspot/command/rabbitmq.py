"""A private RabbitMQ node: own data, ports, name and cookie, on the loopback address alone."""

import base64
import http.client
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from hotspot.command import private
from hotspot.command.ports import LOOPBACK

LOGIN = "hotspot"
PACKAGE = "rabbitmq-server"

_CONFIGURATION = """\
# Written by ./hotspot at each start.
listeners.tcp.1 = {host}:{amqp}
management.tcp.ip = {host}
management.tcp.port = {management}
management.rates_mode = basic
default_user = {login}
default_pass = {password}
# A quorum queue's log stays in memory until its file is full; the default is 512 MB.
raft.wal_max_size_bytes = 33554432
disk_free_limit.absolute = 64MB
log.file = false
log.console = true
log.console.level = warning
log.console.use_colors = off
"""

# Two schedulers that sleep when idle: a node that shares 2 cores with everything else. Its tables
# of processes and atoms are made for a small provider, not for a million connections: 16 MB less.
_EMULATOR = (
    "+S 2:2 +SDcpu 1:1 +SDio 2 +A 1 +Q 8192 +P 65536 +t 1048576 "
    "+sbwt none +sbwtdcpu none +sbwtdio none "
    "-kernel inet_dist_use_interface {127,0,0,1}"
)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One RabbitMQ node with the management API, and the epmd that it registers with."""

    folder: Path
    amqp_port: int
    management_port: int
    distribution_port: int
    epmd_port: int
    password: str
    cookie: str

    @property
    def amqp_url(self) -> str:
        """Where services connect, to the default virtual host."""
        return f"amqp://{LOGIN}:{self.password}@{LOOPBACK}:{self.amqp_port}"

    @property
    def management_url(self) -> str:
        """The management API with its login."""
        return f"http://{LOGIN}:{self.password}@{LOOPBACK}:{self.management_port}"

    def prepare(self) -> None:
        """Write the node's configuration and cookie."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        private.write(
            self.folder / "rabbitmq.conf",
            _CONFIGURATION.format(
                host=LOOPBACK,
                amqp=self.amqp_port,
                management=self.management_port,
                login=LOGIN,
                password=self.password,
            ),
        )
        private.write(self.folder / "enabled_plugins", "[rabbitmq_management].\n")
        # Erlang refuses a cookie that others, or the owner's own slip, could write.
        private.write(self.folder / ".erlang.cookie", self.cookie, mode=0o400)

    def argv(self) -> list[str]:
        """The command that runs the node in the foreground."""
        server = find_server()
        if server is None:
            raise FileNotFoundError(PACKAGE)
        return [str(server)]

    def epmd_argv(self) -> list[str]:
        """Erlang's port mapper in the foreground, so that it ends with everything else."""
        return [find_epmd(), "-port", str(self.epmd_port), "-address", LOOPBACK]

    def environment(self) -> dict[str, str]:
        """Everything the node reads; nothing of the caller's may reach it."""
        return {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            # A daemon that Erlang starts by itself would outlive everything.
            "ERL_FLAGS": "-start_epmd false",
            "RUNNING_UNDER_SYSTEMD": "1",  # the script becomes the node instead of its parent
            "RABBITMQ_NODENAME": "hotspot@localhost",
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _EMULATOR,
        }

    def answers(self) -> bool:
        """Whether the management API lets our login in and says that AMQP is listened for."""
        login = base64.b64encode(f"{LOGIN}:{self.password}".encode()).decode()
        connection = http.client.HTTPConnection(LOOPBACK, self.management_port, timeout=2)
        try:
            path = f"/api/health/checks/port-listener/{self.amqp_port}"
            connection.request("GET", path, headers={"Authorization": f"Basic {login}"})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def find_server() -> Path | None:
    """The installed server's own script: the wrapper in /usr/sbin changes user and directory."""
    known = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    versions = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    found = [path for path in (known, *reversed(versions)) if path.exists()]
    return found[0] if found and shutil.which("erl") else None


def find_epmd() -> str:
    """Where Erlang's port mapper is."""
    return shutil.which("epmd") or "/usr/bin/epmd"


def speaks_amqp(host: str, port: int) -> bool:
    """Whether something there begins an AMQP 0-9-1 conversation."""
    try:
        with socket.create_connection((host, port), timeout=2) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            # A method frame on channel 0: Connection.Start.
            return connection.recv(3) == b"\x01\x00\x00"
    except OSError:
        return False
