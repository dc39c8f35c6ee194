"""The alarm that the spool fills up: raised as soon as the broker takes it, over when it is empty.

While the broker is away nobody can be told but by logs, metrics and health. What is due and what
was told is a file in the spool's folder: the process that spooled may not be the one that drains.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import structlog

from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.transport import Publishing
from hotspot.bus.upkeep import SpoolFill
from hotspot.contract.message import Message
from hotspot.contract.operations import AlarmCleared, AlarmRaised
from hotspot.contract.table import PAYMENT

log = structlog.get_logger()

ALARM = "callback_spool"
# Half full: time is left to do something about it.
RAISED_AT = 0.5


class SpoolAlarm:
    """Watches one folder's fill."""

    def __init__(self, folder: Path, publisher: Publishing) -> None:
        self._due = folder / "alarm.due"
        self._told = folder / "alarm.told"
        self._publisher = publisher

    def watch(self, fill: SpoolFill) -> None:
        """Note that people must be told, once the spool is so full."""
        if fill.waiting < fill.most * RAISED_AT or self._told.exists() or self._due.exists():
            return
        log.critical("callback spool fills up", waiting=fill.waiting, most=fill.most)
        try:
            self._due.write_text(f"{fill.waiting} of {fill.most}")
        except OSError as error:  # the callback itself is kept: it must not be refused for this
            log.critical("callback spool alarm not noted", error=str(error))

    @property
    def is_open(self) -> bool:
        """Whether there is something to tell, now or once it is over."""
        return self._due.exists() or self._told.exists()

    def tell(self, now: datetime) -> None:
        """Raise the alarm, if that is due. Raises BrokerAway."""
        try:
            fill = self._due.read_text()
        except FileNotFoundError:
            return
        said = f"RabbitMQ is away or slow: {fill} callbacks that have room wait on disk"
        self._send(
            AlarmRaised(
                service=PAYMENT.name, alarm=ALARM, subject=PAYMENT.name, said=said, raised_at=now
            ),
            now,
        )
        with suppress(FileNotFoundError):  # another process has told it as well
            self._due.rename(self._told)

    def clear(self, now: datetime) -> None:
        """Nothing waits any more: tell, where people were told that it did. Raises BrokerAway."""
        if self._told.exists():
            over = AlarmCleared(
                service=PAYMENT.name, alarm=ALARM, subject=PAYMENT.name, cleared_at=now
            )
            self._send(over, now)
            self._told.unlink(missing_ok=True)

    def _send(self, message: Message, now: datetime) -> None:
        envelope = enclose(message, sender=PAYMENT.name, now=now)
        self._publisher.publish([Parcel.of(message, envelope)])
