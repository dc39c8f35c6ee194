"""Which services run, and how many worker processes each has in which of the contract's groups."""

from collections.abc import Mapping

from hotspot.command.errors import Unable
from hotspot.contract import table
from hotspot.contract.rows import Group

# Every service of the contract; each has a database from the start.
SERVICES = tuple(service.name for service in table.SERVICES)

# Those that exist so far.
RUNNING = (
    "payment",
    "provisioning",
    "router",
    "radius",
    "notification",
    "scheduler",
    "gateway",
)

# The servers that are no workers: a group of their own, in which processes share one port.
SERVERS = {"radius": "radius"}  # group -> service

Counts = Mapping[str, Mapping[str, int]]  # group -> service -> processes


class CannotScale(Unable):
    """A number of processes that a group cannot have; the text says why."""


def scaled(wanted: Mapping[str, int], running: tuple[str, ...] = RUNNING) -> Counts:
    """Spread each group's processes over the services whose queues it serves.

    Each service has at least one; what is left goes round, first to those that the contract names
    first. Raises CannotScale for an unknown group, or fewer processes than it has services.
    """
    members = {group: _members(group, running) for group in table.GROUPS}
    servers = {group: name for group, name in SERVERS.items() if name in running}
    served = [*(group.name for group, names in members.items() if names), *servers]
    for name in wanted:
        if name not in served:
            raise CannotScale(
                f"There is no group {name!r} to scale; there are {', '.join(served)}."
            )
    return {
        group.name: _spread(group, names, wanted.get(group.name))
        for group, names in members.items()
        if names
    } | {group: {name: wanted.get(group, 1)} for group, name in servers.items()}


def _members(group: Group, running: tuple[str, ...]) -> list[str]:
    names = (queue.of.name for queue in table.QUEUES if queue.group is group)
    return [name for name in dict.fromkeys(names) if name in running]


def _spread(group: Group, names: list[str], wanted: int | None) -> dict[str, int]:
    if wanted is not None and wanted < len(names):
        raise CannotScale(
            f"{group.name}={wanted}: this group serves {', '.join(names)}, "
            f"so it needs at least {len(names)}."
        )
    total = max(group.processes, len(names)) if wanted is None else wanted
    rounds, rest = divmod(total, len(names))
    return {name: rounds + (position < rest) for position, name in enumerate(names)}
