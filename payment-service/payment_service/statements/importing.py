"""A statement's money: what we never heard of is settled in the one way, the rest is compared."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Work
from hotspot.contract.money import Money
from hotspot.contract.payments import ImportStatementJob
from payment_service.models import Statement, StatementLine, StatementPart
from payment_service.settling.credit import ArrivedMoney, credit
from payment_service.settling.settlement import hold
from payment_service.statements.findings import (
    Compared,
    Finding,
    compare_all,
    payer_in,
    receipts_named,
)

log = structlog.get_logger()


def import_statement(job: ImportStatementJob, work: Work) -> None:
    """Compare a part of a statement with our receipts, and settle what is missing here."""
    if not _begin(job, work):
        return
    known = receipts_named(work.session, [row.receipt for row in job.rows])
    # In one order for all: two parts that name the same payments must not wait for each other.
    rows = sorted(job.rows, key=lambda row: row.receipt)
    compared = [_act_on(one, work) for one in compare_all(rows, known)]
    _keep(job, compared, work)
    log.info("statement imported", statement_id=str(job.statement_id), part=job.part)


def _begin(job: ImportStatementJob, work: Work) -> bool:
    """Whether this part was not handled before."""
    if job.begins_at is None or job.ends_at is None:
        raise ValueError("a statement must say what time it covers")
    work.session.execute(
        insert(Statement)
        .values(
            id=job.statement_id,
            parts=job.parts,
            begins_at=job.begins_at,
            ends_at=job.ends_at,
            requested_by=job.requested_by,
            requested_at=job.requested_at,
        )
        .on_conflict_do_nothing()
    )
    begun = work.session.execute(
        insert(StatementPart)
        .values(statement_id=job.statement_id, part=job.part, handled_at=work.now)
        .on_conflict_do_nothing()
        .returning(StatementPart.part)
    )
    return begun.first() is not None


def _act_on(found: Compared, work: Work) -> Compared:
    """What is missing here is credited; what contradicts us is put in front of a person."""
    if found.finding is Finding.MISSING_HERE and found.there is not None:
        return _credited(found, found.there, work)
    if found.payment_id is not None and found.finding is Finding.DIFFERENT_AMOUNT:
        reason = f"the statement says {found.there} for receipt {found.receipt}"
        hold(work.session, found.payment_id, reason)
        return replace(found, outcome="in front of a person")
    if found.payment_id is not None and found.finding is Finding.SENT_BACK:
        hold(work.session, found.payment_id, f"receipt {found.receipt} was sent back by M-Pesa")
        return replace(found, outcome="in front of a person")
    return found


def _credited(found: Compared, amount: Money, work: Work) -> Compared:
    payer = payer_in(found.details)
    arrived = ArrivedMoney(
        source="statement",
        receipt=found.receipt,
        amount=amount,
        paid_at=found.completed_at,
        phone=payer.phone,
        masked_phone=payer.masked_phone,
        reference=payer.reference,
    )
    credited = credit(arrived, work)
    return replace(found, payment_id=credited.payment_id, outcome=credited.verdict.value)


def _keep(job: ImportStatementJob, compared: Sequence[Compared], work: Work) -> None:
    if not compared:
        return
    rows = [
        {
            "statement_id": job.statement_id,
            "receipt": one.receipt,
            "finding": one.finding.value,
            "completed_at": one.completed_at,
            "there": one.there.amount if one.there else 0,
            "here": one.here.amount if one.here else None,
            "details": one.details,
            "payment_id": one.payment_id,
            "outcome": one.outcome,
        }
        for one in compared
    ]
    work.session.execute(insert(StatementLine).on_conflict_do_nothing(), rows)
