"""What goes wrong while guests buy: workers die all the time, the broker and Daraja go away."""

import os
import random
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from hotspot.testing.system import System

# One worker of each kind that money goes through. The web processes live: what M-Pesa tells a
# dead one is lost for good, which the mode `no_callback` is for.
MORTAL = (
    "payment-payments",
    "payment-mpesa",
    "payment-general",
    "provisioning-hotspot",
    "radius-hotspot",
    "notification-payments",
    "gateway-general",
)


@dataclass(kw_only=True)
class Trouble:
    """Kills a worker each `every` seconds for as long as the block lasts."""

    system: System
    every: float
    chance: random.Random
    killed: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Trouble":
        """Begin."""
        self._thread = threading.Thread(target=self._kill_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the rest live."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def restart_broker(self) -> None:
        """RabbitMQ dies, and is started again by its keeper."""
        for pid in self.system.processes("rabbitmq"):
            os.kill(pid, signal.SIGKILL)

    def daraja_down(self, seconds: float) -> None:
        """Daraja answers in all the ways that are no answer, for a while."""
        self.system.steer("/mpesa/behaviour", mode="down")
        self._over.wait(seconds)
        self.system.steer("/mpesa/behaviour", mode="pay")

    def _kill_on(self) -> None:
        while not self._over.wait(self.every):
            for pid in self.system.processes(self.chance.choice(MORTAL))[:1]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.killed += 1
