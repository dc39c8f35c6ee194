"""The timer: APScheduler in the process that leads, waiting to lead in all others."""

import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog
from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hotspot.bus.transport import BrokerAway, Publishing, Unroutable
from hotspot.bus.watch import Watch
from hotspot.clock import NAIROBI, Clock, utc_now
from hotspot.contract.message import Message
from scheduler_service import runs
from scheduler_service.config import Config
from scheduler_service.leader import Leadership, LeadershipLost, Patience
from scheduler_service.models import JOB_STORE
from scheduler_service.schedules import Schedule, schedules

log = structlog.get_logger()

# What a lost session shows itself as.
_LOST = (SQLAlchemyError, LeadershipLost)


def timekeeper(config: Config, publisher: Publishing) -> "Timekeeper":
    """The timer of this service, as it is set up."""
    return Timekeeper(
        database_url=config.database_url,
        publisher=publisher,
        schedules=schedules(config.daily),
    )


class Timekeeper:
    """One candidate. `run` competes for the lock, and while it leads, publishes what is due."""

    def __init__(
        self,
        *,
        database_url: str,
        publisher: Publishing,
        schedules: Sequence[Schedule],
        patience: Patience | None = None,
        clock: Clock = utc_now,
        name: str | None = None,
    ) -> None:
        self._database_url = database_url
        self._publisher = publisher
        self._schedules = schedules
        self._patience = patience or Patience()
        self._clock = clock
        self._name = name or f"{socket.gethostname()}:{os.getpid()}"
        self._stopping = threading.Event()
        self.watch = Watch()

    def stop(self) -> None:
        """Stop acting, and let another take over at once. May be called by a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Compete and lead until told to stop."""
        while not self._stopping.is_set():
            self.watch.turned()
            try:
                leadership = Leadership(self._database_url, self._patience)
                try:
                    self._compete(leadership)
                finally:
                    leadership.leave()
            except _LOST as error:
                log.warning("not leading", reason=str(getattr(error, "orig", error)))
                self._stopping.wait(self._patience.look_every)

    def _compete(self, leadership: Leadership) -> None:
        """Wait for the lock, lead, return when told to stop. Raises what a lost session does."""
        while not self._stopping.is_set():
            self.watch.turned()
            if leadership.try_to_take():
                self._lead(leadership)
                return
            self._stopping.wait(self._patience.look_every)

    def _lead(self, leadership: Leadership) -> None:
        log.info("leading", by=self._name)
        desk = Desk(
            engine=leadership.engine,
            publisher=self._publisher,
            schedules=self._schedules,
            clock=self._clock,
            name=self._name,
        )
        timer = Timer(leadership.engine, desk.take)
        try:
            timer.follow(self._schedules)
            desk.publish()  # what the leader before this one recorded and did not get away
            timer.resume()
            while timer.is_alive() and not self._stopping.wait(self._patience.look_every):
                leadership.confirm()
                self.watch.turned()
        finally:
            timer.end()
            log.info("leading no more", by=self._name)


class Desk:
    """Where due jobs are taken: recorded first, then published."""

    def __init__(
        self,
        *,
        engine: Engine,
        publisher: Publishing,
        schedules: Sequence[Schedule],
        clock: Clock,
        name: str,
    ) -> None:
        self._engine = engine
        self._publisher = publisher
        self._jobs: Mapping[str, type[Message]] = {row.name: row.job for row in schedules}
        self._clock = clock
        self._name = name

    def take(self, job: str, due_at: datetime) -> None:
        """A job is due. Raises what a lost session does."""
        with self._engine.begin() as connection:
            recorded = runs.record(connection, job, due_at, now=self._clock(), by=self._name)
        if not recorded:
            log.info("this due time was taken before", job=job, due_at=str(due_at))
        self.publish()

    def publish(self) -> None:
        """Publish all that is recorded and was not confirmed yet.

        While the broker is away this is tried again with each job that is due, so within 20 s.
        """
        with self._engine.connect() as connection:
            due = [one for one in runs.to_publish(connection) if one.job in self._jobs]
        if not due:
            return
        # No transaction is open meanwhile: the broker may take its time.
        parcels = [runs.parcel_of(one, self._jobs[one.job](), self._clock()) for one in due]
        try:
            self._publisher.publish(parcels)
        except (BrokerAway, Unroutable) as error:
            log.warning("due jobs not published yet", jobs=len(due), error=str(error))
            return
        with self._engine.begin() as connection:
            runs.note_published(connection, due, self._clock())
        log.info("published", jobs=[one.job for one in due])


class Timer(BackgroundScheduler):  # type: ignore[misc]
    """APScheduler with the service's database as its job store, over the leader's session."""

    def __init__(self, engine: Engine, take: Callable[[str, datetime], None]) -> None:
        super().__init__(
            timezone=NAIROBI,
            jobstores={"default": SQLAlchemyJobStore(engine=engine, tablename=JOB_STORE)},
            executors={"default": _Taker(take)},
            # However late: a run that was missed is made up for, once.
            job_defaults={"coalesce": True, "misfire_grace_time": None},
        )

    def follow(self, schedules: Sequence[Schedule]) -> None:
        """Start, paused, with a job store that holds this schedule. What is unchanged keeps its
        next due time, so that what came due while nobody led is not missed.
        """
        self.start(paused=True)
        wanted = {row.name: row for row in schedules}
        held = {job.id: job for job in self.get_jobs()}
        for name in held.keys() - wanted.keys():
            self.remove_job(name)
        for name, row in wanted.items():
            trigger = row.when.trigger()
            if name not in held:
                self.add_job(row.job, trigger, id=name, name=name)
            elif repr(held[name].trigger) != repr(trigger):
                self.reschedule_job(name, trigger=trigger)

    def is_alive(self) -> bool:
        """Whether the timer's thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def end(self) -> None:
        """Stop, wherever it stands."""
        if self.running:
            self.shutdown(wait=False)

    def _process_jobs(self) -> float | None:
        """Not once more after the end, as APScheduler would: there is no session any more."""
        found: float | None = super()._process_jobs() if self.running else None
        return found

    def _main_loop(self) -> None:
        """APScheduler's thread, which else would die of a lost session with a traceback."""
        try:
            super()._main_loop()
        except _LOST as error:
            log.warning("timer stopped", reason=str(getattr(error, "orig", error)))


class _Taker(BaseExecutor):  # type: ignore[misc]
    """Runs a due job in the timer's own thread, before its next due time is stored: a crash in
    between repeats it, and the record of its due time makes the repeat harmless.
    """

    def __init__(self, take: Callable[[str, datetime], None]) -> None:
        super().__init__()
        self._take = take

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        self._take(job.id, run_times[-1])
        self._run_job_success(job.id, [])
