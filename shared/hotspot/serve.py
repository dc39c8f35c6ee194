"""Run one process of one service: `python -m hotspot.serve SERVICE ROLE`."""

import argparse
import importlib
import signal
import sys
from types import ModuleType
from typing import Any

from hotspot import settings
from hotspot.contract import table
from hotspot.contract.topology import service_named


def main(argv: list[str]) -> int:
    """Run until the process is told to stop; answers the exit code."""
    arguments = _parser().parse_args(argv)
    package = package_of(arguments.service)
    if arguments.role == "web":
        _patch_for_gevent()  # before anything else is imported
    config = settings.read(_part(package, "config").load)
    from hotspot import log

    log.configure(arguments.service, arguments.role, config.log_level)
    return _ROLES[arguments.role](package, config, arguments)


def package_of(service: str) -> str:
    """The Python package of a service."""
    return "gateway" if service == "gateway" else f"{service}_service"


def run_web(package: str, config: Any, _arguments: argparse.Namespace) -> int:
    """Serve HTTP with gunicorn's gevent worker."""
    from hotspot.web.server import serve

    return serve(_part(package, "web").create_app, config)


def run_worker(package: str, config: Any, arguments: argparse.Namespace) -> int:
    """Handle messages of one or more groups until SIGTERM."""
    from hotspot.bus.database import connect
    from hotspot.bus.handling import Handling
    from hotspot.bus.rabbit import RabbitTransport
    from hotspot.bus.worker import HandlersDoNotMatch, Worker
    from hotspot.clock import utc_now

    named = {group.name: group for group in table.GROUPS}
    handling = Handling(
        service=config.service,
        handlers=_part(package, "worker").handlers(config),
        engine=connect(config.database_url),
        clock=utc_now,
    )
    transport = RabbitTransport(config.amqp_url, f"{config.service} {'+'.join(arguments.group)}")
    try:
        worker = Worker(
            service=service_named(config.service),
            groups=[named[name] for name in arguments.group],
            handling=handling,
            transport=transport,
        )
    except HandlersDoNotMatch as error:
        transport.close()
        sys.stderr.write(f"hotspot: {error}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    signal.signal(signal.SIGINT, lambda *_: worker.stop())
    worker.run()
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
    "migrate": run_migrate,
    "seed": run_seed,
    "server": run_server,
    "operator": run_operator,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hotspot.serve", description=__doc__)
    parser.add_argument("service", choices=[service.name for service in table.SERVICES])
    roles = parser.add_subparsers(dest="role", required=True)
    for name, run in _ROLES.items():
        role = roles.add_parser(name, help=run.__doc__)
        if name == "worker":
            groups = [group.name for group in table.GROUPS]
            role.add_argument("--group", action="append", required=True, choices=groups)
        if name == "operator":
            role.add_argument("--email", required=True)
            role.add_argument("--role", dest="as_role", required=True)
    return parser


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
