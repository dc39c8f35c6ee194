"""Run one process of one service: `python -m hotspot.serve SERVICE ROLE`.

Almost nothing is imported before it is known what is to run: until `main` says otherwise, SIGTERM
does nothing to the first process of a container.
"""

import argparse
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hotspot.bus.rabbit import RabbitTransport
    from hotspot.bus.watch import Watch
    from hotspot.bus.worker import Worker

# How a shell says that SIGTERM ended a process.
ENDED_BY_SIGTERM = 128 + signal.SIGTERM


def main(argv: list[str]) -> int:
    """Run until the process is told to stop; answers the exit code."""
    _obey_sigterm()
    parser = _parser()
    arguments = parser.parse_args(argv)
    if len(arguments.service) > 1 and arguments.role != "web":
        parser.error("only `web` serves several services")
    if arguments.role == "web":
        _patch_for_gevent()  # before anything else is imported
    if len(arguments.service) > 1:
        return run_webs(arguments.service)
    from hotspot import log, settings

    (service,) = arguments.service
    package = package_of(service)
    config = settings.read(_part(package, "config").load)
    log.configure(service, arguments.role, config.log_level)
    return _ROLES[arguments.role](package, config, arguments)


def package_of(service: str) -> str:
    """The Python package of a service."""
    return "gateway" if service == "gateway" else f"{service}_service"


def run_web(package: str, config: Any, _arguments: argparse.Namespace) -> int:
    """Serve HTTP with gunicorn's gevent worker."""
    from hotspot.web.server import Site, serve

    site = Site(factory=_part(package, "web").create_app, config=config)
    return serve([site], workers=config.web_workers)


def run_webs(services: Sequence[str]) -> int:
    """Serve HTTP for several services, each on its own port with settings of its own."""
    from hotspot import log, settings
    from hotspot.web.server import Site, serve

    sites = []
    for service in services:
        package = package_of(service)
        config = settings.read(_part(package, "config").load, settings.prefix_of(service))
        sites.append(Site(factory=_part(package, "web").create_app, config=config))
    log.configure("+".join(services), "web", sites[0].config.log_level)
    return serve(sites)


def run_worker(package: str, config: Any, arguments: argparse.Namespace) -> int:
    """Handle messages of one or more groups until SIGTERM."""
    transport = _transport(config, "+".join(arguments.group))
    watch = _watch(config)
    worker = _worker(package, config, arguments.group, transport, watch)
    if worker is None:
        return 2
    _stop_by_signal(worker.stop)
    _show_health(config, transport, [watch])
    worker.run()
    return 0


def run_scheduler(package: str, config: Any, arguments: argparse.Namespace) -> int:
    """Publish what is due, where this process leads; with groups, handle their messages beside."""
    transport = _transport(config, "scheduler")
    transport.wait_until_up(timeout=10)  # what is due now need not wait for the next that is
    timekeeper = _part(package, "timer").timekeeper(config, transport)
    if not arguments.group:
        _stop_by_signal(timekeeper.stop)
        _show_health(config, transport, [timekeeper.watch])
        timekeeper.run()
        transport.close()
        return 0
    watch = _watch(config)
    worker = _worker(package, config, arguments.group, transport, watch)
    if worker is None:
        return 2

    def keep_time() -> None:
        try:
            timekeeper.run()
        finally:
            worker.stop()  # a scheduler without its timer must not look alive

    def stop() -> None:
        timekeeper.stop()
        worker.stop()

    _stop_by_signal(stop)
    _show_health(config, transport, [watch, timekeeper.watch])
    timer = threading.Thread(target=keep_time, name="timer", daemon=True)
    timer.start()
    worker.run()
    timekeeper.stop()
    timer.join(timeout=10)
    return 0


def run_migrate(package: str, config: Any, _arguments: argparse.Namespace) -> int:
    """Bring the database to the newest version, and put in what a new one needs."""
    import structlog

    from hotspot.bus.database import connect
    from hotspot.migrate import migrate

    done = migrate(connect(config.database_url), package)
    structlog.get_logger().info("migrated", revisions=done)
    return 0


def run_seed(package: str, config: Any, _arguments: argparse.Namespace) -> int:
    """Insert what a new installation begins with, where there is none."""
    return int(_part(package, "seed").run(config))


def run_rebuild(package: str, config: Any, _arguments: argparse.Namespace) -> int:
    """Count the dashboard's figures anew from the events that are kept."""
    return int(_part(package, "rebuilding").run(config))


def run_register_urls(package: str, config: Any, _arguments: argparse.Namespace) -> int:
    """Tell M-Pesa where to report payments that are made without a prompt (C2B)."""
    return int(_part(package, "registering").run(config))


def run_server(package: str, config: Any, _arguments: argparse.Namespace) -> int:
    """The service's own kind of server (RADIUS)."""
    return int(_part(package, "server").run(config))


def run_operator(package: str, config: Any, arguments: argparse.Namespace) -> int:
    """Make or update an operator account; the password comes on standard input."""
    password = sys.stdin.readline().rstrip("\n")
    run = _part(package, "operators").run
    return int(run(config, email=arguments.email, role=arguments.as_role, password=password))


_ROLES = {
    "web": run_web,
    "worker": run_worker,
    "scheduler": run_scheduler,
    "migrate": run_migrate,
    "seed": run_seed,
    "server": run_server,
    "operator": run_operator,
    "register-urls": run_register_urls,
    "rebuild": run_rebuild,
}


def _parser() -> argparse.ArgumentParser:
    from hotspot.contract import table

    parser = argparse.ArgumentParser(prog="python -m hotspot.serve", description=__doc__)
    parser.add_argument(
        "service", type=_named, help="its name; for `web`, several separated by commas"
    )
    roles = parser.add_subparsers(dest="role", required=True)
    for name, run in _ROLES.items():
        role = roles.add_parser(name, help=run.__doc__)
        if name in ("worker", "scheduler"):
            groups = [group.name for group in table.GROUPS]
            is_worker = name == "worker"
            role.add_argument("--group", action="append", required=is_worker, choices=groups)
        if name == "operator":
            role.add_argument("--email", required=True)
            role.add_argument("--role", dest="as_role", required=True)
    return parser


def _named(text: str) -> list[str]:
    """The services of a command line."""
    from hotspot.contract import table

    known = [service.name for service in table.SERVICES]
    names = text.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
    return names


def _transport(config: Any, role: str) -> "RabbitTransport":
    from hotspot.bus.rabbit import RabbitTransport

    return RabbitTransport(config.amqp_url, f"{config.service} {role}")


def _worker(
    package: str, config: Any, groups: list[str], transport: "RabbitTransport", watch: "Watch"
) -> "Worker | None":
    """A worker of these groups; None where the service cannot handle all of their messages."""
    from hotspot.bus.database import connect
    from hotspot.bus.handling import Handling
    from hotspot.bus.worker import HandlersDoNotMatch, Worker
    from hotspot.clock import utc_now
    from hotspot.contract import table
    from hotspot.contract.topology import service_named

    named = {group.name: group for group in table.GROUPS}
    handling = Handling(
        service=config.service,
        handlers=_part(package, "worker").handlers(config),
        engine=connect(config.database_url),
        clock=utc_now,
        watch=watch,
    )
    try:
        return Worker(
            service=service_named(config.service),
            groups=[named[name] for name in groups],
            handling=handling,
            transport=transport,
        )
    except HandlersDoNotMatch as error:
        transport.close()
        sys.stderr.write(f"hotspot: {error}\n")
        return None


def _watch(config: Any) -> "Watch":
    """What a worker notes of itself; it counts only where somebody can read that."""
    from hotspot.bus.watch import Watch

    if config.health_port is None:
        return Watch()
    from hotspot.figures import CountingWatch

    return CountingWatch()


def _show_health(config: Any, transport: "RabbitTransport", watches: "Sequence[Watch]") -> None:
    """Answer on HEALTH_PORT where it is set; where it is not, that costs nothing."""
    if config.health_port is not None:
        from hotspot import health

        health.serve_of_worker(config, transport, watches)


def _obey_sigterm() -> None:
    """As the first process of a container, whose SIGTERM else does nothing unless it is handled.

    Roles that have something to finish set a handler of their own.
    """

    def leave(*_: object) -> None:
        # No exception: raised while something is imported or collected, it would be lost, and the
        # process would go on as if nobody had asked. What is open in a database is rolled back.
        os._exit(ENDED_BY_SIGTERM)

    signal.signal(signal.SIGTERM, leave)


def _stop_by_signal(stop: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: stop())
    signal.signal(signal.SIGINT, lambda *_: stop())


def _part(package: str, name: str) -> ModuleType:
    return importlib.import_module(f"{package}.{name}")


def _patch_for_gevent() -> None:
    """Make the standard library cooperate, also where `hotspot.preload` has imported much already.

    What holds pieces of `ssl` by then would call itself for ever if that were patched (gevent
    warns of it), so it stays as it is: web processes speak plain HTTP to one another's machine.
    psycopg chose its way of waiting when it was imported, and must choose again.
    """
    from gevent import monkey

    monkey.patch_all(ssl="urllib3" not in sys.modules)
    if "psycopg.waiting" in sys.modules:
        importlib.reload(sys.modules["psycopg.waiting"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
