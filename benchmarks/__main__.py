"""Run every benchmark, on the servers that `./hotspot bench` started for it."""

import os
import platform
import sys

from benchmarks import access, jobs, radius
from hotspot import log


def main() -> None:
    """Name the machine, then print each table."""
    release = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    sys.stdout.write(
        f"Machine: {os.cpu_count()} cores, {release}, Python {platform.python_version()}\n\n"
    )
    log.configure("bench", "jobs", "WARNING")
    jobs.run()
    sys.stdout.write("\n")
    access.run()
    sys.stdout.write("\n")
    radius.run()


if __name__ == "__main__":
    main()
