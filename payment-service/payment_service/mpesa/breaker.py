"""What of M-Pesa does not work just now: nobody hangs on it meanwhile, and a person hears of it.

The state is in the database: workers share it, and it outlives them.
"""

from datetime import timedelta
from typing import Literal

import structlog
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Work
from payment_service.alarms import clear_alarm, raise_alarm
from payment_service.models import Breaker, change

log = structlog.get_logger()

Name = Literal["prompts", "queries", "requests"]

PAUSE = timedelta(seconds=60)
# Nobody tried it for so long: whether it works is not known, and hurts nobody.
FORGOTTEN_AFTER = timedelta(minutes=10)
ALARM = "mpesa_down"


def pause(name: Name, work: Work) -> timedelta:
    """How long nobody should try. When the pause is over, one is told 0 and tries for all."""
    wanted = select(Breaker.open_until).where(Breaker.name == name)
    open_until = work.session.scalar(wanted)
    if open_until is None:
        return timedelta(0)
    if open_until > work.now:
        return open_until - work.now
    mine = (
        change(Breaker)
        .where(Breaker.name == name, Breaker.open_until <= work.now)
        .values(open_until=work.now + PAUSE)
        .returning(Breaker.name)
    )
    return timedelta(0) if work.session.execute(mine).first() else PAUSE


def fails(name: Name, reason: str, work: Work) -> None:
    """It did not work: pause. Where it still does not after a pause, raise the alarm."""
    until = work.now + PAUSE
    failed = insert(Breaker).values(name=name, down_since=work.now, open_until=until)
    down_since = work.session.scalar(
        failed.on_conflict_do_update(
            index_elements=[Breaker.name], set_={"open_until": until}
        ).returning(Breaker.down_since)
    )
    log.warning("mpesa fails", name=name, reason=reason)
    if down_since is not None and work.now - down_since >= PAUSE:
        said = f"M-Pesa does not take {name} since {down_since:%H:%M} UTC: {reason}"
        raise_alarm(work, alarm=ALARM, subject=name, said=said)


def works(name: Name, work: Work) -> None:
    """It worked: all may try it again."""
    _close(Breaker.name == name, work)


def forget_idle(work: Work) -> None:
    """What nobody tried for a while is not said to be down."""
    _close(Breaker.open_until < work.now - FORGOTTEN_AFTER, work)


def _close(which: ColumnElement[bool], work: Work) -> None:
    closed = (
        delete(Breaker)
        .where(which)
        .returning(Breaker.name)
        .execution_options(synchronize_session=False)
    )
    for name in work.session.scalars(closed).all():
        log.info("mpesa works again", name=name)
        clear_alarm(work, alarm=ALARM, subject=name)
