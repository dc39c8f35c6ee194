"""Callbacks become durable before they are answered, and are answered within 100 ms."""

import threading
import time
from collections.abc import Sequence

import structlog

from hotspot.bus.envelope import Parcel
from hotspot.bus.transport import BrokerAway, Publishing, Unroutable
from hotspot.clock import Clock, utc_now
from payment_service.callbacks.spool import Spool
from payment_service.callbacks.spool_alarm import SpoolAlarm

log = structlog.get_logger()

CONFIRM_WITHIN_SECONDS = 0.06
# After a broker that hangs, the next callbacks go to the spool at once for this long.
SLOW_FOR_SECONDS = 1.0
PAUSE_SECONDS = 0.5


class Intake:
    """To the broker where it confirms in time, else to the spool, which drains itself later.

    A message that was spooled because its confirm was late may arrive twice: it has one id.
    """

    def __init__(
        self,
        publisher: Publishing,
        spool: Spool,
        *,
        confirm_within: float = CONFIRM_WITHIN_SECONDS,
        pause: float = PAUSE_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        self._publisher = publisher
        self._spool = spool
        self._alarm = SpoolAlarm(spool.folder, publisher)
        self._clock = clock
        self._confirm_within = confirm_within
        self._pause = pause
        self._slow_until = 0.0
        self._lock = threading.Lock()
        self._draining = False

    def take(self, parcel: Parcel) -> None:
        """Return once the message is durable. Raises SpoolFull, or OSError of the disk."""
        if time.monotonic() >= self._slow_until and self._confirmed(parcel):
            return
        self._spool.keep(parcel.envelope)
        log.warning("callback spooled", message_id=str(parcel.envelope.message_id))
        self._alarm.watch(self._spool.fill())
        self.drain_later()

    def drain_later(self) -> None:
        """Send what waits on disk as soon as the broker takes it; keeps nobody waiting."""
        with self._lock:
            if self._draining or self._is_done():
                return
            self._draining = True
        threading.Thread(target=self._drain, name="spool drain", daemon=True).start()

    def drain_once(self) -> bool:
        """Send what waits. False where the broker does not take it."""
        try:
            self._alarm.tell(self._clock())
            for batch in self._spool.batches():
                self._publisher.publish(batch.parcels)
                self._spool.forget(batch)
                log.info("spool drained", sent=len(batch.parcels))
            if self._spool.is_empty():
                self._alarm.clear(self._clock())
        except BrokerAway:
            return False
        except Unroutable as error:
            log.error("spooled callbacks are unroutable", error=str(error))
            return False
        return True

    def _is_done(self) -> bool:
        return self._spool.is_empty() and not self._alarm.is_open

    def _drain(self) -> None:
        while not self._finished():
            if not self.drain_once():
                time.sleep(self._pause)

    def _finished(self) -> bool:
        with self._lock:
            if self._is_done():
                self._draining = False
            return not self._draining

    def _confirmed(self, parcel: Parcel) -> bool:
        """Whether the broker has the message by now. A publish that hangs goes on by itself."""
        attempt = _Attempt(self._publisher, [parcel])
        threading.Thread(target=attempt.run, name="callback publish", daemon=True).start()
        if not attempt.ended.wait(self._confirm_within):
            self._slow_until = time.monotonic() + SLOW_FOR_SECONDS
        return attempt.confirmed


class _Attempt:
    """One publish, in a thread (a greenlet in web processes) that can be left behind."""

    def __init__(self, publisher: Publishing, parcels: Sequence[Parcel]) -> None:
        self._publisher = publisher
        self._parcels = parcels
        self.ended = threading.Event()
        self.confirmed = False

    def run(self) -> None:
        try:
            self._publisher.publish(self._parcels)
            self.confirmed = True
        except (BrokerAway, Unroutable) as error:
            log.warning("callback not published", error=str(error))
        finally:
            self.ended.set()
