"""The bus's part of the daily maintenance."""

from datetime import timedelta

import structlog
from sqlalchemy import delete, select

from hotspot.bus.tables import inbox, restarts
from hotspot.bus.work import Work

log = structlog.get_logger()

# Longer than any message can wait: a repeat that comes later than this would be handled anew.
INBOX_KEPT_FOR = timedelta(days=30)
AT_ONCE = 5_000
AT_MOST = 200_000


def prune_bus(work: Work) -> int:
    """Forget which messages were handled long ago, in batches; answers how many rows went."""
    pruned = 0
    before = work.now - INBOX_KEPT_FOR
    while pruned < AT_MOST:
        old = select(inbox.c.message_id).where(inbox.c.handled_at < before).limit(AT_ONCE)
        gone = work.session.execute(
            delete(inbox).where(inbox.c.message_id.in_(old)).returning(inbox.c.message_id)
        )
        batch = len(gone.all())
        pruned += batch
        if batch < AT_ONCE:
            break
    work.session.execute(delete(restarts).where(restarts.c.last_begun_at < before))
    log.info("bus pruned", rows=pruned)
    return pruned
