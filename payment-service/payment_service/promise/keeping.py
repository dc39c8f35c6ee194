"""The promise that no money is without service: counted, healed where it can be, told.

What is missing is asked for again, ever more slowly; after MOST_TRIES the payment stands in front
of a person. All that is asked is idempotent where it arrives.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import Select, and_, delete, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Work
from hotspot.clock import NAIROBI
from hotspot.contract.operations import PromiseChecked
from hotspot.contract.payments import CheckMoneyWithoutServiceJob, ProcessPaymentJob
from payment_service.access import ENDED, PROVISIONING
from payment_service.alarms import clear_alarm, raise_alarm
from payment_service.models import Access, AskedAgain, Payment, Voucher, change
from payment_service.promise import standing
from payment_service.promise.standing import PROMISED_WITHIN, Ids, Standing, Unserved
from payment_service.settling import serving
from payment_service.settling.settlement import hold
from payment_service.vouchers import redemptions

log = structlog.get_logger()

Step = Literal["access", "voucher"]

ALARM: Final = "money_without_service"
# After each try, how long until the next: one that is slow must not be asked twice in a row.
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 15))
MOST_TRIES: Final = len(PAUSES)
GAVE_UP: Final = {
    "access": f"no login works, though it was asked for {MOST_TRIES} times - see the failed jobs",
    "voucher": f"no voucher was made, though it was asked for {MOST_TRIES} times",
}
AT_ONCE: Final = 200
CLOSED_AT_ONCE: Final = 1_000
# A voucher that is missing for longer was asked for as often as it may be.
VOUCHERS_LOOKED_BACK: Final = timedelta(days=1)


def check_money_without_service(_job: CheckMoneyWithoutServiceJob, work: Work) -> None:
    """Ask again for what is missing, count who still waits, and say so."""
    _close_what_ran_out(work)
    _forget_the_healed(work)
    _heal("access", _waiting(work), ask_for_access, work)
    _heal("voucher", _without_voucher(work), _ask_for_voucher, work)
    _tell(standing.unserved(work.session, work.now), work)


def _heal(step: Step, ids: Ids, ask: Callable[[UUID, Work], None], work: Work) -> None:
    """Ask for the step of each payment whose turn it is; after the last try, call a person."""
    for payment_id, tries in work.session.execute(_due(step, ids, work)).all():
        if tries >= MOST_TRIES:
            if _give_up(payment_id, step, work):
                hold(work.session, payment_id, GAVE_UP[step])
        elif _count_try(payment_id, step, tries, work):
            log.warning("asked again", payment_id=str(payment_id), step=step, tries=tries + 1)
            ask(payment_id, work)


def _waiting(work: Work) -> Ids:
    """Payments that wait for longer than is promised."""
    seen = standing.standings(standing.waiting(work.now), work.now).subquery()
    return select(seen.c.id).where(
        seen.c.standing == Standing.WAITING.value, seen.c.since < work.now - PROMISED_WITHIN
    )


def _without_voucher(work: Work) -> Ids:
    """Paid, and without the proof of it. Who redeemed a voucher of a batch gets no second one."""
    return standing.over_since(work.now - VOUCHERS_LOOKED_BACK).where(
        Payment.completed_at < work.now - PROMISED_WITHIN,
        Payment.source != "voucher",
        ~exists().where(Voucher.payment_id == Payment.id),
    )


def _due(step: Step, ids: Ids, work: Work) -> Select[*tuple[Any, ...]]:
    """Those whose turn it is, in the order in which every handler touches payments."""
    among = ids.subquery()
    mine = and_(AskedAgain.payment_id == among.c.id, AskedAgain.step == step)
    is_due = func.coalesce(AskedAgain.next_at, work.now) <= work.now
    return (
        select(among.c.id, func.coalesce(AskedAgain.tries, 0))
        .join(AskedAgain, mine, isouter=True)
        .where(AskedAgain.gave_up_at.is_(None), is_due)
        .order_by(among.c.id)
        .limit(AT_ONCE)
    )


def _count_try(payment_id: UUID, step: Step, tries: int, work: Work) -> bool:
    """Whether this check is the one that makes the next try: another may run at the same time."""
    told = {"tries": tries + 1, "next_at": work.now + PAUSES[tries]}
    counted = (
        insert(AskedAgain)
        .values(payment_id=payment_id, step=step, **told)
        .on_conflict_do_update(
            index_elements=[AskedAgain.payment_id, AskedAgain.step],
            set_=told,
            where=AskedAgain.tries == tries,
        )
        .returning(AskedAgain.tries)
    )
    return work.session.execute(counted).first() is not None


def _give_up(payment_id: UUID, step: Step, work: Work) -> bool:
    mine = (AskedAgain.payment_id == payment_id, AskedAgain.step == step)
    gave_up = change(AskedAgain).where(*mine, AskedAgain.gave_up_at.is_(None))
    done = work.session.execute(gave_up.values(gave_up_at=work.now).returning(AskedAgain.step))
    return done.first() is not None


def ask_for_access(payment_id: UUID, work: Work) -> None:
    """Ask for the access of a completed payment, by whatever it was bought."""
    missing = insert(Access).values(payment_id=payment_id, state=PROVISIONING, changed_at=work.now)
    work.session.execute(missing.on_conflict_do_nothing())
    source = work.session.scalar(select(Payment.source).where(Payment.id == payment_id))
    ask = redemptions.ask_for_access if source == "voucher" else serving.ask_again
    ask(payment_id, work)


def _ask_for_voucher(payment_id: UUID, work: Work) -> None:
    work.send(ProcessPaymentJob(payment_id=payment_id), correlation_id=payment_id)


def _close_what_ran_out(work: Work) -> None:
    """Time runs out without a message: such access leaves the index of what is not over."""
    over = (
        select(Access.payment_id)
        .where(text("access.state = 'ready'"), Access.until <= work.now)
        .limit(CLOSED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    closed = change(Access).where(Access.payment_id.in_(over))
    work.session.execute(closed.values(state=ENDED, changed_at=work.now))


def _forget_the_healed(work: Work) -> None:
    """What came after all needs nobody's eyes any more."""
    has_access = exists().where(
        Access.payment_id == AskedAgain.payment_id, Access.state != PROVISIONING
    )
    has_voucher = exists().where(Voucher.payment_id == AskedAgain.payment_id)
    healed = or_(
        and_(AskedAgain.step == "access", has_access),
        and_(AskedAgain.step == "voucher", has_voucher),
    )
    gone = delete(AskedAgain).where(healed).returning(AskedAgain.payment_id, AskedAgain.step)
    gone = gone.execution_options(synchronize_session=False)
    for payment_id, step in sorted(work.session.execute(gone).all()):
        said = func.array_remove(func.string_to_array(Payment.needs_attention, "; "), GAVE_UP[step])
        left = func.nullif(func.array_to_string(said, "; "), "")
        mine = change(Payment).where(Payment.id == payment_id, Payment.needs_attention.is_not(None))
        work.session.execute(mine.values(needs_attention=left))


def _tell(figure: Unserved, work: Work) -> None:
    """The figure each time, the alarm when it changes."""
    work.send(
        PromiseChecked(
            promise="money_without_service",
            broken=figure.count,
            checked_at=work.now,
            since=figure.since,
        )
    )
    if figure.since is None:
        clear_alarm(work, alarm=ALARM, subject=work.service)
        return
    local = figure.since.astimezone(NAIROBI)
    guests = "guest" if figure.count == 1 else "guests"
    said = f"{figure.count} {guests} paid and cannot log in, the first since {local:%d %b %H:%M}"
    raise_alarm(work, alarm=ALARM, subject=work.service, said=said)
