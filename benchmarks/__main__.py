"""Run every benchmark, or those that are named, on the servers that `./hotspot bench` started."""

import os
import platform
import sys
from collections.abc import Callable, Sequence

from benchmarks import access, jobs, payments, radius, routers, streams
from hotspot import log

# Each prints its table. `payments` answers 1 where anything about the money is wrong, `routers`
# where a round is too slow, `streams` where an event did not arrive.
BENCHMARKS: dict[str, Callable[[], int | None]] = {
    "jobs": jobs.run,
    "access": access.run,
    "radius": radius.run,
    "payments": payments.run,
    "routers": routers.run,
    "streams": streams.run,
}


def main(names: Sequence[str]) -> int:
    """Name the machine, then print each table; the worst of their exit codes."""
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        sys.stderr.write(f"There is no benchmark {', '.join(sorted(unknown))}.\n")
        return 2
    release = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    sys.stdout.write(
        f"Machine: {os.cpu_count()} cores, {release}, Python {platform.python_version()}\n\n"
    )
    log.configure("bench", "jobs", "WARNING")
    worst = 0
    for name in names or BENCHMARKS:
        worst = max(worst, BENCHMARKS[name]() or 0)
        sys.stdout.write("\n")
        sys.stdout.flush()
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
