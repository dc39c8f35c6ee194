"""The table of programs that one copy of the system runs, and supervisor's configuration of it."""

import json
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotspot.command import private
from hotspot.command.home import Home
from hotspot.command.postgres import Cluster
from hotspot.command.rabbitmq import Node
from hotspot.command.services import RUNNING, SERVERS
from hotspot.settings import prefix_of

# Supervisor stops groups from the highest number down, each before the next: what uses RabbitMQ
# and PostgreSQL ends before they do.
_PRIORITY = {
    "epmd": 10,
    "postgres": 20,
    "rabbitmq": 30,
    "setup": 40,
    "simulators": 50,
    "radius": 60,
    "general": 70,
    "mpesa": 71,
    "routers": 71,
    "payments": 72,
    "hotspot": 73,
    "web": 80,
}

_KEEPS_TIME = {"scheduler": "scheduler"}

# These have web processes of their own. What is asked of the others, by operators, one process
# answers: one each would cost 30 MB each.
_GUESTS_WAIT_FOR = ("payment", "gateway")
OFFICE = "office"

INFRASTRUCTURE = ("epmd", "postgres", "rabbitmq")
SETUP = "setup"


@dataclass(frozen=True, kw_only=True)
class Program:
    """One row of the table: a command line and how it is kept running."""

    name: str
    group: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    count: int | None = None  # None: a single process that bears the program's name
    starts_itself: bool = False
    once: bool = False  # does its work and ends: a migration
    stop_signal: str = "TERM"
    stop_seconds: int = 15
    # What the kernel sends when the keeper dies. Everything here survives SIGKILL by design.
    death_signal: signal.Signals = signal.SIGKILL

    def processes(self) -> list[str]:
        """The names of its processes."""
        if self.count is None:
            return [self.name]
        return [f"{self.name}-{number}" for number in range(1, self.count + 1)]


def services(
    *,
    python: Path,
    environments: Mapping[str, Mapping[str, str]],
    groups: Mapping[str, Mapping[str, int]],
) -> list[Program]:
    """The programs of all services: their setup, workers, web processes and the RADIUS server."""

    def serve(service: str, *role: str) -> list[str]:
        return [str(python), "-P", "-m", "hotspot.serve", service, *role]

    once = [(service, "migrate") for service in RUNNING] + [("payment", "seed"), ("radius", "seed")]
    setup = [
        Program(
            name=f"{service}-{role}",
            group=SETUP,
            argv=serve(service, role),
            environment=environments[service],
            once=True,
        )
        for service, role in once
    ]
    workers = [
        Program(
            name=f"{service}-{group}",
            group=group,
            # The scheduler's workers keep the schedule as well: one of them leads, and a process
            # of its own for the timer would cost as much memory as another worker.
            argv=serve(service, _KEEPS_TIME.get(service, "worker"), "--group", group),
            environment=environments[service],
            count=count,
            stop_seconds=30,  # it finishes the job in hand
        )
        for group, counts in groups.items()
        if group not in SERVERS
        for service, count in counts.items()
    ]
    quiet = [service for service in RUNNING if service not in _GUESTS_WAIT_FOR]
    webs = [
        Program(
            name=f"{name}-web",
            group="web",
            argv=serve(",".join(served), "web"),
            environment=_together({service: environments[service] for service in served}),
            stop_seconds=35,  # gunicorn gives open requests 30 s
        )
        for name, served in [*((one, [one]) for one in _GUESTS_WAIT_FOR), (OFFICE, quiet)]
        if served
    ]
    servers = [
        Program(
            name=f"{service}-server",
            group=group,
            argv=serve(service, "server"),
            environment=environments[service],
            count=count if count > 1 else None,
        )
        for group, counts in groups.items()
        if group in SERVERS
        for service, count in counts.items()
    ]
    return [*setup, *workers, *webs, *servers]


def _together(environments: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """The environment of a process that serves these services: each one's own behind its prefix."""
    if len(environments) == 1:
        return next(iter(environments.values()))
    first, *others = environments.values()
    common = {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }
    own = {
        prefix_of(service) + name: value
        for service, environment in environments.items()
        for name, value in environment.items()
    }
    return common | own


def rabbitmq(node: Node | None, *, keeps: bool = True) -> list[Program]:
    """The private broker and its port mapper; with `keeps` off, its data is not worth a stop."""
    if node is None:
        return []
    environment = {"PATH": os.environ["PATH"], **node.environment()}
    mapper = Program(
        name="epmd",
        group="epmd",
        argv=node.epmd_argv(),
        environment=environment,
        starts_itself=True,
    )
    broker = Program(
        name="rabbitmq",
        group="rabbitmq",
        argv=node.argv(),
        environment=environment,
        starts_itself=True,
        stop_signal="TERM" if keeps else "KILL",  # TERM takes it 5 s even when idle
        stop_seconds=30,
    )
    return [mapper, broker]


def postgres(cluster: Cluster | None) -> list[Program]:
    """The embedded database server."""
    if cluster is None:
        return []
    server = Program(
        name="postgres",
        group="postgres",
        argv=cluster.argv(),
        environment={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        starts_itself=True,
        stop_signal="INT",  # fast shutdown: TERM would wait for every client to leave
        stop_seconds=30,
        death_signal=signal.SIGINT,
    )
    return [server]


def simulators(*, python: Path, environment: Mapping[str, str]) -> Program:
    """The stand-ins for M-Pesa, the SMS gateways and a router with guests."""
    return Program(
        name="simulators",
        group="simulators",
        argv=[str(python), "-P", "-m", "simulators"],
        environment=environment,
    )


def write(home: Home, programs: Sequence[Program]) -> None:
    """Write supervisor's configuration and, apart and private, the environment of each process."""
    private.write(configuration_file(home), render(home, programs))
    private.write(environments_file(home), json.dumps(environments(programs)))


def configuration_file(home: Home) -> Path:
    """supervisor's configuration."""
    return home.run / "supervisord.conf"


def environments_file(home: Home) -> Path:
    """Each process's environment and the signal it gets when the keeper dies, by its name."""
    return home.run / "environments.json"


def groups(home: Home) -> dict[str, str]:
    """The group of each process that the last start was told of."""
    try:
        kept = json.loads(environments_file(home).read_text())
    except FileNotFoundError:
        return {}
    return {name: str(program["group"]) for name, program in kept.items()}


def environments(programs: Sequence[Program]) -> dict[str, dict[str, object]]:
    """What `environments.json` holds: passwords and PEM keys have no place in an ini file."""
    return {
        process: {
            "group": program.group,
            "environment": dict(program.environment),
            "death_signal": int(program.death_signal),
        }
        for program in programs
        for process in program.processes()
    }


def render(home: Home, programs: Sequence[Program]) -> str:
    """supervisor's configuration in its ini format."""
    groups = sorted({program.group for program in programs}, key=_PRIORITY.__getitem__)
    sections = [
        "; Written by ./hotspot at each start.",
        _section(
            "supervisord",
            logfile=_escape(home.log_of("supervisord")),
            logfile_maxbytes="5MB",
            logfile_backups="2",
            pidfile=_escape(home.run / "supervisord.pid"),
            childlogdir=_escape(home.logs),
            identifier="hotspot",
            nodaemon="true",
            silent="true",
            umask="077",
        ),
        _section("unix_http_server", file=_escape(home.socket), chmod="0600"),
        _section(
            "rpcinterface:supervisor",
            **{"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
    ]
    for group in groups:
        members = [program for program in programs if program.group == group]
        sections.append(
            _section(
                f"group:{group}",
                programs=",".join(program.name for program in members),
                priority=str(_PRIORITY[group]),
            )
        )
        sections.extend(_program(home, program) for program in members)
    return "\n".join(sections)


def _program(home: Home, program: Program) -> str:
    name = "%(program_name)s" if program.count is None else "%(program_name)s-%(process_num)d"
    return _section(
        f"program:{program.name}",
        command=_escape(shlex.join(program.argv)),
        process_name=name,
        numprocs=str(program.count or 1),
        numprocs_start="1",
        directory=_escape(home.path),
        autostart=_yes(program.starts_itself),
        autorestart=_yes(not program.once),
        startsecs="0" if program.once else "1",
        # Long enough for a server elsewhere to come back; it waits one second more each time.
        startretries="0" if program.once else "20",
        stopsignal=program.stop_signal,
        stopwaitsecs=str(program.stop_seconds),
        killasgroup="true",
        redirect_stderr="true",
        # This one value is expanded twice.
        stdout_logfile=f"{_escape(_escape(home.logs))}/{name}.log",
        stdout_logfile_maxbytes="10MB",
        stdout_logfile_backups="3",
    )


def _section(name: str, /, **values: str) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in values.items()), ""])


def _escape(value: Path | str) -> str:
    return str(value).replace("%", "%%")


def _yes(value: bool) -> str:
    return "true" if value else "false"
