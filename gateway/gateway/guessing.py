"""Who guesses passwords waits longer and longer; the owner of the account does not.

A wrong password counts for the account at the place it was typed at: so an attacker elsewhere
cannot lock anybody out. Guests share their owner's address where a router hides them all behind
one, so a device that has logged in before is a place of its own (OWASP: device cookies).
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from uuid import UUID

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage
from limits.strategies import MovingWindowRateLimiter

from gateway.throttle import TooOften, Turns, network_of

log = structlog.get_logger()

# Each try costs a slow hash; and wrong ones are guesses, which the right ones of a busy office,
# all from one address, are not.
LOGINS = RateLimitItemPerMinute(120)
WRONG_LOGINS = (RateLimitItemPerMinute(10), RateLimitItemPerHour(100))
# So often may anybody mistype; after that each wrong try doubles the wait, from 2 seconds on.
FREE_TRIES = 4
LONGEST_WAIT_SECONDS = 15 * 60
REMEMBERED_SECONDS = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Somebody wants to log in as `email` from an address; `device`: one that did so before."""

    email: str
    address: str
    device: UUID | None = None

    @property
    def place(self) -> str:
        """What one person has in hand."""
        return str(self.device) if self.device else network_of(self.address)

    @property
    def key(self) -> str:
        """The account at this place. Addresses of people are no keys to be read in Redis."""
        account = hashlib.sha256(self.email.strip().lower().encode()).hexdigest()
        return f"{account}/{self.place}"


class LoginThrottle:
    """Counts in memory, or in Redis for several gateways.

    While Redis is away nothing is refused: an attacker could wait for that, an owner could not.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._window = MovingWindowRateLimiter(storage)
        self._turns = Turns()

    @contextmanager
    def turn_of(self, attempt: Attempt) -> Iterator[None]:
        """One try at a time: many at once would all be made before the first is counted."""
        with self._turns.turn_of(f"login/{attempt.key}"):
            yield

    def check(self, attempt: Attempt) -> None:
        """Count a try to log in. Raises TooOften."""
        try:
            wait = max(self._wait_of_account(attempt), self._wait_of_place(attempt))
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))
            return
        if wait:
            log.warning("passwords may be being guessed", address=attempt.address)
            raise TooOften(f"Too many logins from here: try again in {wait} s.", retry_after=wait)

    def count_wrong(self, attempt: Attempt) -> None:
        """The password was wrong."""
        try:
            if attempt.device is None:
                for limit in WRONG_LOGINS:
                    self._window.hit(limit, "wrong", attempt.place)
            wrong = self._storage.incr(_tries(attempt), REMEMBERED_SECONDS)
            if wrong > FREE_TRIES:
                self._storage.incr(_pause(attempt), pause_after(wrong))
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))

    def forget(self, attempt: Attempt) -> None:
        """The password was right: who knows it is no guesser."""
        try:
            self._storage.clear(_tries(attempt))
        except StorageError as error:
            log.warning("rate limits are not counted", error=str(error))

    def _wait_of_account(self, attempt: Attempt) -> int:
        if not self._storage.get(_pause(attempt)):
            return 0
        return max(1, ceil(self._storage.get_expiry(_pause(attempt)) - time.time()))

    def _wait_of_place(self, attempt: Attempt) -> int:
        # A known device is not kept waiting by others behind its address.
        if not self._window.hit(LOGINS, "login", attempt.place):
            return self._wait(LOGINS, "login", attempt.place)
        if attempt.device is not None:
            return 0
        full = [one for one in WRONG_LOGINS if not self._window.test(one, "wrong", attempt.place)]
        return max((self._wait(one, "wrong", attempt.place) for one in full), default=0)

    def _wait(self, limit: RateLimitItem, *key: str) -> int:
        return max(1, ceil(self._window.get_window_stats(limit, *key).reset_time - time.time()))


def pause_after(wrong: int) -> int:
    """Seconds to wait after so many wrong tries; 0 for the first few."""
    if wrong <= FREE_TRIES:
        return 0
    doubled = 1 << min(wrong - FREE_TRIES, 20)
    return min(doubled, LONGEST_WAIT_SECONDS)


def _tries(attempt: Attempt) -> str:
    return f"wrong-login/{attempt.key}"


def _pause(attempt: Attempt) -> str:
    return f"login-pause/{attempt.key}"
