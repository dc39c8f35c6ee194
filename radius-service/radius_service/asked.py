"""A request on its way through the server, and the door that it came by."""

import socket
import time
from dataclasses import dataclass, field
from datetime import datetime

from radius_service.nas import Client
from radius_service.packets import Attributes, Code, Malformed, Request, reply
from radius_service.recent import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was checked and waits for its answer. Ends with `answer` or `drop`, once."""

    request: Request
    client: Client
    address: str  # without the brackets and mappings of IPv6: as `nas` spells it
    source: tuple[str, int]
    door: socket.socket
    exchange: Exchange
    received_at: datetime
    since: float = field(default_factory=time.monotonic)

    def answer(self, code: Code, attributes: Attributes) -> bool:
        """Send the reply and keep it for repeats; False where it could not be sent."""
        try:
            data = reply(self.request, code, attributes)
            self.exchange.reply = data
            self.door.sendto(data, self.source)
        except (OSError, Malformed):
            return False
        return True

    def drop(self) -> None:
        """Give no answer: the router asks again, and is then handled anew."""
        self.exchange.dropped = True
