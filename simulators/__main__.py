"""`python -m simulators`: the stand-ins as one process, until SIGTERM."""

# Greenlets instead of threads, for thousands of guests at once. Before anything else is imported:
# what was imported before would keep the sockets and locks that block.
from gevent import monkey

monkey.patch_all()

import logging  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402

from simulators.app import create_app  # noqa: E402
from simulators.callbacks import Postman  # noqa: E402
from simulators.clock import WallClock  # noqa: E402
from simulators.coa import CoaPorts  # noqa: E402
from simulators.config import Settings, SettingsError, read_settings  # noqa: E402
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
    return _serve(settings)


def _serve(settings: Settings) -> int:
    clock = WallClock()
    world = World(settings, clock, Postman())
    ports = CoaPorts(coa=world.coa, clock=clock, port=settings.coa_port)
    server = http_server(create_app(world, settings, ports.listen), settings.host, settings.port)
    taken = f"SIMULATORS_COA_PORT={settings.coa_port}"
    try:
        for router in world.routers.items():
            ports.listen(router.nas_ip)
        taken = f"SIMULATORS_PORT={settings.port}"
        server.start()
    except OSError as error:
        sys.stderr.write(f"simulators: {taken} cannot be used: {error}\n")
        return PORT_IN_USE
    for stop in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(stop, server.stop)
    logging.getLogger("simulators").info("ready at %s:%s", settings.host, settings.port)
    server.serve_forever()
    ports.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
