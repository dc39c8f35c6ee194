"""How often may be asked: M-Pesa prompts to one phone, codes and receipts from one address."""

import hashlib
import ipaddress
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from hotspot.phone import mask
from hotspot.web.problem import Problem

log = structlog.get_logger()

PROMPTS = RateLimitItemPerMinute(3)
# Guests behind one router share its address: only codes that there are not count.
WRONG_CODES = (RateLimitItemPerMinute(10), RateLimitItemPerHour(60))
# Slow on purpose: who knows a receipt gets what it bought.
CLAIMS = RateLimitItemPerHour(5)
# What is left to a device: each guest who opens the portal asks, many from one router's address.
LOOKS = RateLimitItemPerMinute(240)
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


def storage_at(url: str, **options: Any) -> Storage:
    """Where counts are kept: `memory://`, or a Redis."""
    if not url.startswith("memory://"):
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # By itself it would try again for seconds while it is away, and wait for ever for an
        # answer: nobody's payment may wait for its being counted.
        patience = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
        options = {**patience, "retry": Retry(NoBackoff(), 0), **options}
    storage = storage_from_string(url, wrap_exceptions=True, **options)
    assert isinstance(storage, Storage)
    return storage


class Turns:
    """One request for a phone, or from an address, at a time.

    Counting after the answer is exact only so.
    """

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn_of(self, whose: str) -> Iterator[None]:
        """Wait for the turn of a phone or an address. Raises TooOften."""
        with self._lock:
            turn = self._turns.setdefault(whose, _Turn())
            turn.takers += 1
        try:
            if not turn.lock.acquire(timeout=LONGEST_WAIT_SECONDS):
                raise TooOften("An earlier request like this is not answered.", retry_after=5)
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._lock:
                turn.takers -= 1
                if not turn.takers:
                    del self._turns[whose]


class Throttle:
    """Counts in memory, or in Redis for several gateways.

    While Redis is away nothing is refused: a guest who cannot pay is worse than one who asks often.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._window = MovingWindowRateLimiter(storage)
        self._turns = Turns()

    @contextmanager
    def turn_of(self, phone: str) -> Iterator[None]:
        """One request for a phone, or from an address, at a time."""
        with self._turns.turn_of(phone):
            yield

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

    def check_code(self, address: str) -> None:
        """Raise TooOften where an address tried too many vouchers that there are not."""
        place = network_of(address)
        try:
            full = [one for one in WRONG_CODES if not self._window.test(one, "code", place)]
            wait = max((self._wait(one, "code", place) for one in full), default=0)
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))
            return
        if wait:
            log.warning("vouchers are being guessed", address=address)
            raise TooOften(
                f"Too many codes that there are not: try again in {wait} s.", retry_after=wait
            )

    def count_wrong_code(self, address: str) -> None:
        """There is no such voucher."""
        try:
            for limit in WRONG_CODES:
                self._window.hit(limit, "code", network_of(address))
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))

    def check_claim(self, phone: str, address: str) -> None:
        """Raise TooOften where a phone was claimed for, or an address claimed, often enough."""
        tries = (("claim/phone", phone), ("claim", network_of(address)))
        try:
            full = [one for one in tries if not self._window.test(CLAIMS, *one)]
            wait = max((self._wait(CLAIMS, *one) for one in full), default=0)
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))
            return
        if wait:
            log.warning("receipts may be being guessed", phone=mask(phone), address=address)
            raise TooOften(
                f"Receipts can be shown {CLAIMS.amount} times an hour: try again in {wait} s,"
                " or show M-Pesa's SMS to the staff.",
                retry_after=wait,
            )

    def count_claim(self, phone: str, address: str, *, is_own: bool) -> None:
        """A receipt was shown. Guests behind one router share its address: whose own the receipt
        is keeps no other guest from showing one."""
        try:
            self._window.hit(CLAIMS, "claim/phone", phone)
            if not is_own:
                self._window.hit(CLAIMS, "claim", network_of(address))
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))

    def may_look(self, address: str) -> bool:
        """Count a look at what is left to a device; False where an address looks at too many."""
        try:
            return self._window.hit(LOOKS, "look", network_of(address))
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))
            return True

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
