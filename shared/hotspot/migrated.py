"""Wait until a service's database has this version's tables: `python -m hotspot.migrated SERVICE`.

What began before its migration would fail on each message, and use up its tries. Reads
DATABASE_URL alone. Ends with 0 as soon as the tables are there.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from hotspot import settings
from hotspot.bus.database import connect
from hotspot.contract import table
from hotspot.migrate import is_current
from hotspot.serve import package_of

LOOKS_EVERY_SECONDS = 1.0
SAYS_EVERY_SECONDS = 30.0


def main(argv: list[str]) -> int:
    """Wait; 0 when what was waited for is there."""
    parser = argparse.ArgumentParser(prog="python -m hotspot.migrated", description=__doc__)
    parser.add_argument("service", choices=[service.name for service in table.SERVICES])
    parser.add_argument(
        "--unless-away",
        type=float,
        metavar="SECONDS",
        help="go on where the database has not answered at all for so long",
    )
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    engine = connect(settings.read(settings.database_url))
    wait(engine, package_of(arguments.service), unless_away=arguments.unless_away)
    return 0


def wait(
    engine: Engine,
    package: str,
    *,
    unless_away: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    say: Callable[[str], object] = sys.stderr.write,
) -> bool:
    """Answers True when the tables are there, False when the database has been away for too long.

    Only what takes callbacks may go on without its database: it reads none to take them.
    """
    away_since: float | None = None
    said_at: float | None = None
    while True:
        try:
            if is_current(engine, package):
                return True
            away_since, reason = None, "the database has the tables of an older version, or none"
        except DBAPIError:
            away_since = clock() if away_since is None else away_since
            reason = "the database does not answer"
        now = clock()
        if unless_away is not None and away_since is not None and now - away_since >= unless_away:
            say(f"hotspot: {reason}: going on without\n")
            return False
        if said_at is None or now - said_at >= SAYS_EVERY_SECONDS:
            said_at = now
            say(f"hotspot: waiting: {reason}\n")
        sleep(LOOKS_EVERY_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
