"""How often may be asked: M-Pesa prompts to one phone, and logins from one address."""

import hashlib
import ipaddress
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from hotspot.web.problem import Problem

log = structlog.get_logger()

PROMPTS = RateLimitItemPerMinute(3)
# Each try costs a slow hash; and wrong ones are guesses, which the right ones of a busy office,
# all from one address, are not.
LOGINS = RateLimitItemPerMinute(120)
WRONG_LOGINS = (RateLimitItemPerMinute(10), RateLimitItemPerHour(100))
REPLAYS_KNOWN_FOR_SECONDS = 600
LONGEST_WAIT_SECONDS = 15.0


class TooOften(Problem):
    """429 with the seconds after which asking again makes sense."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(
            429, "too-many-requests", detail, headers={"Retry-After": str(retry_after)}
        )


@dataclass
class _Turn:
    # Looked up when it is made: gevent may have replaced it since this module was imported.
    lock: threading.Lock = field(default_factory=lambda: threading.Lock())  # noqa: PLW0108
    takers: int = 0


def storage_at(url: str) -> Storage:
    """Where counts are kept: `memory://`, or a Redis."""
    storage = storage_from_string(url, wrap_exceptions=True)
    assert isinstance(storage, Storage)
    return storage


class Throttle:
    """Counts in memory, or in Redis for several gateways.

    While Redis is away nothing is refused: a guest who cannot pay is worse than one who asks often.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._window = MovingWindowRateLimiter(storage)
        self._turns: dict[str, _Turn] = {}
        self._turns_lock = threading.Lock()

    @contextmanager
    def turn_of(self, phone: str) -> Iterator[None]:
        """One request for a phone at a time: counting after the answer is exact only so."""
        with self._turns_lock:
            turn = self._turns.setdefault(phone, _Turn())
            turn.takers += 1
        try:
            if not turn.lock.acquire(timeout=LONGEST_WAIT_SECONDS):
                raise TooOften("An earlier request for this phone is not answered.", retry_after=5)
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._turns_lock:
                turn.takers -= 1
                if not turn.takers:
                    del self._turns[phone]

    def check_prompt(self, phone: str, key: str | None) -> None:
        """Raise TooOften where the phone was prompted often enough, unless this only repeats."""
        try:
            if key and self._storage.get(_replay(phone, key)):
                return
            if self._window.test(PROMPTS, "prompt", phone):
                return
            wait = self._wait(PROMPTS, "prompt", phone)
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))
            return
        raise TooOften(
            f"This phone was prompted {PROMPTS.amount} times within a minute:"
            f" try again in {wait} s.",
            retry_after=wait,
        )

    def count_prompt(self, phone: str, key: str | None, *, replayed: bool) -> None:
        """A prompt was accepted; a replayed answer prompts nobody."""
        try:
            if not replayed:
                self._window.hit(PROMPTS, "prompt", phone)
            if key:
                self._storage.incr(_replay(phone, key), REPLAYS_KNOWN_FOR_SECONDS)
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))

    def check_login(self, address: str) -> None:
        """Count a try to log in. Raises TooOften, also after too many wrong ones."""
        place = network_of(address)
        try:
            if not self._window.hit(LOGINS, "login", place):
                wait = self._wait(LOGINS, "login", place)
            else:
                full = [one for one in WRONG_LOGINS if not self._window.test(one, "wrong", place)]
                wait = max((self._wait(one, "wrong", place) for one in full), default=0)
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))
            return
        if wait:
            raise TooOften(
                f"Too many logins from this address: try again in {wait} s.", retry_after=wait
            )

    def count_wrong_login(self, address: str) -> None:
        """The try to log in was a wrong one."""
        try:
            for limit in WRONG_LOGINS:
                self._window.hit(limit, "wrong", network_of(address))
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))

    def _wait(self, limit: RateLimitItem, *key: str) -> int:
        return max(1, ceil(self._window.get_window_stats(limit, *key).reset_time - time.time()))


def network_of(address: str) -> str:
    """What one customer has: an IPv4 address, or the /64 that an IPv6 address can roam in."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _replay(phone: str, key: str) -> str:
    return f"replay/{phone}/{hashlib.sha256(key.encode()).hexdigest()}"
