"""Messages that are handled at the same moment, each in a transaction of its own."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers, Outside, Work
from hotspot.contract.message import Message
from hotspot.testing.handling import NOON, envelope_for


def race(
    handlers: Handlers, engine: Engine, jobs: Sequence[Message], *, now: datetime = NOON
) -> None:
    """Handle each message in a thread, all beginning together. Raises what any of them raises."""
    together = threading.Barrier(len(jobs))

    def handle(job: Message) -> None:
        handler = handlers[type(job)]
        assert not isinstance(handler, Outside)
        with Session(engine, expire_on_commit=False) as session:
            session.connection()
            envelope = envelope_for(job, now=now)
            work = Work(session=session, now=now, envelope=envelope, service="provisioning")
            together.wait(10)
            handler(job, work)
            session.commit()

    with ThreadPoolExecutor(len(jobs)) as threads:
        for done in [threads.submit(handle, job) for job in jobs]:
            done.result(30)
