"""`python -m simulators`: the stand-ins as one process, until SIGTERM."""

# Greenlets instead of threads, for thousands of guests at once. Before anything else is imported:
# what was imported before would keep the sockets and locks that block.
from gevent import monkey

monkey.patch_all()

import logging  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402

from simulators.app import create_app  # noqa: E402
from simulators.callbacks import Postman  # noqa: E402
from simulators.clock import WallClock  # noqa: E402
from simulators.coa import CoaPorts  # noqa: E402
from simulators.config import Settings, SettingsError, read_settings  # noqa: E402
from simulators.routeros.doors import ApiDoors  # noqa: E402
from simulators.routeros.manners import Reception  # noqa: E402
from simulators.server import http_server  # noqa: E402
from simulators.state import World  # noqa: E402

WRONG_SETTINGS = 2
PORT_IN_USE = 1
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def main() -> int:
    """Serve; 2 for wrong settings, 1 for a port that is taken, 0 after SIGTERM."""
    try:
        settings = read_settings(os.environ)
        logging.basicConfig(level=settings.log_level, format=LOG_FORMAT)
    except (SettingsError, ValueError) as error:
        sys.stderr.write(f"simulators: {error}\n")
        return WRONG_SETTINGS
    _allow_open_files()
    return _serve(settings)


def _allow_open_files() -> None:
    """As many as this user may have: a router has two sockets, and a thousand of them may come."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _serve(settings: Settings) -> int:
    clock = WallClock()
    world = World(settings, clock, Postman())
    ports = CoaPorts(coa=world.coa, clock=clock, port=settings.coa_port)
    doors = ApiDoors(settings.routeros_port, Reception(world.routers).meet)

    def listen(address: str) -> int:
        doors.listen(address)
        return ports.listen(address)

    server = http_server(create_app(world, settings, listen), settings.host, settings.port)
    taken = f"SIMULATORS_COA_PORT={settings.coa_port}"
    try:
        for router in world.routers.items():
            ports.listen(router.nas_ip)
        taken = f"SIMULATORS_ROUTEROS_PORT={settings.routeros_port}"
        for router in world.routers.items():
            doors.listen(router.nas_ip)
        taken = f"SIMULATORS_PORT={settings.port}"
        server.start()
    except OSError as error:
        sys.stderr.write(f"simulators: {taken} cannot be used: {error}\n")
        return PORT_IN_USE
    for stop in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(stop, server.stop)
    logging.getLogger("simulators").info("ready at %s:%s", settings.host, settings.port)
    server.serve_forever()
    doors.close()
    ports.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
