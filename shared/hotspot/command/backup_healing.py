"""After a restore: each service asks the others for what they may have forgotten.

What was between two services when their databases were dumped is in neither: it was in RabbitMQ.
And where one database alone was put back to an earlier time, it misses what the others rely on.
A service that has such state has a module `restored` with one function, `ask_again`: it sends what
makes the others whole. Every handler can run twice, so that asking in vain changes nothing.
"""

import importlib
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec

from sqlalchemy.orm import Session

from hotspot import migrate
from hotspot.bus import ledger
from hotspot.bus.database import connect
from hotspot.bus.envelope import enclose
from hotspot.bus.work import Work
from hotspot.command.backup_places import Place
from hotspot.contract.operations import MeasureServiceJob
from hotspot.serve import package_of


def migrate_all(places: Sequence[Place]) -> dict[str, list[str]]:
    """Bring restored databases to this version's schema; answers the revisions that were run."""
    done = {}
    for place in places:
        engine = connect(_for_sqlalchemy(place.url))
        done[place.service] = migrate.migrate(engine, package_of(place.service))
        engine.dispose()
    return {service: revisions for service, revisions in done.items() if revisions}


def ask_again(places: Sequence[Place], now: datetime) -> dict[str, int]:
    """Have each service write into its outbox what it asks for; its workers send it once they run.

    Answers how many messages there are, by service. May be run at any time, and again.
    """
    asked = {}
    for place in places:
        module = f"{package_of(place.service)}.restored"
        if find_spec(module) is not None:
            asked[place.service] = _ask(place, module, now)
    return asked


def _ask(place: Place, module: str, now: datetime) -> int:
    engine = connect(_for_sqlalchemy(place.url))
    # Nobody sends this one: it stands for the command, as what all of it was caused by.
    cause = enclose(MeasureServiceJob(), sender="command", now=now)
    try:
        with Session(engine, expire_on_commit=False) as session:
            work = Work(session=session, now=now, envelope=cause, service=place.service)
            importlib.import_module(module).ask_again(work)
            ledger.put_in_outbox(session, work.sent)
            session.commit()
            return len(work.sent)
    finally:
        engine.dispose()


def _for_sqlalchemy(url: str) -> str:
    return "postgresql+psycopg://" + url.split("://", 1)[1]
