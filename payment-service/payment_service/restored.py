"""After a restore: what provisioning-service and the guests' page may have forgotten."""

from sqlalchemy import select, text

from hotspot.bus.work import Work
from payment_service.models import COMPLETED, Access, Payment
from payment_service.promise.keeping import ask_for_access


def ask_again(work: Work) -> None:
    """Ask for the access of each payment whose time is not over, also where the login worked.

    `CheckMoneyWithoutServiceJob` asks for those that wait. It cannot know that provisioning-service
    or radius-service was put back to a time before a login that works here.
    """
    in_use = select(Access.payment_id).where(text("access.state IN ('ready', 'online')"))
    not_over = in_use.where(Access.until > work.now).subquery()
    wanted = (
        select(Payment.id)
        .join(not_over, not_over.c.payment_id == Payment.id)
        .where(Payment.status == COMPLETED, Payment.reversed_at.is_(None))
        .order_by(Payment.id)
    )
    for payment_id in work.session.scalars(wanted).all():
        ask_for_access(payment_id, work)
