"""When the system may be called ready."""

import http.client

from hotspot.command import ports, processes, services
from hotspot.command.ports import LOOPBACK, Ports
from hotspot.command.supervisor import Process


class Readiness:
    """Whether every process runs, every web process says that it is ready, and RADIUS listens."""

    def __init__(self, planned: Ports, *, simulators: bool) -> None:
        self._ports = planned
        self._waiting = dict.fromkeys(services.RUNNING, "/health/ready")
        if simulators:
            self._waiting["simulators"] = "/state"

    def is_complete(self, found: list[Process]) -> bool:
        """Look once more at what was not ready the last time."""
        for name, path in list(self._waiting.items()):
            if _answers_ok(self._ports[name], path):
                del self._waiting[name]
        return (
            not self._waiting
            and all(item.state == "RUNNING" for item in found if item.group != processes.SETUP)
            and not ports.is_free(self._ports["radius authentication"], "udp")
            and not ports.is_free(self._ports["radius accounting"], "udp")
        )


def _answers_ok(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def have_ended(names: list[str], found: list[Process]) -> bool:
    """Whether these programs did their work and ended well."""
    states = {process.name: process for process in found}
    return all(
        name in states and states[name].state == "EXITED" and states[name].status == 0
        for name in names
    )
