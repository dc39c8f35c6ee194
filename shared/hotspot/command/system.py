"""Bringing the whole system up, step by step, and what other commands know of one that runs."""

import json
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hotspot.command import (
    keeper,
    leftovers,
    packages,
    ports,
    private,
    processes,
    rabbitmq,
    secrets,
    services,
    settings,
)
from hotspot.command.errors import Unable
from hotspot.command.home import Home, locked
from hotspot.command.keeper import Keeper, StartFailed
from hotspot.command.ports import LOOPBACK, OF_SIMULATORS, WELL_KNOWN, Ports
from hotspot.command.postgres import Cluster
from hotspot.command.processes import Program
from hotspot.command.progress import Progress
from hotspot.command.rabbitmq import Node
from hotspot.command.readiness import Readiness, have_ended


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How the system is to be started."""

    environ: Mapping[str, str]
    scale: Mapping[str, int]
    simulators: bool | None = None  # None: where something of the outside world is not named


@dataclass(frozen=True, kw_only=True)
class Servers:
    """RabbitMQ and PostgreSQL of this copy; None where others are used."""

    node: Node | None
    cluster: Cluster | None
    keep: bool = True  # False: what they hold goes with them

    def prepare(self, progress: Progress) -> None:
        """Install and make what is missing, and write the configurations."""
        if self.node:
            if rabbitmq.find_server() is None:
                with progress.step("Debian's rabbitmq-server installed"):
                    packages.install(
                        (rabbitmq.PACKAGE,),
                        reason="RabbitMQ is not installed (and no AMQP_URL is given).",
                        say=progress.say,
                    )
            self.node.prepare()
        if self.cluster and not self.cluster.data.exists():
            with progress.step("PostgreSQL cluster made"):
                self.cluster.prepare()
        elif self.cluster:
            self.cluster.prepare()

    def programs(self) -> list[Program]:
        """What supervisor runs for them."""
        return [*processes.rabbitmq(self.node, keeps=self.keep), *processes.postgres(self.cluster)]

    def ports(self) -> list[str]:
        """The names of the ports that they listen on."""
        node = ["rabbitmq", "rabbitmq management", "rabbitmq distribution", "epmd"]
        return [*(node if self.node else []), *(["postgres"] if self.cluster else [])]


class System:
    """One copy of the system that is about to start."""

    def __init__(self, home: Home, wanted: Wanted, progress: Progress) -> None:
        self.home = home
        self.given = settings.with_files(wanted.environ)
        self.progress = progress
        self.groups = services.scaled(wanted.scale)
        self.simulators = (
            settings.needs_simulators(self.given)
            if wanted.simulators is None
            else wanted.simulators
        )
        settings.check(self.given, simulators=self.simulators)

    def start(self) -> Keeper:
        """Start everything and wait until it is ready; the caller lets the keeper go, or stops it.

        Raises StartFailed, PortUnusable, CannotInstall, PostgresUnusable, SecretsAreLost or
        SettingsMissing, and then nothing of it runs.
        """
        self._end_leftovers()
        self.secrets = secrets.load(self.home.secrets, opens=self.home.postgres / "data")
        self.ports = ports.plan(self.given, ports.is_free)
        self.servers = self._servers()
        ports.check(self.ports, self._used_ports(), ports.is_free)
        for sentence in self.ports.moved:
            self.progress.say(f"    {sentence}")
        self._check_amqp()
        self.servers.prepare(self.progress)
        started = time.monotonic()
        running = keeper.start(self.home, self._programs(), environ=self.given)
        with ExitStack() as otherwise:
            otherwise.callback(self._take_back, running)
            self._bring_up(running, started)
            self._remember()
            otherwise.pop_all()
        return running

    def _take_back(self, running: Keeper) -> None:
        self.progress.say("Stopping what was started ...")
        running.stop()

    def _bring_up(self, running: Keeper, started: float) -> None:
        step = self.progress.step
        node, cluster = self.servers.node, self.servers.cluster
        running.wait_for("supervisor", bool)
        if cluster:
            with step("PostgreSQL answers"):
                running.wait_for("PostgreSQL", lambda _: cluster.answers())
            with step("A database and a login for each service"):
                cluster.grant_databases(self._database_passwords())
        with step("Databases migrated"):
            self._set_up(running, [f"{service}-migrate" for service in services.RUNNING])
            self._set_up(running, ["payment-seed", "radius-seed"])
        if node:
            # It has been starting all the while.
            with step("RabbitMQ answers", since=started):
                running.wait_for("RabbitMQ", lambda _: node.answers())
        with step("Services and workers ready"):
            self._start_services(running)

    def _set_up(self, running: Keeper, names: list[str]) -> None:
        for name in names:
            running.supervisor.start(processes.SETUP, name)
        running.wait_for("The databases' setup", lambda found: have_ended(names, found))

    def _start_services(self, running: Keeper) -> None:
        groups = {process.group for process in running.supervisor.processes()}
        for group in sorted(groups - {*processes.INFRASTRUCTURE, processes.SETUP}):
            running.supervisor.start(group)
        readiness = Readiness(self.ports, simulators=self.simulators)
        running.wait_for("The system", readiness.is_complete)

    def _end_leftovers(self) -> None:
        killed = leftovers.end(self.home)
        if killed:
            self.progress.say(f"Ended what a crash had left behind: {', '.join(killed)}")

    def _servers(self) -> Servers:
        given = [self.given.get(_url_variable(service)) for service in services.RUNNING]
        if self.given.get("DATABASE_URL"):
            self.progress.say(
                "DATABASE_URL is ignored: each service has a database of its own. "
                f"Set {', '.join(map(_url_variable, services.RUNNING))} to use other servers."
            )
        return Servers(
            node=None
            if self.given.get("AMQP_URL")
            else node_of(self.home, self.ports, self.secrets),
            cluster=None if all(given) else cluster_of(self.home, self.ports, self.secrets),
        )

    def _check_amqp(self) -> None:
        url = self.given.get("AMQP_URL")
        if not url:
            return
        parts = urlsplit(url)
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise settings.SettingsMissing("AMQP_URL is not amqp://user:password@host:port/vhost")
        if parts.scheme == "amqp" and not rabbitmq.speaks_amqp(parts.hostname, parts.port or 5672):
            place = f"{parts.hostname}:{parts.port or 5672}"
            raise settings.SettingsMissing(f"AMQP_URL: no RabbitMQ answers at {place}")

    def _used_ports(self) -> list[str]:
        names = [*services.RUNNING, *self.servers.ports()]
        names += [
            port.name for port in WELL_KNOWN if self.simulators or port.name not in OF_SIMULATORS
        ]
        return [*names, "simulators"] if self.simulators else names

    def _database_passwords(self) -> dict[str, str]:
        return {name: self.secrets[f"{name} database password"] for name in services.SERVICES}

    def _database_url(self, service: str) -> str:
        if url := self.given.get(_url_variable(service)):
            return url
        assert self.servers.cluster is not None
        password = self.secrets[f"{service} database password"]
        return self.servers.cluster.url(service, password, service)

    def _programs(self) -> list[Program]:
        node = self.servers.node
        outside = settings.Outside(
            amqp_url=node.amqp_url if node else self.given["AMQP_URL"],
            management_url=self.given.get("RABBITMQ_MANAGEMENT_URL")
            or (node.management_url if node else None),
            database_urls={name: self._database_url(name) for name in services.RUNNING},
            simulators=self.simulators,
            spool=self.home.path / "spool",
            logs=self.home.logs,
        )
        environments = settings.of_services(
            outside=outside, ports=self.ports, secrets=self.secrets, given=self.given
        )
        programs = self.servers.programs() + processes.services(
            python=Path(sys.executable), environments=environments, groups=self.groups
        )
        if self.simulators:
            environment = settings.of_simulators(
                ports=self.ports, secrets=self.secrets, given=self.given
            )
            python = Path(sys.executable)
            programs.append(processes.simulators(python=python, environment=environment))
        return programs

    def _remember(self) -> None:
        facts = {"ports": dict(self.ports.numbers), "simulators": self.simulators}
        private.write(_facts_file(self.home), json.dumps(facts, indent=2))


@dataclass(frozen=True, kw_only=True)
class Running:
    """What other commands know of the system that runs."""

    ports: Mapping[str, int]
    simulators: bool
    environments: Mapping[str, Mapping[str, str]]  # by process

    @classmethod
    def of(cls, home: Home) -> "Running | None":
        """The running system of this home, once it has been ready."""
        if not keeper.is_running(home) or not _facts_file(home).exists():
            return None
        facts = json.loads(_facts_file(home).read_text())
        kept = json.loads(processes.environments_file(home).read_text())
        return cls(
            ports=facts["ports"],
            simulators=facts["simulators"],
            environments={name: program["environment"] for name, program in kept.items()},
        )

    def url(self, name: str) -> str:
        """The HTTP address of what listens there."""
        return f"http://{LOOPBACK}:{self.ports[name]}"


def running_system(home: Home) -> Running:
    """The running system. Raises Unable where there is none."""
    found = Running.of(home)
    if found is None:
        raise Unable("The system is not running. Start it: ./hotspot up --detach")
    return found


def bring_up(home: Home, wanted: Wanted, progress: Progress) -> Keeper | None:
    """Start the system, or answer None where it runs already. Raises what `System.start` does."""
    home.make()
    with locked(home.run / "start.lock") as lock:
        if lock is not None:
            if keeper.is_running(home):
                return None
            _facts_file(home).unlink(missing_ok=True)
            return System(home, wanted, progress).start()
    progress.say("Another command is starting the system; waiting for it ...")
    while Running.of(home) is None:
        with locked(home.run / "start.lock") as lock:
            if lock is not None and not keeper.is_running(home):
                raise StartFailed("The other command did not get the system up.")
        time.sleep(0.2)
    return None


def node_of(home: Home, planned: Ports, kept: secrets.Secrets) -> Node:
    """The private RabbitMQ node of a home."""
    return Node(
        folder=home.rabbitmq,
        amqp_port=planned["rabbitmq"],
        management_port=planned["rabbitmq management"],
        distribution_port=planned["rabbitmq distribution"],
        epmd_port=planned["epmd"],
        password=kept["rabbitmq password"],
        cookie=kept["rabbitmq cookie"],
    )


def cluster_of(
    home: Home, planned: Ports, kept: secrets.Secrets, *, durable: bool = True
) -> Cluster:
    """The embedded PostgreSQL cluster of a home."""
    return Cluster(
        folder=home.postgres,
        port=planned["postgres"],
        password=kept["postgres password"],
        durable=durable,
    )


def _url_variable(service: str) -> str:
    return f"DATABASE_URL_{service.upper()}"


def _facts_file(home: Home) -> Path:
    return home.run / "system.json"
